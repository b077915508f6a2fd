// Registers of the matrix A are written while a wgmma reads them.
// devices: 90
#include "wgmma.h"

__global__ void multiply(float *to) {
    __shared__ __align__(128) uint32_t a[A_WORDS], b[B_WORDS];
    fill(a, A_WORDS), fill(b, B_WORDS);
    proxy_fence();
    __syncthreads();
    float d[4] = {};
    uint32_t r[4] = {a[0], a[1], a[2], a[3]};
    for (int k = 0; k < 3; ++k) {
        wgmma_fence();
        MULTIPLY_REGISTERS(d, r, descriptor(b));
        commit();
        asm volatile("add.u32 %0, %0, 1;" : "+r"(r[2])::"memory");  // finds: asynchronous
        wait();
    }
    for (int i = 0; i < 4; ++i) to[threadIdx.x * 4 + i] = d[i];
}

int main() { return launch(multiply); }
