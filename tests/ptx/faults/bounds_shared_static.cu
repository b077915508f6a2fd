// A thread writes before and behind the only shared array of a kernel.
#include <cuda_runtime.h>

__global__ void write(int before, int behind) {
    __shared__ volatile int s[100];
    if (threadIdx.x == 1) s[before] = 7;   // finds: bounds all thread=(1,0,0)
    if (threadIdx.x == 40) s[behind] = 7;  // finds: bounds all thread=(40,0,0)
}

int main() {
    int *x;
    cudaMalloc(&x, 64 * sizeof(int));
    cudaMemset(x, 0, 64 * sizeof(int));
    write<<<1, 64>>>(-64, 100);
    return cudaDeviceSynchronize();
}
