// The source of a copy is overwritten before the copy has been made.
#include <cuda_pipeline.h>

__global__ void tile(int *x, int *to) {
    __shared__ int s[32];
    const int i = threadIdx.x;
    __pipeline_memcpy_async(&s[i], &x[i], 4);
    __pipeline_commit();
    x[i] = 0;  // finds: asynchronous thread=(0,0,0)
    __pipeline_wait_prior(0);
    __syncthreads();
    to[i] = s[31 - i];
}

int main() {
    int *x, *to;
    cudaMalloc(&x, 32 * sizeof(int));
    cudaMalloc(&to, 32 * sizeof(int));
    cudaMemset(x, 0, 32 * sizeof(int));
    tile<<<1, 32>>>(x, to);
    return cudaDeviceSynchronize();
}
