// Lanes above 15 read a register that is written later only.
#include <cuda_runtime.h>

__global__ void count(int *to) {
    int result = 0;
    asm volatile("{ .reg .b32 t;");
    if (threadIdx.x > 15)
        asm volatile("add.s32 %0, t, 1;" : "=r"(result));  // finds: uninitialised
    asm volatile("mov.b32 t, %0; }" ::"r"(result));
    to[threadIdx.x] = result;
}

int main() {
    int *to;
    cudaMalloc(&to, 32 * sizeof(int));
    count<<<1, 32>>>(to);
    return cudaDeviceSynchronize();
}
