// An mbarrier expects more bytes than are copied: its phase never ends.
// devices: 90,100
#include "bulk.h"

__global__ void tile(const int *x, int *to) {
    __shared__ __align__(128) int s[64];
    __shared__ uint64_t barrier;
    const int i = threadIdx.x;
    if (i == 0) init(&barrier, 1);
    __syncthreads();
    if (i == 0) {
        expect(&barrier, 272);
        load(s, x, 256, &barrier);
    }
    int done = 0;
    while (!done)
        asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], 0; selp.s32 %0, 1, 0, p; }"
                     : "=r"(done) : "r"(shared_address(&barrier)) : "memory");  // finds: deadlock
    to[i] = s[63 - i];
}

int main() {
    int *x, *to;
    cudaMalloc(&x, 256);
    cudaMalloc(&to, 256);
    cudaMemset(x, 0, 256);
    tile<<<1, 64>>>(x, to);
    return cudaDeviceSynchronize();
}
