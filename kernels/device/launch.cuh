// How kernels are launched and how they divide their work: the same text for a GPU and for the CPU
// target, whose blocks may have one thread and warps of one lane.
#pragma once

#include <cuda_runtime.h>

#ifdef __CUDACC__
#define LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
    kernel<<<(grid), (block), (shared_bytes), (stream)>>>(__VA_ARGS__)
// Static and dynamic shared memory.  Each declares `T *name`.
#define SHARED_ARRAY(T, name, count)                                          \
    __shared__ __align__(16) unsigned char name##_bytes[(count) * sizeof(T)]; \
    T *name = reinterpret_cast<T *>(name##_bytes)
#define SHARED_DYNAMIC(T, name)                                    \
    extern __shared__ __align__(16) unsigned char dynamic_bytes[]; \
    T *name = reinterpret_cast<T *>(dynamic_bytes)
constexpr int WARP = 32;    // lanes of a warp
constexpr int BLOCK = 256;  // threads of a block, unless a kernel has a reason
// Elements of type T that one thread moves at once: 16 bytes.
template <typename T>
constexpr int PACK = 16 / sizeof(T);
// 16 bytes, from and to addresses aligned to as many.
__device__ inline uint4 load_16(const void *from) { return *static_cast<const uint4 *>(from); }
// To global memory.  As PTX, since nvcc takes the store of a struct apart, and does not always put it
// together again.
__device__ inline void store_16(void *to, uint4 words) {
    asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(to)),
                 "r"(words.x), "r"(words.y), "r"(words.z), "r"(words.w)
                 : "memory");
}
// The lesser and the greater of a and a number b; NaN if a is NaN, unlike with fminf and fmaxf.
__device__ inline float min_or_nan(float a, float b) {
    float r;
    asm("min.NaN.f32 %0, %1, %2;" : "=f"(r) : "f"(a), "f"(b));
    return r;
}
__device__ inline float max_or_nan(float a, float b) {
    float r;
    asm("max.NaN.f32 %0, %1, %2;" : "=f"(r) : "f"(a), "f"(b));
    return r;
}
// Before a loop over a row whose iterations are independent, also where it works in place.
#define VECTOR_LOOP
// Before a loop of few, known turns, whose arrays then are registers.
#define UNROLL _Pragma("unroll")
#else
#define VECTOR_LOOP _Pragma("omp simd")
#define UNROLL _Pragma("GCC unroll 16")
#include "../simt/launch.h"  // the same names
#endif

constexpr int BLOCK_WARPS = BLOCK / WARP;

// How a grid splits items: each block takes `each` neighbouring ones, and the first `more` blocks one
// more.  The host divides, since a GPU takes about a hundred instructions for a quotient of 64 bits.
struct Split {
    long long each;
    int more;
};

__host__ __device__ inline Split split_of(long long items, int blocks) {
    return {items / blocks, (int)(items % blocks)};
}

struct Range {
    long long begin, end;
};

// This block's items.
__device__ inline Range block_range(Split split) {
    const int block = blockIdx.x;
    const long long begin = block * split.each + (block < split.more ? block : split.more);
    return {begin, begin + split.each + (block < split.more)};
}

__device__ inline int lane_index() { return threadIdx.x % WARP; }
__device__ inline int warp_index() { return threadIdx.x / WARP; }
