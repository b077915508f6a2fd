// A buffer is filled again while the copy from it may still read, and at the end nobody waits for the last copy.
// devices: 90,100
#include "bulk.h"

__global__ void store(const int *x, int *to) {
    __shared__ __align__(128) int s[TILE];
    const int i = threadIdx.x;
    for (int t = 0; t < 2; ++t) {
        s[i] = x[TILE * t + i];  // finds: asynchronous all // also: race
        fence_async();
        __syncthreads();
        if (i == 0)
            asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], 256;"
                         "cp.async.bulk.commit_group;" ::"l"(to + TILE * t),
                         "r"(shared_address(s)) : "memory");  // finds: asynchronous all
        __syncthreads();
    }
}

int main() { return launch(store, 2); }
