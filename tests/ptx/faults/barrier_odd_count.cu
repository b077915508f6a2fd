// A barrier is for 48 threads, although warps are counted whole.
#include <cuda_runtime.h>

__global__ void meet(int *x, int threads) {
    if (threadIdx.x < 64) asm volatile("bar.sync 1, %0;" ::"r"(threads) : "memory");  // finds: barrier
    x[threadIdx.x] = threads;
}

int main() {
    int *x;
    cudaMalloc(&x, 96 * sizeof(int));
    meet<<<1, 96>>>(x, 48);
    return cudaDeviceSynchronize();
}
