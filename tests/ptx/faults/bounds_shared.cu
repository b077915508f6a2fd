// Shared memory is one element too small for the last thread.
#include <cuda_runtime.h>

__global__ void rotate(float *x) {
    extern __shared__ float s[];
    const int i = threadIdx.x;
    s[i + 1] = x[i];  // finds: bounds thread=(63,0,0)
    __syncthreads();
    x[i] = s[i > 0 ? i : 1];
}

int main() {
    float *x;
    cudaMalloc(&x, 64 * sizeof(float));
    cudaMemset(x, 0, 64 * sizeof(float));
    rotate<<<1, 64, 64 * sizeof(float)>>>(x);
    return cudaDeviceSynchronize();
}
