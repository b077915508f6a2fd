// The half of an array that is never written is summed, too.
#include <cuda_runtime.h>

__global__ void sum(const float *x, float *to, int n) {
    float s = 0;
    for (int i = threadIdx.x; i < n; i += 32) s += x[i];  // finds: uninitialised thread=(0,0,0)
    to[threadIdx.x] = s;
}

int main() {
    float *x, *to;
    cudaMalloc(&x, 128 * sizeof(float));
    cudaMalloc(&to, 32 * sizeof(float));
    cudaMemset(x, 0, 64 * sizeof(float));
    sum<<<1, 32>>>(x, to, 128);
    return cudaDeviceSynchronize();
}
