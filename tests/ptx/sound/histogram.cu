// Counts by atomics, in shared memory and then in global memory.
#include "expect.h"

__global__ void histogram(const unsigned char *x, int n, int *bins) {
    __shared__ int s[16];
    if (threadIdx.x < 16) s[threadIdx.x] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        atomicAdd(&s[x[i] % 16], 1);
    __syncthreads();
    if (threadIdx.x < 16) atomicAdd(&bins[threadIdx.x], s[threadIdx.x]);
}

int main() {
    std::vector<unsigned char> x(3001);
    std::vector<int> counts(16);
    for (size_t i = 0; i < x.size(); ++i) x[i] = i * i % 251, ++counts[x[i] % 16];
    const unsigned char *from = upload(x);
    int *bins = upload(std::vector<int>(16));
    histogram<<<6, 96>>>(from, x.size(), bins);
    return expect("bins", download(bins, 16), counts);
}
