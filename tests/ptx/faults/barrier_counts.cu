// Two warps come to a barrier and do not agree how many threads it is for.
#include <cuda_runtime.h>

__global__ void meet(int *x, int threads) {
    if (threadIdx.x < 32) threads += 32;
    asm volatile("barrier.cta.sync 3, %0;" ::"r"(threads) : "memory");  // finds: barrier  // also: deadlock
    x[threadIdx.x] = threads;
}

int main() {
    int *x;
    cudaMalloc(&x, 96 * sizeof(int));
    meet<<<1, 96>>>(x, 64);
    return cudaDeviceSynchronize();
}
