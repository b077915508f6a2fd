// A block waits for a flag that nobody sets.
#include <cuda_runtime.h>

__global__ void wait(volatile int *flag, int *to) {
    if (blockIdx.x == 0) {
        while (*flag == 0) {  // finds: deadlock
        }
        *to = 1;
    }
}

int main() {
    int *data;
    cudaMalloc(&data, 2 * sizeof(int));
    cudaMemset(data, 0, 2 * sizeof(int));
    wait<<<2, 32>>>(data, data + 1);
    return cudaDeviceSynchronize();
}
