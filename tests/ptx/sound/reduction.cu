// A sum by a tree in shared memory, its last steps by shuffles.
#include "expect.h"

__global__ void sum(const int *x, int *to) {
    __shared__ int s[256];
    const int i = threadIdx.x;
    s[i] = x[blockIdx.x * 256 + i];
    __syncthreads();
    for (int half = 128; half >= 32; half /= 2) {
        if (i < half) s[i] += s[i + half];
        __syncthreads();
    }
    if (i < 32) {
        int v = s[i];
        for (int half = 16; half > 0; half /= 2) v += __shfl_down_sync(~0u, v, half);
        if (i == 0) to[blockIdx.x] = v;
    }
}

int main() {
    std::vector<int> x(1024), sums(4);
    for (int i = 0; i < 1024; ++i) x[i] = i % 37, sums[i / 256] += i % 37;
    const int *from = upload(x);
    int *to = upload(std::vector<int>(4));
    sum<<<4, 256>>>(from, to);
    return expect("sum", download(to, 4), sums);
}
