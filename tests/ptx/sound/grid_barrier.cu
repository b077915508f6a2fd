// Blocks that are all resident wait for each other at a counter between two phases.
#include "expect.h"

__device__ void meet(unsigned *count, unsigned until) {
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        atomicAdd(count, 1);
        while (*(volatile unsigned *)count < until) {
        }
        __threadfence();
    }
    __syncthreads();
}

__global__ void smooth(int *x, int *y, int n, unsigned *count) {
    const int i = blockIdx.x * 32 + threadIdx.x;
    y[i] = x[(i + 1) % n] + x[i];
    meet(count, gridDim.x);
    x[i] = y[(i + n - 1) % n] + y[i];
    meet(count, 2 * gridDim.x);
    y[i] = x[(i + 40) % n];
}

int main() {
    const int n = 128;
    std::vector<int> x(n), y(n), z(n);
    for (int i = 0; i < n; ++i) x[i] = i * i % 17;
    for (int i = 0; i < n; ++i) y[i] = x[(i + 1) % n] + x[i];
    for (int i = 0; i < n; ++i) z[i] = y[(i + 40 + n - 1) % n] + y[(i + 40) % n];
    int *data = upload(x), *to = upload(std::vector<int>(n));
    unsigned *count = upload(std::vector<unsigned>(1));
    smooth<<<n / 32, 32>>>(data, to, n, count);
    return expect("smooth", download(to, n), z);
}
