// Lanes of a warp exchange values through shared memory without __syncwarp.
#include <cuda_runtime.h>

__global__ void neighbours(float *x) {
    __shared__ float s[32];
    const int i = threadIdx.x;
    s[i] = x[i];
    x[i] = s[(i + 1) % 32];  // finds: race block=(0,0,0)
}

int main() {
    float *x;
    cudaMalloc(&x, 32 * sizeof(float));
    cudaMemset(x, 0, 32 * sizeof(float));
    neighbours<<<1, 32>>>(x);
    return cudaDeviceSynchronize();
}
