// Tiles come by bulk copies that an mbarrier tells of, and leave by bulk copies behind a proxy fence.
// devices: 90,100
#include "../tests/ptx_async.h"
#include "expect.h"

__global__ void tiles(const int *x, int *to, int count) {
    __shared__ __align__(128) int in[2][64], out[64];
    __shared__ uint64_t barrier[2];
    const int i = threadIdx.x;
    if (i < 2) barrier_init(&barrier[i], 1);
    __syncthreads();
    const auto fetch = [&](int t) {
        barrier_arrive_expect(&barrier[t % 2], 256);
        bulk_load(in[t % 2], x + 64 * t, 256, &barrier[t % 2]);
    };
    if (i == 0) fetch(0);
    for (int t = 0; t < count; ++t) {
        if (i == 0 && t + 1 < count) fetch(t + 1);
        barrier_wait(&barrier[t % 2], t / 2 % 2);
        if (i == 0) bulk_wait_read<0>();
        __syncthreads();
        out[i] = in[t % 2][63 - i] + t;
        fence_async();
        __syncthreads();
        if (i == 0) bulk_store(to + 64 * t, out, 256), bulk_commit();
    }
    if (i == 0) bulk_wait<0>();
}

int main() {
    const int count = 5;
    std::vector<int> x(64 * count), y(64 * count);
    for (int i = 0; i < 64 * count; ++i) x[i] = 5 * i;
    for (int i = 0; i < 64 * count; ++i) y[i] = x[i / 64 * 64 + 63 - i % 64] + i / 64;
    const int *from = upload(x);
    int *to = upload(std::vector<int>(y.size()));
    tiles<<<1, 64>>>(from, to, count);
    return expect("tiles", download(to, y.size()), y);
}
