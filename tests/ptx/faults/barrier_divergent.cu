// Half of each warp takes another path to the barrier than the other half.
#include <cuda_runtime.h>

__global__ void halves(int *x) {
    if (threadIdx.x % 2 == 0) {
        x[threadIdx.x] = 1;
        __syncthreads();  // finds: barrier
    } else {
        x[threadIdx.x] = 2;
        asm volatile("bar.sync 0;" ::: "memory");  // finds: barrier
    }
    x[threadIdx.x] += 3;
}

int main() {
    int *x;
    cudaMalloc(&x, 64 * sizeof(int));
    halves<<<1, 64>>>(x);
    return cudaDeviceSynchronize();
}
