// Sums over the lanes of a warp, and over the threads of a block.
#pragma once

#include "launch.cuh"

// The sum over each group of `lanes` neighbouring lanes (a power of two), in each of its lanes.
// Every lane of the warp calls it.
template <typename V>
__device__ inline V warp_sum(V v, int lanes = WARP) {
    for (int distance = lanes / 2; distance > 0; distance /= 2)
        v += __shfl_xor_sync(0xffffffffu, v, distance);
    return v;
}

// The sum over the block's threads, in thread 0; in a fixed order.  Every thread of the block calls it;
// `shared` has room for BLOCK_WARPS values.
template <typename V>
__device__ inline V block_sum(V v, V *shared) {
    v = warp_sum(v);
    if (lane_index() == 0) shared[warp_index()] = v;
    __syncthreads();
    V sum = 0;
    if (threadIdx.x == 0)
        for (int warp = 0; warp < BLOCK_WARPS; ++warp) sum += shared[warp];
    __syncthreads();  // before `shared` is written again
    return sum;
}
