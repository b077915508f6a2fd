// CUB's algorithms of a device, which others wrote and which run on GPUs: blocks that wait for each
// other (the decoupled look-back of scans and sorts), atomics, fences.
#include <algorithm>
#include <numeric>

#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_reduce.cuh>
#include <cub/device/device_scan.cuh>

#include "support.h"

// Calls `algorithm(storage, bytes)` twice, as CUB wants it.
template <class Algorithm>
void run(const char *what, const Algorithm &algorithm) {
    size_t bytes = 0;
    check(algorithm(nullptr, bytes), what);
    Device<char> storage(bytes);
    check(algorithm(storage.data, bytes), what);
    check(cudaDeviceSynchronize(), what);
}

void test(int count) {
    printf("%d values\n", count);
    const std::vector<int> in = numbers<int>(count, count);
    const Device<int> device_in(in);
    Device<int> out(count);

    run("DeviceReduce::Sum", [&](void *storage, size_t &bytes) {
        return cub::DeviceReduce::Sum(storage, bytes, device_in.data, out.data, count);
    });
    expect("DeviceReduce::Sum", out, {wrapping_sum(in.begin(), in.end())});

    std::vector<int> scanned(count);
    wrapping_scan(in.begin(), in.end(), scanned.begin());
    run("DeviceScan::InclusiveSum", [&](void *storage, size_t &bytes) {
        return cub::DeviceScan::InclusiveSum(storage, bytes, device_in.data, out.data, count);
    });
    expect("DeviceScan::InclusiveSum", out, scanned);

    std::vector<int> order(count), sorted(count);
    std::iota(order.begin(), order.end(), 0);
    const Device<int> device_order(order);
    Device<int> out_order(count);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return in[a] < in[b]; });
    std::transform(order.begin(), order.end(), sorted.begin(), [&](int i) { return in[i]; });
    run("DeviceRadixSort::SortPairs", [&](void *storage, size_t &bytes) {
        return cub::DeviceRadixSort::SortPairs(storage, bytes, device_in.data, out.data,
                                               device_order.data, out_order.data, count);
    });
    expect("DeviceRadixSort::SortPairs, keys", out, sorted);
    expect("DeviceRadixSort::SortPairs, values", out_order, order);
}

int main() {
    for (int count : {1, 1000, 30001}) test(count);
    return failures();
}
