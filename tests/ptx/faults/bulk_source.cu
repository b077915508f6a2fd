// A tile is filled again while the bulk copy may still read it.
// devices: 90,100
#include "bulk.h"

__global__ void store(const int *x, int *to) {
    __shared__ __align__(128) int s[TILE];
    const int i = threadIdx.x;
    for (int t = 0; t < 2; ++t) {
        s[i] = x[TILE * t + TILE - 1 - i];  // finds: asynchronous // also: race
        fence_async();
        __syncthreads();
        if (i == 0) bulk_store(to + TILE * t, s, TILE_BYTES), bulk_commit();
        __syncthreads();
    }
    if (i == 0) bulk_wait<0>();
}

int main() { return launch(store, 2); }
