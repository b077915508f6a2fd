// Sums over the lanes of a warp.
#pragma once

#include "launch.cuh"

// The sum over each group of `lanes` neighbouring lanes (a power of two), in each of its lanes.
// Every lane of the warp calls it.
__device__ inline float warp_sum(float v, int lanes = WARP) {
    for (int distance = lanes / 2; distance > 0; distance /= 2)
        v += __shfl_xor_sync(0xffffffffu, v, distance);
    return v;
}
