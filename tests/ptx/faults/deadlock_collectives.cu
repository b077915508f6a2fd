// Half of a warp votes with all lanes, while the other half shuffles with all lanes.
#include <cuda_runtime.h>

__global__ void meet(int *x) {
    if (threadIdx.x % 2 == 0)
        x[threadIdx.x] = __any_sync(0xffffffff, threadIdx.x == 2);  // finds: deadlock
    else
        x[threadIdx.x] = __shfl_sync(0xffffffff, threadIdx.x, 1);  // finds: deadlock
}

int main() {
    int *x;
    cudaMalloc(&x, 32 * sizeof(int));
    cudaMemset(x, 0, 32 * sizeof(int));
    meet<<<1, 32>>>(x);
    return cudaDeviceSynchronize();
}
