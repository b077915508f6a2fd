// A comparison lets one thread too many through.
#include <cuda_runtime.h>

__global__ void fill(float *to, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= n) to[i] = 1;  // finds: bounds block=(1,0,0) thread=(36,0,0)
}

int main() {
    const int n = 100;
    float *to;
    cudaMalloc(&to, n * sizeof(float));
    fill<<<2, 64>>>(to, n);
    return cudaDeviceSynchronize();
}
