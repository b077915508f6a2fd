// Half of a warp comes to a barrier of the whole block that the other half leaves out.
#include <cuda_runtime.h>

__global__ void exchange(int *x) {
    __shared__ int s[64];
    const int i = threadIdx.x;
    s[i] = x[i];
    if (i % 32 < 16) {
        __syncthreads();  // finds: barrier
        x[i] = s[63 - i];
    }
    __syncthreads();  // finds: barrier
    x[i] += s[i ^ 1];
}

int main() {
    int *x;
    cudaMalloc(&x, 64 * sizeof(int));
    cudaMemset(x, 0, 64 * sizeof(int));
    exchange<<<1, 64>>>(x);
    return cudaDeviceSynchronize();
}
