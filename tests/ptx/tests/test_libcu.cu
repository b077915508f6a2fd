// libcu++ and cooperative groups on top: cuda::barrier, cuda::pipeline, cuda::memcpy_async, code that
// is known to be right.
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>

#include <cuda/barrier>
#include <cuda/pipeline>

#include "gpu.h"

namespace cg = cooperative_groups;
constexpr int TILE = 100, THREADS = 96;

// ---- cuda::barrier: arrive, work, wait; and a copy that it tracks ----
__global__ void with_barrier(const int *x, int *to, int tiles) {
    __shared__ alignas(16) int s[2][TILE];
    using Barrier = cuda::barrier<cuda::thread_scope_block>;
    __shared__ Barrier barrier[2];
    auto block = cg::this_thread_block();
    if (block.thread_rank() == 0) init(&barrier[0], THREADS), init(&barrier[1], THREADS);
    block.sync();
    cuda::memcpy_async(block, s[0], x, cuda::aligned_size_t<16>(sizeof(int) * TILE), barrier[0]);
    int sum = 0;
    for (int t = 0; t < tiles; ++t) {
        if (t + 1 < tiles)
            cuda::memcpy_async(block, s[(t + 1) % 2], x + (t + 1) * TILE,
                               cuda::aligned_size_t<16>(sizeof(int) * TILE), barrier[(t + 1) % 2]);
        barrier[t % 2].arrive_and_wait();
        for (int i = threadIdx.x; i < TILE; i += THREADS) sum += s[t % 2][TILE - 1 - i] * (t + 1);
        block.sync();
    }
    to[threadIdx.x] = sum;
}

// ---- cuda::pipeline of a block, with all threads or with some that produce ----
template <int STAGES, bool PARTED>
__global__ void with_pipeline(const int *x, int *to, int tiles) {
    __shared__ alignas(16) int s[STAGES][TILE];
    __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, STAGES> state;
    auto block = cg::this_thread_block();
    auto pipe = [&] {
        if constexpr (PARTED)
            return cuda::make_pipeline(
                block, &state,
                threadIdx.x < 32 ? cuda::pipeline_role::producer : cuda::pipeline_role::consumer);
        else
            return cuda::make_pipeline(block, &state);
    }();
    const auto fetch = [&](int t) {
        pipe.producer_acquire();
        for (int i = threadIdx.x; i < TILE; i += PARTED ? 32 : THREADS)
            cuda::memcpy_async(&s[t % STAGES][i], x + t * TILE + i, sizeof(int), pipe);
        pipe.producer_commit();
    };
    if (PARTED && threadIdx.x < 32) {
        for (int t = 0; t < tiles; ++t) fetch(t);
        to[threadIdx.x] = 0;
        return;
    }
    if (!PARTED)
        for (int t = 0; t < STAGES - 1 && t < tiles; ++t) fetch(t);
    int sum = 0;
    for (int t = 0; t < tiles; ++t) {
        if (!PARTED && t + STAGES - 1 < tiles) fetch(t + STAGES - 1);
        pipe.consumer_wait();
        for (int i = threadIdx.x; i < TILE; i += THREADS) sum += s[t % STAGES][TILE - 1 - i] * (t + 1);
        pipe.consumer_release();
    }
    to[threadIdx.x] = sum;
}

// ---- cooperative_groups::memcpy_async and wait ----
__global__ void with_groups(const int *x, int *to, int tiles) {
    __shared__ alignas(16) int s[2][TILE];
    auto block = cg::this_thread_block();
    cg::memcpy_async(block, s[0], x, sizeof(int) * TILE);
    int sum = 0;
    for (int t = 0; t < tiles; ++t) {
        if (t + 1 < tiles) {
            cg::memcpy_async(block, s[(t + 1) % 2], x + (t + 1) * TILE, sizeof(int) * TILE);
            cg::wait_prior<1>(block);
        } else {
            cg::wait(block);
        }
        for (int i = threadIdx.x; i < TILE; i += THREADS) sum += s[t % 2][TILE - 1 - i] * (t + 1);
        block.sync();
    }
    to[threadIdx.x] = sum;
}

template <class Kernel>
void test(const char *what, Kernel kernel, int none = 0) {
    for (int tiles : {1, 2, 7}) {
        std::vector<int> in(tiles * TILE), expected(THREADS);
        for (size_t i = 0; i < in.size(); ++i) in[i] = hash(i) % 1000;
        for (int t = 0; t < tiles; ++t)
            for (int i = 0; i < TILE; ++i)
                if (i % THREADS >= none) expected[i % THREADS] += in[t * TILE + TILE - 1 - i] * (t + 1);
        Array<int> x(in), to(THREADS);
        kernel<<<1, THREADS>>>(x, to, tiles);
        std::vector<int> is = to.values();
        if (none == 0)
            expect(what, is, expected);
        else
            for (int i = none; i < THREADS; ++i) expect(what, i, is[i], expected[i]);
    }
}

int main() {
    test("cuda::barrier", with_barrier);
    test("cuda::pipeline, 2 stages", with_pipeline<2, false>);
    test("cuda::pipeline, 4 stages", with_pipeline<4, false>);
    test("cuda::pipeline, parted", with_pipeline<3, true>, 32);
    test("cooperative groups", with_groups);
    return report();
}
