// Three products of a warpgroup are in flight at once; two stages of shared memory.

// devices: 90
#include "../faults/wgmma.h"
#include "expect.h"

// Does not read the accumulators, which nobody has written.
#define MULTIPLY_FIRST(d, a, b)                                                                    \
    asm volatile(                                                                                  \
        "{.reg .pred p; setp.ne.b32 p, 0, 0;"                                                      \
        "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%0,%1,%2,%3}, %4, %5, p, 1, 1, 0, 0;}" \
        : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])                                           \
        : "l"(a), "l"(b)                                                                           \
        : "memory")

__global__ void multiply(float *to) {
    __shared__ __align__(128) uint32_t a[2][A_WORDS], b[2][B_WORDS];
    const int t = threadIdx.x;
    float d[4] = {}, e[4];
#pragma unroll
    for (int k = 0; k < 6; ++k) {
        // Ones (0x3c00) and twos (0x4000), everywhere: layouts do not matter.
        for (int i = t; i < A_WORDS; i += 128) a[k % 2][i] = 0x3c003c00;
        for (int i = t; i < B_WORDS; i += 128) b[k % 2][i] = k < 3 ? 0x3c003c00 : 0x40004000;
        proxy_fence();
        __syncthreads();
        wgmma_fence();
        MULTIPLY(d, descriptor(a[k % 2]), descriptor(b[k % 2]));
        MULTIPLY(d, descriptor(a[k % 2]), descriptor(b[k % 2]));
        if (k == 0)
            MULTIPLY_FIRST(e, descriptor(a[k % 2]), descriptor(b[k % 2]));
        else
            MULTIPLY(e, descriptor(a[k % 2]), descriptor(b[k % 2]));
        commit();
        // The product of the step before is done: its stage is free.
        asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");
        __syncthreads();
    }
    wait();
    for (int i = 0; i < 4; ++i) to[t * 4 + i] = d[i] + 1000 * e[i];
}

int main() {
    float *to = upload(std::vector<float>(512));
    multiply<<<1, 128>>>(to);
    return expect("product", download(to, 512), std::vector<float>(512, 2 * 144 + 1000 * 144));
}
