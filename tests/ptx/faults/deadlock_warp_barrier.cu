// One lane waits for the block, while the others of its warp wait for it.
#include <cuda_runtime.h>

__global__ void meet() {
    if (threadIdx.x == 37)
        __syncthreads();  // finds: deadlock thread=(37,0,0)
    else
        __syncwarp();  // finds: deadlock
}

int main() {
    int *x;
    cudaMalloc(&x, 64 * sizeof(int));
    cudaMemset(x, 0, 64 * sizeof(int));
    meet<<<1, 64>>>();
    return cudaDeviceSynchronize();
}
