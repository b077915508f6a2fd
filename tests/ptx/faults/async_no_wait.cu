// A tile is read without a wait for the copies that fill it.
#include <cuda_pipeline.h>

__global__ void tile(const int4 *x, int4 *to) {
    __shared__ int4 s[64];
    const int i = threadIdx.x;
    __pipeline_memcpy_async(&s[i], &x[i], 16);
    __pipeline_commit();
    __syncthreads();
    to[i] = s[63 - i];  // finds: asynchronous block=(0,0,0) // also: race
}

int main() {
    int4 *x, *to;
    cudaMalloc(&x, 64 * sizeof(int4));
    cudaMalloc(&to, 64 * sizeof(int4));
    cudaMemset(x, 0, 64 * sizeof(int4));
    tile<<<1, 64>>>(x, to);
    return cudaDeviceSynchronize();
}
