// A tile is read before the mbarrier tells that the bulk copy is there.
// devices: 90,100
#include "bulk.h"

__global__ void tile(const int *x, int *to) {
    __shared__ __align__(128) int s[64];
    __shared__ uint64_t barrier;
    const int i = threadIdx.x;
    if (i == 0) init(&barrier, 1);
    __syncthreads();
    if (i == 0) {
        expect(&barrier, 256);
        load(s, x, 256, &barrier);
    }
    __syncthreads();
    to[i] = s[63 - i];  // finds: asynchronous block=(0,0,0) // also: race
    wait(&barrier, 0);
}

int main() {
    int *x, *to;
    cudaMalloc(&x, 256);
    cudaMalloc(&to, 256);
    cudaMemset(x, 0, 256);
    tile<<<1, 64>>>(x, to);
    return cudaDeviceSynchronize();
}
