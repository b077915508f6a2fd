// A lane waits for others of its warp without being in the mask.
#include <cuda_runtime.h>

__global__ void wait(int *x) {
    __syncwarp(0x7fffffff);  // finds: wrong_use block=(0,0,0) thread=(31,0,0)
    x[threadIdx.x] = 1;
}

int main() {
    int *x;
    cudaMalloc(&x, 32 * sizeof(int));
    cudaMemset(x, 0, 32 * sizeof(int));
    wait<<<1, 32>>>(x);
    return cudaDeviceSynchronize();
}
