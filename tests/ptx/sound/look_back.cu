// A running sum over blocks: each looks back at what those before it have published, flags behind
// fences.
#include "expect.h"

struct Tile {
    int part, prefix;
};

__global__ void scan(const int *x, int *to, Tile *tiles, volatile int *flags, unsigned *next) {
    __shared__ int tile, before, s[64];
    if (threadIdx.x == 0) tile = atomicAdd(next, 1);
    __syncthreads();
    const int i = threadIdx.x, own = tile;
    s[i] = x[own * 64 + i];
    __syncthreads();
    for (int step = 1; step < 64; step *= 2) {
        const int left = i >= step ? s[i - step] : 0;
        __syncthreads();
        s[i] += left;
        __syncthreads();
    }
    if (i == 0) {
        const int part = s[63];
        int sum = 0;
        if (own > 0) {
            tiles[own].part = part;
            __threadfence();
            flags[own] = 1;
            for (int t = own - 1;; --t) {
                int flag;
                while ((flag = flags[t]) == 0) {
                }
                __threadfence();
                if (flag == 2) {
                    sum += tiles[t].prefix;
                    break;
                }
                sum += tiles[t].part;
            }
        }
        tiles[own].prefix = sum + part;
        __threadfence();
        flags[own] = 2;
        before = sum;
    }
    __syncthreads();
    to[own * 64 + i] = before + s[i];
}

int main() {
    const int tiles = 12;
    std::vector<int> x(tiles * 64), y(tiles * 64);
    for (size_t i = 0; i < x.size(); ++i) x[i] = i % 13, y[i] = x[i] + (i > 0 ? y[i - 1] : 0);
    const int *from = upload(x);
    int *to = upload(std::vector<int>(x.size())), *flags = upload(std::vector<int>(tiles));
    Tile *states;
    cudaMalloc(&states, tiles * sizeof(Tile));
    unsigned *next = upload(std::vector<unsigned>(1));
    scan<<<tiles, 64>>>(from, to, states, flags, next);
    return expect("scan", download(to, y.size()), y);
}
