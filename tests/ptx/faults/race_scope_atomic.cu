// Blocks count together, with atomics whose scope is the block.
#include <cuda_runtime.h>

__global__ void count(unsigned *counter) {
    atomicAdd_block(counter, 1);  // finds: race
}

int main() {
    unsigned *counter;
    cudaMalloc(&counter, sizeof(unsigned));
    cudaMemset(counter, 0, sizeof(unsigned));
    count<<<4, 64>>>(counter);
    return cudaDeviceSynchronize();
}
