// What threads wrote is copied by the asynchronous proxy, without a fence between the two.
// devices: 90,100
#include "bulk.h"

__global__ void store(const int *x, int *to) {
    __shared__ __align__(128) int s[TILE];
    const int i = threadIdx.x;
    s[i] = x[TILE - 1 - i];
    __syncthreads();
    if (i == 0) {
        const size_t g = __cvta_generic_to_global(to);
        const uint32_t from = shared_address(s);
        asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], 256;" ::"l"(g),
                     "r"(from)  // finds: race thread=(0,0,0)
                     : "memory");
        bulk_commit();
        bulk_wait<0>();
    }
}

int main() { return launch(store, 1); }
