// A tile is filled again while the bulk copy may still read it.
// devices: 90,100
#include "bulk.h"

__global__ void tiles(const int *x, int *to) {
    __shared__ __align__(128) int s[64];
    const int i = threadIdx.x;
    for (int t = 0; t < 2; ++t) {
        s[i] = x[64 * t + 63 - i];  // finds: asynchronous // also: race
        fence_proxy();
        __syncthreads();
        if (i == 0) store(to + 64 * t, s, 256);
        __syncthreads();
    }
    if (i == 0) wait_stores();
}

int main() {
    int *x, *to;
    cudaMalloc(&x, 512);
    cudaMalloc(&to, 512);
    cudaMemset(x, 0, 512);
    tiles<<<1, 64>>>(x, to);
    return cudaDeviceSynchronize();
}
