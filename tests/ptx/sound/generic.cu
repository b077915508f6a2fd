// One function reads through pointers to global, shared and local memory, and to parameters.
#include "expect.h"

struct Table {
    int values[4];
};

__device__ __noinline__ int sum(const int *p, int n) {
    int s = 0;
    for (int i = 0; i < n; ++i) s += p[i];
    return s;
}

__constant__ int fixed[4] = {1000, 2000, 3000, 4000};

__global__ void all(const int *x, const __grid_constant__ Table table, int *to) {
    __shared__ int s[32];
    int mine[4];
    const int i = threadIdx.x;
    s[i] = x[i];
    for (int k = 0; k < 4; ++k) mine[k] = x[(i + k) % 32];
    __syncthreads();
    const int *p = i % 4 == 0 ? x : i % 4 == 1 ? s : i % 4 == 2 ? mine : table.values;
    to[i] = sum(p, 4) + sum(fixed, i % 5);
}

int main() {
    std::vector<int> x(32), y(32);
    const Table table = {{5, 6, 7, 8}};
    for (int i = 0; i < 32; ++i) x[i] = i * 3 + 1;
    for (int i = 0; i < 32; ++i) {
        for (int k = 0; k < 4; ++k)
            y[i] += i % 4 < 2 ? x[k] : i % 4 == 2 ? x[(i + k) % 32] : table.values[k];
        for (int k = 0; k < i % 5; ++k) y[i] += 1000 * (k + 1);
    }
    const int *from = upload(x);
    int *to = upload(std::vector<int>(32));
    all<<<1, 32>>>(from, table, to);
    return expect("all", download(to, 32), y);
}
