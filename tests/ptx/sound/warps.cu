// Lanes exchange values through shared memory, ordered by __syncwarp: the whole warp, and halves of it.
#include "expect.h"

__global__ void rotate(int *x) {
    __shared__ int s[4][32];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    s[warp][lane] = x[threadIdx.x];
    __syncwarp();
    int v = s[warp][(lane + 1) % 32];
    __syncwarp();
    const unsigned half = lane < 16 ? 0xffffu : 0xffff0000u;
    if (lane < 16) {
        s[warp][lane] = v;
        __syncwarp(half);
        v += s[warp][15 - lane];
    } else {
        s[warp][lane] = 2 * v;
        __syncwarp(half);
        v += s[warp][47 - lane];
    }
    x[threadIdx.x] = v;
}

int main() {
    std::vector<int> x(128), y(128);
    for (int i = 0; i < 128; ++i) x[i] = i * i;
    for (int i = 0; i < 128; ++i) {
        const auto next = [&](int lane) { return x[i / 32 * 32 + (lane + 1) % 32]; };
        const int lane = i % 32;
        y[i] = next(lane) + (lane < 16 ? next(15 - lane) : 2 * next(47 - lane));
    }
    int *data = upload(x);
    rotate<<<1, 128>>>(data);
    return expect("rotate", download(data, 128), y);
}
