// Half of a warp shuffles with all lanes, while the other half waits for it in a loop.
#include <cuda_runtime.h>

__global__ void meet(int *x) {
    __shared__ volatile int ready;
    if (threadIdx.x == 0) ready = 0;
    __syncwarp();
    if (threadIdx.x < 16) {
        x[threadIdx.x] = __shfl_sync(0xffffffff, x[threadIdx.x], 3);  // finds: deadlock
        ready = 1;
    } else {
        while (ready == 0) {  // also: deadlock
        }
    }
}

int main() {
    int *x;
    cudaMalloc(&x, 32 * sizeof(int));
    cudaMemset(x, 0, 32 * sizeof(int));
    meet<<<1, 32>>>(x);
    return cudaDeviceSynchronize();
}
