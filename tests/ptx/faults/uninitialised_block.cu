// What a block leaves in shared memory is nothing that the next one may read.
#include <cuda_runtime.h>

__global__ void count(int *x) {
    __shared__ volatile int s[32];
    x[blockIdx.x * 32 + threadIdx.x] = blockIdx.x == 0 ? 0 : s[threadIdx.x];  // finds: uninitialised
    s[threadIdx.x] = 1;
}

int main() {
    int *x;
    cudaMalloc(&x, 128 * sizeof(int));
    cudaMemset(x, 0, 128 * sizeof(int));
    count<<<4, 32>>>(x);
    return cudaDeviceSynchronize();
}
