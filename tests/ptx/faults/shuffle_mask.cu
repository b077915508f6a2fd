// A lane votes without being in its own mask.
#include <cuda_runtime.h>

__global__ void vote(int *x) {
    if (threadIdx.x < 16)
        x[threadIdx.x] =
            __ballot_sync(0xfffe, threadIdx.x % 3 == 0);  // finds: wrong_use thread=(0,0,0)
}

int main() {
    int *x;
    cudaMalloc(&x, 32 * sizeof(int));
    vote<<<1, 32>>>(x);
    return cudaDeviceSynchronize();
}
