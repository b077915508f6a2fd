// Values handed on with cuda::atomic_ref, by release and acquire, and by relaxed accesses with fences.
#include <cuda/atomic>

#include "expect.h"

using Flag = cuda::atomic_ref<int, cuda::thread_scope_device>;

__global__ void chain(int *values, int *flags, int *to) {
    const int b = blockIdx.x;
    if (threadIdx.x != 0) return;
    int v = 1;
    if (b > 0) {
        if (b % 2 == 0) {
            while (Flag(flags[b - 1]).load(cuda::memory_order_acquire) == 0) {
            }
        } else {
            while (Flag(flags[b - 1]).load(cuda::memory_order_relaxed) == 0) {
            }
            cuda::atomic_thread_fence(cuda::memory_order_acquire, cuda::thread_scope_device);
        }
        v = values[b - 1] * 2 + 1;
    }
    values[b] = v;
    if (b % 3 == 0) {
        Flag(flags[b]).store(1, cuda::memory_order_release);
    } else if (b % 3 == 1) {
        cuda::atomic_thread_fence(cuda::memory_order_release, cuda::thread_scope_device);
        Flag(flags[b]).store(1, cuda::memory_order_relaxed);
    } else {
        Flag(flags[b]).exchange(1, cuda::memory_order_acq_rel);
    }
    to[b] = v;
}

int main() {
    std::vector<int> y(10, 1);
    for (int b = 1; b < 10; ++b) y[b] = 2 * y[b - 1] + 1;
    int *flags = upload(std::vector<int>(10)), *to = upload(std::vector<int>(10)), *values;
    cudaMalloc(&values, 10 * sizeof(int));
    chain<<<10, 32>>>(values, flags, to);
    return expect("chain", download(to, 10), y);
}
