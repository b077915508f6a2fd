// The program says that all is well, and ends by itself: a finding decides the status nevertheless.
#include <cuda_runtime.h>

#include <cstdlib>

__global__ void fill(int *to) {
    to[threadIdx.x] = 1;  // finds: bounds thread=(31,0,0)
}

int main() {
    int *to;
    cudaMalloc(&to, 31 * sizeof(int));
    fill<<<1, 32>>>(to);
    cudaDeviceSynchronize();
    std::exit(0);
}
