// An array of a thread is written behind its end.
#include <cuda_runtime.h>

__global__ void count(const int *x, int *to) {
    int bins[8] = {};
    for (int i = 0; i < 4; ++i) bins[x[i] + threadIdx.x] += 1;  // finds: bounds thread=(5,0,0)
    to[threadIdx.x] = bins[x[0]];
}

int main() {
    const int host[4] = {0, 1, 2, 3};
    int *x, *to;
    cudaMalloc(&x, sizeof host);
    cudaMalloc(&to, 6 * sizeof(int));
    cudaMemcpy(x, host, sizeof host, cudaMemcpyHostToDevice);
    count<<<1, 6>>>(x, to);
    return cudaDeviceSynchronize();
}
