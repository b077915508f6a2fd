// Warps of a block hand values on through shared memory, with volatile flags and fences of the block.
#include "expect.h"

__global__ void relay(const int *x, int *to) {
    __shared__ int values[4][32];
    __shared__ volatile int flags[4];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (threadIdx.x < 4) flags[threadIdx.x] = 0;
    __syncthreads();
    int v = x[threadIdx.x];
    if (warp > 0) {
        while (flags[warp - 1] == 0) {
        }
        __threadfence_block();
        v += values[warp - 1][31 - lane];
    }
    values[warp][lane] = v;
    __threadfence_block();
    __syncwarp();
    if (lane == 0) flags[warp] = 1;
    to[threadIdx.x] = v;
}

int main() {
    std::vector<int> x(128), y(128);
    for (int i = 0; i < 128; ++i) x[i] = i % 19;
    for (int i = 0; i < 128; ++i) y[i] = x[i] + (i >= 32 ? y[i / 32 * 32 - 32 + 31 - i % 32] : 0);
    const int *from = upload(x);
    int *to = upload(std::vector<int>(128));
    relay<<<1, 128>>>(from, to);
    return expect("relay", download(to, 128), y);
}
