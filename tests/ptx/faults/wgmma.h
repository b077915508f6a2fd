// A product of a warpgroup, 64x8x16 of zeros, in steps that faults can leave out.
#pragma once

#include <cuda_runtime.h>
#include <cstdint>

constexpr int A_WORDS = 64 * 8, B_WORDS = 8 * 8;

// Both matrices without swizzling, K-major: 8 rows of 16 bytes lie together.
__device__ inline uint64_t descriptor(const uint32_t *matrix) {
    const uint64_t start = (uint32_t)__cvta_generic_to_shared(matrix) & 0x3ffff;
    return start >> 4 | (uint64_t)(128 >> 4) << 16 | (uint64_t)(256 >> 4) << 32;
}
__device__ inline void fill(uint32_t *memory, int words) {
    for (int i = threadIdx.x; i < words; i += blockDim.x) memory[i] = 0;
}

__device__ inline void proxy_fence() { asm volatile("fence.proxy.async;" ::: "memory"); }
struct Matrices {
    alignas(128) uint32_t a[A_WORDS], b[B_WORDS];
};
// The block's matrices, filled with zeros that wgmma may read.
__device__ inline Matrices &zeros() {
    __shared__ Matrices matrices;
    fill(matrices.a, A_WORDS), fill(matrices.b, B_WORDS);
    proxy_fence();
    __syncthreads();
    return matrices;
}

__device__ inline void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
__device__ inline void wait() { asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory"); }
#define MULTIPLY(d, a, b)                                                                          \
    asm volatile(                                                                                  \
        "{.reg .pred p; setp.eq.b32 p, 0, 0;"                                                      \
        "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%0,%1,%2,%3}, %4, %5, p, 1, 1, 0, 0;}" \
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                           \
        : "l"(a), "l"(b)                                                                           \
        : "memory")
#define MULTIPLY_REGISTERS(d, a, b)                                                                  \
    asm volatile(                                                                                    \
        "{.reg .pred p; setp.eq.b32 p, 0, 0;"                                                        \
        "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%0,%1,%2,%3}, {%4,%5,%6,%7}, %8, p, 1, " \
        "1, 0;}"                                                                                     \
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                             \
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)                                         \
        : "memory")

inline int launch(void (*kernel)(float *)) {
    float *to;
    cudaMalloc(&to, 128 * 4 * sizeof(float));
    cudaMemset(to, 0, 128 * 4 * sizeof(float));
    kernel<<<1, 128>>>(to);
    return cudaDeviceSynchronize();
}
