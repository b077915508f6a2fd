// The first thread reads before the beginning.
#include <cuda_runtime.h>

__global__ void differences(const float *x, float *to, int n) {
    const int i = threadIdx.x;
    if (i < n) to[i] = x[i] - x[i - 1];  // finds: bounds thread=(0,0,0)
}

int main() {
    const int n = 64;
    float *x, *to;
    cudaMalloc(&x, n * sizeof(float));
    cudaMalloc(&to, n * sizeof(float));
    cudaMemset(x, 0, n * sizeof(float));
    differences<<<1, n>>>(x, to, n);
    return cudaDeviceSynchronize();
}
