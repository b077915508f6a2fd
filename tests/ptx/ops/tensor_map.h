// Tensor maps: what the 128 bytes of a CUtensorMap hold here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../text/types.h"

struct TensorMap {
    uint64_t magic;
    uint64_t unused;  // 0.  CUTLASS clears a bit of it, for drivers up to 13.1 and small tensors
    uint64_t address;
    uint64_t strides[4];  // bytes, of dimensions 1 and up
    uint32_t dims[5];     // less 1
    uint8_t box[5];       // less 1
    uint8_t element_strides[5];
    uint8_t type;  // CUtensorMapDataType
    uint8_t rank;
    uint8_t swizzle;  // 0, or the bits of an address that are swizzled: 1, 2, 3
    uint8_t fills_nan;
    uint8_t padding[6];  // said, for what the compiler leaves between fields may hold anything, and is
                         // summed
    uint64_t checksum;   // of all before it

    uint64_t sum() const;
    bool valid() const;
    int element_bytes() const;
    Type reduced_as(bool bits) const;  // the type that reductions work on; none: they cannot
    // How many elements of a dimension a box has.
    uint32_t extent(int d) const {
        return d == 0 ? box[0] + 1u : (box[d] + element_strides[d]) / element_strides[d];
    }
};
static_assert(sizeof(TensorMap) <= 128 && offsetof(TensorMap, checksum) == 96);
