// The guard of an instruction is set nowhere.
#include <cuda_runtime.h>

__global__ void mark(int *to) {
    int result = 0;
    asm volatile("{ .reg .pred p; @p mov.u32 %0, 1; }" : "+r"(result));  // finds: uninitialised
    to[threadIdx.x] = result;
}

int main() {
    int *to;
    cudaMalloc(&to, 32 * sizeof(int));
    mark<<<1, 32>>>(to);
    return cudaDeviceSynchronize();
}
