// Two warps leave different results at one place.
#include <cuda_runtime.h>

__global__ void last_wins(float *to) {
    if (threadIdx.x % 32 == 0) to[0] = threadIdx.x;  // finds: race block=(0,0,0)
}

int main() {
    float *to;
    cudaMalloc(&to, sizeof(float));
    last_wins<<<1, 128>>>(to);
    return cudaDeviceSynchronize();
}
