// Cooperative groups, which others wrote and which run on GPUs: grids that wait for each other, tiles
// of a warp, groups of whatever lanes come, copies by a whole group.
#include <algorithm>

#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>

#include "support.h"

namespace cg = cooperative_groups;

constexpr int THREADS = 96, BLOCKS = 5, COUNT = THREADS * BLOCKS;

__device__ void exchange(int *&a, int *&b) {
    int *const other = a;
    a = b, b = other;
}

// Each round, each thread adds the number of another block; only the grid's barrier orders the rounds.
__global__ void rounds(int *a, int *b, int count) {
    const cg::grid_group grid = cg::this_grid();
    const int self = (int)grid.thread_rank(), all = (int)grid.size();
    for (int round = 0; round < count; ++round) {
        b[self] = a[self] + a[(self + THREADS * (round + 1) + 1) % all];
        grid.sync();
        exchange(a, b);
    }
}

// The same with arrive and wait apart: what stands between them touches nothing that others touch.
__global__ void split_rounds(int *a, int *b, int count) {
    cg::grid_group grid = cg::this_grid();
    const int self = (int)grid.thread_rank(), all = (int)grid.size();
    for (int round = 0; round < count; ++round) {
        b[self] = a[self] + a[(self + THREADS * (round + 1) + 1) % all];
        auto token = grid.barrier_arrive();
        exchange(a, b);
        grid.barrier_wait(std::move(token));
    }
}

template <int SIZE>
__global__ void tiles(const int *in, int *sums, int *scanned, int *shifted) {
    const cg::thread_block_tile<SIZE> tile = cg::tiled_partition<SIZE>(cg::this_thread_block());
    const int self = blockIdx.x * THREADS + threadIdx.x;
    sums[self] = cg::reduce(tile, in[self], cg::plus<int>());
    scanned[self] = cg::inclusive_scan(tile, in[self], cg::plus<int>());
    shifted[self] = tile.shfl(in[self], (tile.thread_rank() + 1) % SIZE);
}

// Lanes whose numbers have the same last bits add one for all of them.
__global__ void coalesced(const int *in, int *counts) {
    const int self = blockIdx.x * THREADS + threadIdx.x;
    if (in[self] % 2 != 0) {
        const cg::coalesced_group active = cg::coalesced_threads();
        const cg::coalesced_group same = cg::labeled_partition(active, in[self] & 7);
        if (same.thread_rank() == 0) atomicAdd(&counts[in[self] & 7], (int)same.size());
    }
}

__global__ void copied(const int *in, int *out) {
    __shared__ alignas(16) int stage[2][THREADS];
    const cg::thread_block block = cg::this_thread_block();
    cg::memcpy_async(block, stage[0], in, sizeof stage[0]);
    int sum = 0;
    for (int i = 0; i < BLOCKS; ++i) {
        if (i + 1 < BLOCKS) {
            cg::memcpy_async(block, stage[(i + 1) % 2], in + (i + 1) * THREADS, sizeof stage[0]);
            cg::wait_prior<1>(block);
        } else {
            cg::wait(block);
        }
        sum += stage[i % 2][(threadIdx.x + 1 + i) % THREADS];
        block.sync();
    }
    out[threadIdx.x] = sum;
}

template <class Kernel>
void test_rounds(const char *what, Kernel kernel, const std::vector<int> &in) {
    Device<int> a(in), b(COUNT);
    int count = 7;
    void *args[] = {&a.data, &b.data, &count};
    check(cudaLaunchCooperativeKernel(kernel, dim3(BLOCKS), dim3(THREADS), args, 0, nullptr), what);
    std::vector<int> now = in, next(COUNT);
    for (int round = 0; round < count; ++round) {
        for (int i = 0; i < COUNT; ++i)
            next[i] = (int)((uint32_t)now[i] + (uint32_t)now[(i + THREADS * (round + 1) + 1) % COUNT]);
        std::swap(now, next);
    }
    expect(what, count % 2 != 0 ? b : a, now);
}

template <int SIZE>
void test_tiles(const std::vector<int> &in, const Device<int> &device_in) {
    Device<int> sums(COUNT), scanned(COUNT), shifted(COUNT);
    tiles<SIZE><<<BLOCKS, THREADS>>>(device_in.data, sums.data, scanned.data, shifted.data);
    std::vector<int> sum(COUNT), scan(COUNT), shift(COUNT);
    for (int i = 0; i < COUNT; ++i) {
        const auto begin = in.begin() + i / SIZE * SIZE;
        sum[i] = wrapping_sum(begin, begin + SIZE);
        scan[i] = wrapping_sum(begin, in.begin() + i + 1);
        shift[i] = begin[(i + 1) % SIZE];
    }
    expect("tiles, reduce", sums, sum);
    expect("tiles, inclusive_scan", scanned, scan);
    expect("tiles, shfl", shifted, shift);
}

int main() {
    const std::vector<int> in = numbers<int>(COUNT, 1);
    const Device<int> device_in(in);
    test_rounds("grid.sync", rounds, in);
    test_rounds("grid.barrier_arrive and barrier_wait", split_rounds, in);
    test_tiles<32>(in, device_in);
    test_tiles<8>(in, device_in);

    Device<int> counts(std::vector<int>(8, 0));
    coalesced<<<BLOCKS, THREADS>>>(device_in.data, counts.data);
    std::vector<int> count(8);
    for (int value : in)
        if (value % 2 != 0) ++count[value & 7];
    expect("coalesced_threads and labeled_partition", counts, count);

    Device<int> out(THREADS);
    copied<<<1, THREADS>>>(device_in.data, out.data);
    std::vector<int> sums(THREADS);
    for (int t = 0; t < THREADS; ++t)
        for (int i = 0; i < BLOCKS; ++i)
            sums[t] = (int)((uint32_t)sums[t] + (uint32_t)in[i * THREADS + (t + 1 + i) % THREADS]);
    expect("memcpy_async and wait_prior", out, sums);
    return failures();
}
