// What the faults of bulk copies share: a tile in shared memory, and a launch.
#pragma once

#include <cuda_runtime.h>

#include "../tests/ptx_async.h"

constexpr int TILE = 64, TILE_BYTES = TILE * sizeof(int);

struct Tile {
    alignas(128) int values[TILE];
    uint64_t barrier;
};

// The block's tile, with an mbarrier at which one thread arrives.
__device__ inline Tile &new_tile() {
    __shared__ Tile tile;
    if (threadIdx.x == 0) barrier_init(&tile.barrier, 1);
    __syncthreads();
    return tile;
}

// Runs a block of TILE threads, with tiles of zeros to read and as many to write.
inline int launch(void (*kernel)(const int *, int *), int tiles) {
    int *x, *to;
    cudaMalloc(&x, tiles * TILE_BYTES);
    cudaMalloc(&to, tiles * TILE_BYTES);
    cudaMemset(x, 0, tiles * TILE_BYTES);
    kernel<<<1, TILE>>>(x, to);
    return cudaDeviceSynchronize();
}
