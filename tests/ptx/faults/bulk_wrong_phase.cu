// The second tile is awaited with the parity of the first, which is complete already.
// devices: 90,100
#include "bulk.h"

__global__ void tiles(const int *x, int *to) {
    __shared__ __align__(128) int s[64];
    __shared__ uint64_t barrier;
    const int i = threadIdx.x;
    if (i == 0) init(&barrier, 1);
    __syncthreads();
    for (int t = 0; t < 2; ++t) {
        if (i == 0) {
            expect(&barrier, 256);
            load(s, x + 64 * t, 256, &barrier);
        }
        wait(&barrier, 0);
        to[64 * t + i] = s[63 - i];  // finds: asynchronous // also: race
        __syncthreads();
    }
    wait(&barrier, 1);
}

int main() {
    int *x, *to;
    cudaMalloc(&x, 512);
    cudaMalloc(&to, 512);
    cudaMemset(x, 0, 512);
    tiles<<<1, 64>>>(x, to);
    return cudaDeviceSynchronize();
}
