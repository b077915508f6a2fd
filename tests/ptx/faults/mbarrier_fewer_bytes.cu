// An mbarrier expects fewer bytes than are copied.
// devices: 90,100
#include "bulk.h"

__global__ void load(const int *x, int *to) {
    Tile &tile = new_tile();
    const int i = threadIdx.x;
    if (i == 0) {
        barrier_arrive_expect(&tile.barrier, TILE_BYTES - 16);
        asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], 256, [%2];"
                     ::"r"(shared_address(tile.values)), "l"(x), "r"(shared_address(&tile.barrier)) : "memory");  // finds: asynchronous
        barrier_wait(&tile.barrier, 0);  // also: deadlock
    }
    to[i] = 0;
}

int main() { return launch(load, 1); }
