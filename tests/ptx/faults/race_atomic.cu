// A sum that others add to atomically is read as if it were ready.
#include <cuda_runtime.h>

__global__ void add(float *sum, float *to) {
    atomicAdd(sum, 1.f);                       // finds: race
    to[blockIdx.x * 32 + threadIdx.x] = *sum;  // finds: race
}

int main() {
    float *sum, *to;
    cudaMalloc(&sum, sizeof(float));
    cudaMalloc(&to, 128 * sizeof(float));
    cudaMemset(sum, 0, sizeof(float));
    add<<<4, 32>>>(sum, to);
    return cudaDeviceSynchronize();
}
