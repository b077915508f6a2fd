// CUB's algorithms of a block, which others wrote and which run on GPUs: reduction, scan, radix sort.
#include <cstdio>
#include <numeric>
#include <vector>

#include <algorithm>
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_scan.cuh>

#include "support.h"

constexpr int THREADS = 96, ITEMS = 5, COUNT = THREADS * ITEMS, BLOCKS = 3;

template <cub::BlockReduceAlgorithm ALGORITHM>
__global__ void reduce(const int *in, int *out) {
    using Reduce = cub::BlockReduce<int, THREADS, ALGORITHM>;
    __shared__ typename Reduce::TempStorage storage;
    int values[ITEMS];
    for (int i = 0; i < ITEMS; ++i) values[i] = in[blockIdx.x * COUNT + threadIdx.x * ITEMS + i];
    const int sum = Reduce(storage).Sum(values);
    if (threadIdx.x == 0) out[blockIdx.x] = sum;
}

template <cub::BlockScanAlgorithm ALGORITHM>
__global__ void scan(const int *in, int *out) {
    using Scan = cub::BlockScan<int, THREADS, ALGORITHM>;
    __shared__ typename Scan::TempStorage storage;
    const int first = blockIdx.x * COUNT + threadIdx.x * ITEMS;
    int values[ITEMS];
    for (int i = 0; i < ITEMS; ++i) values[i] = in[first + i];
    Scan(storage).InclusiveSum(values, values);
    for (int i = 0; i < ITEMS; ++i) out[first + i] = values[i];
}

__global__ void sort(const int *in, int *out) {
    using Sort = cub::BlockRadixSort<int, THREADS, ITEMS>;
    __shared__ typename Sort::TempStorage storage;
    const int first = blockIdx.x * COUNT + threadIdx.x * ITEMS;
    int values[ITEMS];
    for (int i = 0; i < ITEMS; ++i) values[i] = in[first + i];
    Sort(storage).Sort(values);
    for (int i = 0; i < ITEMS; ++i) out[first + i] = values[i];
}

int main() {
    const std::vector<int> in = numbers<int>(BLOCKS * COUNT, 1);
    std::vector<int> sums(BLOCKS), scanned(in.size()), sorted = in;
    for (int b = 0; b < BLOCKS; ++b) {
        const auto begin = in.begin() + b * COUNT, end = begin + COUNT;
        sums[b] = wrapping_sum(begin, end);
        wrapping_scan(begin, end, scanned.begin() + b * COUNT);
        std::sort(sorted.begin() + b * COUNT, sorted.begin() + (b + 1) * COUNT);
    }
    const Device<int> device_in(in);
    Device<int> out(in.size());
    reduce<cub::BLOCK_REDUCE_RAKING><<<BLOCKS, THREADS>>>(device_in.data, out.data);
    expect("BlockReduce, raking", out, sums);
    reduce<cub::BLOCK_REDUCE_WARP_REDUCTIONS><<<BLOCKS, THREADS>>>(device_in.data, out.data);
    expect("BlockReduce, warp reductions", out, sums);
    scan<cub::BLOCK_SCAN_RAKING><<<BLOCKS, THREADS>>>(device_in.data, out.data);
    expect("BlockScan, raking", out, scanned);
    scan<cub::BLOCK_SCAN_WARP_SCANS><<<BLOCKS, THREADS>>>(device_in.data, out.data);
    expect("BlockScan, warp scans", out, scanned);
    sort<<<BLOCKS, THREADS>>>(device_in.data, out.data);
    expect("BlockRadixSort", out, sorted);
    return failures();
}
