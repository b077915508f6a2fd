// cuTensorMapEncodeTiled, and what it leaves in a tensor map.
#include "tensor_map.h"

#include <cuda.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "../checks/findings.h"

namespace {

constexpr uint64_t MAGIC = 0x4B41'4952'4F53'544Dull;
constexpr int TYPES = 13;  // those with packed elements of less than a byte come after
constexpr int BYTES[TYPES] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};

bool is_floating(int type) { return type >= CU_TENSOR_MAP_DATA_TYPE_FLOAT16; }

struct Arguments {
    CUtensorMapDataType type;
    uint32_t rank;
    uint64_t address;
    const cuuint64_t *dims, *strides;
    const cuuint32_t *box, *element_strides;
    CUtensorMapSwizzle swizzle;
};

// What the driver refuses; nullptr: nothing.
const char *wrong_shape(const Arguments &a) {
    if (a.address % 16 != 0) return "globalAddress is no multiple of 16";
    for (uint32_t d = 0; d < a.rank; ++d) {
        if (a.dims[d] == 0 || a.dims[d] > 1ull << 32) return "globalDim is from 1 to 2^32";
        if (a.box[d] == 0 || a.box[d] > 256) return "boxDim is from 1 to 256";
        if (a.element_strides[d] == 0 || a.element_strides[d] > 8)
            return "elementStrides are from 1 to 8";
        if (d == 0) continue;
        if (a.strides[d - 1] % 16 != 0) return "globalStrides are multiples of 16";
        if (a.strides[d - 1] >= 1ull << 40) return "globalStrides are less than 2^40";
    }
    const uint32_t inner = a.box[0] * BYTES[a.type];
    if (inner % 16 != 0) return "boxDim[0] times the element's size is no multiple of 16";
    if (a.swizzle != CU_TENSOR_MAP_SWIZZLE_NONE && inner > 16u << a.swizzle)
        return "boxDim[0] times the element's size is more than the swizzle spans";
    // It is nowhere written how narrower rows lie in shared memory.
    if (a.swizzle != CU_TENSOR_MAP_SWIZZLE_NONE && inner < 16u << a.swizzle)
        return "boxDim[0] times the element's size is less than the swizzle spans: not supported here";
    return nullptr;
}

CUresult refuse(const char *why) {
    host_finding(Check::wrong_use, "cuTensorMapEncodeTiled: %s", why);
    return CUDA_ERROR_INVALID_VALUE;
}

}  // namespace

uint64_t TensorMap::sum() const {
    uint64_t sum = 0xcbf29ce484222325ull;
    const auto *bytes = (const unsigned char *)this;
    for (size_t k = 0; k < offsetof(TensorMap, checksum); ++k)
        sum = (sum ^ bytes[k]) * 0x100000001b3ull;
    return sum;
}

bool TensorMap::valid() const { return magic == MAGIC && checksum == sum(); }

int TensorMap::element_bytes() const { return BYTES[type]; }

Type TensorMap::reduced_as(bool bits) const {
    switch (type) {
        case CU_TENSOR_MAP_DATA_TYPE_UINT32:
            return bits ? Type::b32 : Type::u32;
        case CU_TENSOR_MAP_DATA_TYPE_INT32:
            return bits ? Type::b32 : Type::s32;
        case CU_TENSOR_MAP_DATA_TYPE_UINT64:
            return bits ? Type::b64 : Type::u64;
        case CU_TENSOR_MAP_DATA_TYPE_INT64:
            return bits ? Type::b64 : Type::s64;
        case CU_TENSOR_MAP_DATA_TYPE_FLOAT16:
            return Type::f16;
        case CU_TENSOR_MAP_DATA_TYPE_BFLOAT16:
            return Type::bf16;
        case CU_TENSOR_MAP_DATA_TYPE_FLOAT32:
        case CU_TENSOR_MAP_DATA_TYPE_FLOAT32_FTZ:
            return Type::f32;
        default:
            return Type::none;
    }
}

extern "C" CUresult kairos_cuTensorMapEncodeTiled(
    CUtensorMap *map, CUtensorMapDataType type, cuuint32_t rank, void *global, const cuuint64_t *dims,
    const cuuint64_t *strides, const cuuint32_t *box, const cuuint32_t *element_strides,
    CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion,
    CUtensorMapFloatOOBfill fill) {
    if (map == nullptr || (uintptr_t)map % 64 != 0)
        return refuse("the map's address is no multiple of 64");
    if (type < 0 || type > CU_TENSOR_MAP_DATA_TYPE_16U6_ALIGN16B)
        return refuse("no such tensorDataType");
    if (type >= TYPES) return refuse("packed elements of less than a byte are not supported here");
    if (rank == 0 || rank > 5) return refuse("tensorRank is from 1 to 5");
    if (dims == nullptr || box == nullptr || element_strides == nullptr ||
        (strides == nullptr && rank > 1))
        return refuse("an array is missing");
    if (interleave != CU_TENSOR_MAP_INTERLEAVE_NONE)
        return refuse("interleaved layouts are not supported here");
    if (swizzle < 0 || swizzle > CU_TENSOR_MAP_SWIZZLE_128B)
        return refuse("this swizzle is not supported here");
    if (promotion < 0 || promotion > CU_TENSOR_MAP_L2_PROMOTION_L2_256B)
        return refuse("no such l2Promotion");
    if (fill < 0 || fill > CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA)
        return refuse("no such oobFill");
    if (fill != 0 && !is_floating(type))
        return refuse("oobFill with NaN, and no floating-point elements");
    const Arguments a{type, rank, (uint64_t)global, dims, strides, box, element_strides, swizzle};
    if (const char *why = wrong_shape(a)) return refuse(why);
    TensorMap made{};
    made.magic = MAGIC;
    made.address = a.address;
    made.type = type, made.rank = rank, made.swizzle = swizzle, made.fills_nan = fill;
    for (uint32_t d = 0; d < rank; ++d) {
        made.dims[d] = dims[d] - 1;
        made.box[d] = box[d] - 1;
        made.element_strides[d] = element_strides[d];
        if (d > 0) made.strides[d - 1] = strides[d - 1];
    }
    made.checksum = made.sum();
    std::memset(map, 0, sizeof *map);
    std::memcpy(map, &made, sizeof made);
    return CUDA_SUCCESS;
}
