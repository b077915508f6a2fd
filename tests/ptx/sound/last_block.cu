// Sums of blocks that the last block adds up, with fences by one thread, or by all before the barrier.
#include "expect.h"

__global__ void by_one(const int *x, int *parts, unsigned *count, int *to) {
    __shared__ bool last;
    __shared__ int total;
    if (threadIdx.x == 0) total = 0;
    __syncthreads();
    atomicAdd(&total, x[blockIdx.x * 64 + threadIdx.x]);
    __syncthreads();
    if (threadIdx.x == 0) {
        parts[blockIdx.x] = total;
        __threadfence();
        last = atomicInc(count, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (!last) return;
    __threadfence();
    if (threadIdx.x == 0) total = 0;
    __syncthreads();
    for (unsigned b = threadIdx.x; b < gridDim.x; b += 64) atomicAdd(&total, parts[b]);
    __syncthreads();
    if (threadIdx.x == 0) *to = total;
}

__global__ void by_all(const int *x, int *parts, unsigned *count, int *to) {
    __shared__ bool last;
    parts[blockIdx.x * 64 + threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x];
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) last = atomicAdd(count, 1) == gridDim.x - 1;
    __syncthreads();
    if (last) {
        __threadfence();
        int s = 0;
        for (unsigned i = threadIdx.x; i < gridDim.x * 64; i += 64) s += parts[i];
        atomicAdd(to, s);
    }
}

int main() {
    const int blocks = 9;
    std::vector<int> x(blocks * 64);
    int sum = 0;
    for (size_t i = 0; i < x.size(); ++i) x[i] = i % 11, sum += i % 11;
    const int *from = upload(x);
    int *parts, *to = upload(std::vector<int>(2));
    cudaMalloc(&parts, x.size() * sizeof(int));
    unsigned *count = upload(std::vector<unsigned>(2));
    by_one<<<blocks, 64>>>(from, parts, count, to);
    by_all<<<blocks, 64>>>(from, parts, count + 1, to + 1);
    return expect("sums", download(to, 2), {sum, sum});
}
