// One of four warps skips a barrier for 128 threads.
#include <cuda_runtime.h>

__global__ void meet(int *x) {
    const int warp = threadIdx.x / 32;
    if (warp != 2) asm volatile("bar.sync 1, 128;" ::: "memory");  // finds: deadlock
    x[threadIdx.x] = warp;
}

int main() {
    int *x;
    cudaMalloc(&x, 128 * sizeof(int));
    meet<<<1, 128>>>(x);
    return cudaDeviceSynchronize();
}
