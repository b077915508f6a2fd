// A pipeline of two stages waits for one group too few.
#include <cuda_pipeline.h>

__global__ void stages(const int4 *x, int4 *to, int tiles) {
    __shared__ int4 s[2][64];
    const int i = threadIdx.x;
    __pipeline_memcpy_async(&s[0][i], &x[i], 16);
    __pipeline_commit();
    for (int t = 0; t < tiles; ++t) {
        if (t + 1 < tiles) __pipeline_memcpy_async(&s[(t + 1) % 2][i], &x[(t + 1) * 64 + i], 16);  // also: asynchronous
        __pipeline_commit();
        __pipeline_wait_prior(2);
        __syncthreads();
        to[t * 64 + i] = s[t % 2][i];  // finds: asynchronous
        __syncthreads();
    }
}

int main() {
    int4 *x, *to;
    cudaMalloc(&x, 256 * sizeof(int4));
    cudaMalloc(&to, 256 * sizeof(int4));
    cudaMemset(x, 0, 256 * sizeof(int4));
    stages<<<1, 64>>>(x, to, 4);
    return cudaDeviceSynchronize();
}
