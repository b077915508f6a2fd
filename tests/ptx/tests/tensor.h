// Tensor maps for tests: a tensor on the host, boxes of it by plain loops, and its map.
#pragma once

#include <cuda.h>

#include <algorithm>
#include <array>

#include "gpu.h"

using Five = std::array<int, 5>;

// Words of a type of `size` bytes, packed; dimension 0 is the fastest. `pad` bytes lie between rows.
struct Tensor {
    int rank, size;
    Five dims;
    size_t strides[5];  // bytes, of each dimension
    std::vector<unsigned char> data;

    Tensor(int rank, int size, Five dims, int pad = 0) : rank(rank), size(size), dims(dims) {
        strides[0] = size;
        for (int d = 1; d < 5; ++d) strides[d] = (strides[d - 1] * dims[d - 1] + 15) / 16 * 16 + pad;
        data.resize(strides[rank - 1] * dims[rank - 1]);
        for (size_t i = 0; i < data.size(); ++i) data[i] = hash(i) | 1;
    }
    // Where an element lies; -1: outside.
    long at(const Five &index) const {
        long offset = 0;
        for (int d = 0; d < rank; ++d) {
            if (index[d] < 0 || index[d] >= dims[d]) return -1;
            offset += index[d] * (long)strides[d];
        }
        return offset;
    }
};

inline CUresult encode(CUtensorMap &map, const Tensor &t, void *data, CUtensorMapDataType type,
                       const Five &box, int swizzle = 0, Five steps = {1, 1, 1, 1, 1}, int fill = 0) {
    static decltype(&cuTensorMapEncodeTiled) function = nullptr;
    if (function == nullptr) {
        cudaDriverEntryPointQueryResult found;
        MUST(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", (void **)&function, 12000,
                                              cudaEnableDefault, &found));
    }
    cuuint64_t dims[5], strides[4];
    cuuint32_t boxes[5], element_strides[5];
    for (int d = 0; d < t.rank; ++d) {
        dims[d] = t.dims[d], boxes[d] = box[d], element_strides[d] = steps[d];
        if (d > 0) strides[d - 1] = t.strides[d];
    }
    return function(&map, type, t.rank, data, dims, strides, boxes, element_strides,
                    CU_TENSOR_MAP_INTERLEAVE_NONE, (CUtensorMapSwizzle)swizzle,
                    CU_TENSOR_MAP_L2_PROMOTION_NONE, (CUtensorMapFloatOOBfill)fill);
}

// Where byte `at` of a box lies in shared memory: the chunks of 16 bytes within each 128 bytes are
// exchanged by the number of the 128 bytes, within spans of 32, 64 or 128.
inline size_t swizzled(size_t at, int swizzle) {
    const size_t chunks = 1u << swizzle, row = at / 128 % 8;
    const size_t chunk = at / 16 % chunks, moved = chunk ^ (row % chunks);
    return at + (moved - chunk) * 16;
}

// Calls what(place in the box's memory, offset in the tensor or -1) for each element.
template <class F>
void each_element(const Tensor &t, const Five &box, const Five &begin, int swizzle, const Five &steps,
                  F what) {
    Five n{1, 1, 1, 1, 1};
    for (int d = 0; d < t.rank; ++d) n[d] = d == 0 ? box[d] : (box[d] + steps[d] - 1) / steps[d];
    size_t place = 0;
    Five i{};
    for (i[4] = 0; i[4] < n[4]; ++i[4])
        for (i[3] = 0; i[3] < n[3]; ++i[3])
            for (i[2] = 0; i[2] < n[2]; ++i[2])
                for (i[1] = 0; i[1] < n[1]; ++i[1])
                    for (i[0] = 0; i[0] < n[0]; ++i[0]) {
                        Five index{};
                        for (int d = 0; d < t.rank; ++d)
                            index[d] = begin[d] + i[d] * (d == 0 ? 1 : steps[d]);
                        what(swizzled(place, swizzle), t.at(index));
                        place += t.size;
                    }
}
inline size_t box_bytes(const Tensor &t, const Five &box, const Five &steps = {1, 1, 1, 1, 1}) {
    size_t bytes = t.size;
    for (int d = 0; d < t.rank; ++d) bytes *= d == 0 ? box[d] : (box[d] + steps[d] - 1) / steps[d];
    return bytes;
}
