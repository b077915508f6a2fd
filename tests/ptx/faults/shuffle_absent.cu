// A lane reads the register of one that does not take part.
#include <cuda_runtime.h>

__global__ void sum(int *x) {
    int value = x[threadIdx.x];
    if (threadIdx.x < 24) {
        for (int step = 16; step > 0; step /= 2)
            value += __shfl_xor_sync(0xffffff, value, step);  // finds: wrong_use thread=(8,0,0)
        x[threadIdx.x] = value;
    }
}

int main() {
    int *x;
    cudaMalloc(&x, 32 * sizeof(int));
    cudaMemset(x, 0, 32 * sizeof(int));
    sum<<<1, 32>>>(x);
    return cudaDeviceSynchronize();
}
