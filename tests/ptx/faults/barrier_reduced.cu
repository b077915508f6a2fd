// Some threads reduce at a barrier at which others only wait.
#include <cuda_runtime.h>

__global__ void count(int *x) {
    if (threadIdx.x < 32)
        x[threadIdx.x] = __syncthreads_count(threadIdx.x & 1);  // finds: barrier
    else
        __syncthreads();  // finds: barrier
}

int main() {
    int *x;
    cudaMalloc(&x, 32 * sizeof(int));
    count<<<1, 64>>>(x);
    return cudaDeviceSynchronize();
}
