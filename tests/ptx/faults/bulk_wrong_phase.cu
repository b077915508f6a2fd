// The second tile is awaited with the parity of the first, which is complete already.
// devices: 90,100
#include "bulk.h"

__global__ void load(const int *x, int *to) {
    Tile &tile = new_tile();
    const int i = threadIdx.x;
    for (int t = 0; t < 2; ++t) {
        if (i == 0) {
            barrier_arrive_expect(&tile.barrier, TILE_BYTES);
            bulk_load(tile.values, x + TILE * t, TILE_BYTES, &tile.barrier);
        }
        barrier_wait(&tile.barrier, 0);
        to[TILE * t + i] = tile.values[TILE - 1 - i];  // finds: asynchronous // also: race
        __syncthreads();
    }
    barrier_wait(&tile.barrier, 1);
}

int main() { return launch(load, 2); }
