// Only half of the threads fill the tile that all of them read.
#include <cuda_runtime.h>

__global__ void tile(const float *x, float *to) {
    __shared__ float s[64];
    if (threadIdx.x < 32) s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    to[threadIdx.x] = s[threadIdx.x];  // finds: uninitialised thread=(32,0,0)
}

int main() {
    float *x, *to;
    cudaMalloc(&x, 64 * sizeof(float));
    cudaMalloc(&to, 64 * sizeof(float));
    cudaMemset(x, 0, 64 * sizeof(float));
    tile<<<1, 64>>>(x, to);
    return cudaDeviceSynchronize();
}
