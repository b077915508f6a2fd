// A tile is filled again while others may still read it.
#include <cuda_runtime.h>

__global__ void rotate(const float *x, float *to, int tiles) {
    __shared__ float s[128];
    const int i = threadIdx.x;
    float sum = 0;
    for (int t = 0; t < tiles; ++t) {
        s[i] = x[t * 128 + i];  // finds: race
        __syncthreads();
        sum += s[(i + 32) % 128];  // finds: race
    }
    to[i] = sum;
}

int main() {
    float *x, *to;
    cudaMalloc(&x, 512 * sizeof(float));
    cudaMalloc(&to, 128 * sizeof(float));
    cudaMemset(x, 0, 512 * sizeof(float));
    rotate<<<1, 128>>>(x, to, 4);
    return cudaDeviceSynchronize();
}
