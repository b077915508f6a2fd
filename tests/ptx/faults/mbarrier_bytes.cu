// An mbarrier expects more bytes than are copied: its phase never ends.
// devices: 90,100
#include "bulk.h"

__global__ void load(const int *x, int *to) {
    Tile &tile = new_tile();
    const int i = threadIdx.x;
    if (i == 0) {
        barrier_arrive_expect(&tile.barrier, TILE_BYTES + 16);
        bulk_load(tile.values, x, TILE_BYTES, &tile.barrier);
    }
    int done = 0;
    while (!done)
        asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], 0; selp.s32 %0, 1, 0, p; }"
                     : "=r"(done) : "r"(shared_address(&tile.barrier)) : "memory");  // finds: deadlock
    to[i] = tile.values[TILE - 1 - i];
}

int main() { return launch(load, 1); }
