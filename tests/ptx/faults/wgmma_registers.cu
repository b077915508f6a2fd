// Registers of the matrix A are written while a wgmma reads them.
// devices: 90
#include "wgmma.h"

__global__ void multiply(float *to) {
    Matrices &m = zeros();
    float d[4] = {};
    uint32_t r[4] = {m.a[0], m.a[1], m.a[2], m.a[3]};
    for (int k = 0; k < 3; ++k) {
        wgmma_fence();
        MULTIPLY_REGISTERS(d, r, descriptor(m.b));
        commit();
        asm volatile("add.u32 %0, %0, 1;" : "+r"(r[2])::"memory");  // finds: asynchronous
        wait();
    }
    for (int i = 0; i < 4; ++i) to[threadIdx.x * 4 + i] = d[i];
}

int main() { return launch(multiply); }
