// Fences and atomics of the block's scope inside blocks, and of the device's between them.
#include <cuda/atomic>

#include "expect.h"

// The last warp of each block sums what its warps wrote to global memory.
__global__ void last_warp(const int *x, int *parts, unsigned *counts, int *to) {
    const int b = blockIdx.x, warp = b * 4 + threadIdx.x / 32;
    if (threadIdx.x % 32 != 0) return;
    int s = 0;
    for (int i = 0; i < 32; ++i) s += x[warp * 32 + i];
    parts[warp] = s;
    __threadfence_block();
    if (atomicAdd_block(&counts[b], 1) != 3) return;
    __threadfence_block();
    s = 0;
    for (int w = 0; w < 4; ++w) s += parts[b * 4 + w];
    to[b] = s;
}

// What threads of a block count for it, one of them adds to what all blocks count.
__global__ void count(unsigned *counts, unsigned *total) {
    atomicAdd_block(&counts[blockIdx.x], threadIdx.x);
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(total, counts[blockIdx.x]);
}

template <cuda::thread_scope SCOPE, bool FENCES>
__device__ void tell(int &flag) {
    cuda::atomic_ref<int, SCOPE> told(flag);
    if (FENCES) cuda::atomic_thread_fence(cuda::memory_order_release, SCOPE);
    told.store(1, FENCES ? cuda::memory_order_relaxed : cuda::memory_order_release);
}

template <cuda::thread_scope SCOPE, bool FENCES>
__device__ void wait(int &flag) {
    cuda::atomic_ref<int, SCOPE> told(flag);
    while (told.load(FENCES ? cuda::memory_order_relaxed : cuda::memory_order_acquire) == 0) {
    }
    if (FENCES) cuda::atomic_thread_fence(cuda::memory_order_acquire, SCOPE);
}

// A value goes through two warps of block 0, then through two of block 1: what a warp got from its own
// block it hands on to the other one.
template <bool FENCES>
__global__ void chain(int *value, int *flags, int *to) {
    constexpr auto own = cuda::thread_scope_block, all = cuda::thread_scope_device;
    if (threadIdx.x % 32 != 0) return;
    const int place = blockIdx.x * 2 + threadIdx.x / 32;
    if (place == 0)
        *value = 7;
    else if (place == 2)
        wait<all, FENCES>(flags[1]);
    else
        wait<own, FENCES>(flags[place - 1]);
    to[place] = *value + place;
    if (place == 1)
        tell<all, FENCES>(flags[1]);
    else
        tell<own, FENCES>(flags[place]);
}

int main() {
    const int blocks = 5;
    std::vector<int> x(blocks * 128), sums(blocks);
    for (size_t i = 0; i < x.size(); ++i) x[i] = i % 23, sums[i / 128] += x[i];
    const int *from = upload(x);
    int *parts = upload(std::vector<int>(blocks * 4)), *to = upload(std::vector<int>(blocks));
    unsigned *counts = upload(std::vector<unsigned>(2 * blocks + 1));
    last_warp<<<blocks, 128>>>(from, parts, counts, to);
    count<<<blocks, 64>>>(counts + blocks, counts + 2 * blocks);
    int *value = upload(std::vector<int>(1)), *flags = upload(std::vector<int>(8)), *got = upload(x);
    chain<false><<<2, 64>>>(value, flags, got);
    chain<true><<<2, 64>>>(value, flags + 4, got + 4);
    const unsigned total = blocks * 64 * 63 / 2;
    return expect("sums", download(to, blocks), sums) +
           expect("total", download(counts + 2 * blocks, 1), {total}) +
           expect("chain", download(got, 8), {7, 8, 9, 10, 7, 8, 9, 10});
}
