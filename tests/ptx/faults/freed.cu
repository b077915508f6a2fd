// Memory is released, and then read by a kernel.
#include <cuda_runtime.h>

__global__ void copy(const float *from, float *to) {
    to[threadIdx.x] = from[threadIdx.x];  // finds: freed thread=(0,0,0)
}

int main() {
    float *from, *to;
    cudaMalloc(&from, 32 * sizeof(float));
    cudaMalloc(&to, 32 * sizeof(float));
    cudaMemset(from, 0, 32 * sizeof(float));
    cudaFree(from);
    copy<<<1, 32>>>(from, to);
    return cudaDeviceSynchronize();
}
