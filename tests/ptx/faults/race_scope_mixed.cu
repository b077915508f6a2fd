// A counter of several blocks, which one of them changes with an atomic whose scope is the block.
#include <cuda_runtime.h>

__global__ void count(unsigned *counter) {
    if (blockIdx.x == 0)
        atomicAdd_block(counter, 1);  // finds: race
    else
        atomicAdd(counter, 1);  // finds: race
}

int main() {
    unsigned *counter;
    cudaMalloc(&counter, sizeof(unsigned));
    cudaMemset(counter, 0, sizeof(unsigned));
    count<<<2, 64>>>(counter);
    return cudaDeviceSynchronize();
}
