// Threads without an element return before the barrier of the block.
#include <cuda_runtime.h>

__global__ void reverse(int *x, int n) {
    __shared__ int s[128];
    const int i = threadIdx.x;
    if (i >= n) return;
    s[i] = x[i];
    __syncthreads();  // finds: barrier block=(0,0,0)
    x[i] = s[n - 1 - i];
}

int main() {
    int *x;
    cudaMalloc(&x, 100 * sizeof(int));
    cudaMemset(x, 0, 100 * sizeof(int));
    reverse<<<1, 128>>>(x, 100);
    return cudaDeviceSynchronize();
}
