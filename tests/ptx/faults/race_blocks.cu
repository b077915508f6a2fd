// Each block reads what the block beside it writes in the same launch.
#include <cuda_runtime.h>

__global__ void step(float *x) {
    const int i = blockIdx.x * 32 + threadIdx.x;
    const float left = i >= 32 ? x[i - 32] : 0;  // finds: race
    x[i] = left + 1;                             // finds: race
}

int main() {
    float *x;
    cudaMalloc(&x, 256 * sizeof(float));
    cudaMemset(x, 0, 256 * sizeof(float));
    step<<<8, 32>>>(x);
    return cudaDeviceSynchronize();
}
