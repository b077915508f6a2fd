// A tile is read before the mbarrier tells that the bulk copy is there.
// devices: 90,100
#include "bulk.h"

__global__ void load(const int *x, int *to) {
    Tile &tile = new_tile();
    const int i = threadIdx.x;
    if (i == 0) {
        barrier_arrive_expect(&tile.barrier, TILE_BYTES);
        bulk_load(tile.values, x, TILE_BYTES, &tile.barrier);
    }
    __syncthreads();
    to[i] = tile.values[TILE - 1 - i];  // finds: asynchronous block=(0,0,0) // also: race
    barrier_wait(&tile.barrier, 0);
}

int main() { return launch(load, 1); }
