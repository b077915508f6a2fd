// Each thread waits for its own copies, but reads those of others without a barrier.
#include <cuda_pipeline.h>

__global__ void tile(const int4 *x, int4 *to) {
    __shared__ int4 s[64];
    const int i = threadIdx.x;
    __pipeline_memcpy_async(&s[i], &x[i], 16);  // finds: race
    __pipeline_commit();
    __pipeline_wait_prior(0);
    to[i] = s[63 - i];  // finds: race // also: asynchronous uninitialised
}

int main() {
    int4 *x, *to;
    cudaMalloc(&x, 64 * sizeof(int4));
    cudaMalloc(&to, 64 * sizeof(int4));
    cudaMemset(x, 0, 64 * sizeof(int4));
    for (int k = 0; k < 4; ++k) tile<<<1, 64>>>(x, to);
    return cudaDeviceSynchronize();
}
