// Two warps wait for each other at different barriers.
#include <cuda_runtime.h>

__global__ void meet(int *x) {
    const int warp = threadIdx.x / 32;
    asm volatile("bar.sync %0, 64;" ::"r"(warp + 1) : "memory");  // finds: deadlock
    asm volatile("bar.sync %0, 64;" ::"r"(2 - warp) : "memory");
    x[threadIdx.x] = warp;
}

int main() {
    int *x;
    cudaMalloc(&x, 64 * sizeof(int));
    meet<<<1, 64>>>(x);
    return cudaDeviceSynchronize();
}
