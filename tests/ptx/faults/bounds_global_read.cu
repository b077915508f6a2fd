// The last thread reads one element behind the end.
#include <cuda_runtime.h>

__global__ void shift(const float *from, float *to, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) to[i] = from[i + 1];  // finds: bounds block=(3,0,0) thread=(3,0,0)
}

int main() {
    const int n = 100;
    float *from, *to;
    cudaMalloc(&from, n * sizeof(float));
    cudaMalloc(&to, n * sizeof(float));
    cudaMemset(from, 0, n * sizeof(float));
    shift<<<4, 32>>>(from, to, n);
    return cudaDeviceSynchronize();
}
