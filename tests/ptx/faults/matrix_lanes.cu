// A warp of 16 lanes executes a matrix instruction.
#include <cuda_runtime.h>
#include <cstdint>

__global__ void multiply(uint32_t *x) {
    uint32_t d[2] = {}, a = x[threadIdx.x];
    asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0,%1}, {%2}, {%2}, {%0,%1};"
                 : "+r"(d[0]), "+r"(d[1])
                 : "r"(a));  // finds: wrong_use
    x[threadIdx.x] = d[0] + d[1];
}

int main() {
    uint32_t *x;
    cudaMalloc(&x, 32 * sizeof(int));
    cudaMemset(x, 0, 32 * sizeof(int));
    multiply<<<1, 16>>>(x);
    return cudaDeviceSynchronize();
}
