// Packs of 16 bytes are read from a place that is a multiple of 4.
#include <cuda_runtime.h>

__global__ void copy(const float *from, float4 *to) {
    to[threadIdx.x] = ((const float4 *)from)[threadIdx.x];  // finds: misaligned thread=(0,0,0)
}

int main() {
    float *from;
    float4 *to;
    cudaMalloc(&from, 33 * sizeof(float4));
    cudaMalloc(&to, 32 * sizeof(float4));
    cudaMemset(from, 0, 33 * sizeof(float4));
    copy<<<1, 32>>>(from + 1, to);
    return cudaDeviceSynchronize();
}
