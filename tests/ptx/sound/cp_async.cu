// A pipeline of two stages with cp.async, its groups and waits.
#include <cuda_pipeline.h>

#include "expect.h"

__global__ void stages(const int4 *x, int4 *to, int tiles) {
    __shared__ int4 s[2][64];
    const int i = threadIdx.x;
    __pipeline_memcpy_async(&s[0][i], &x[i], 16);
    __pipeline_commit();
    for (int t = 0; t < tiles; ++t) {
        if (t + 1 < tiles) __pipeline_memcpy_async(&s[(t + 1) % 2][i], &x[(t + 1) * 64 + i], 16);
        __pipeline_commit();
        __pipeline_wait_prior(1);
        __syncthreads();
        int4 v = s[t % 2][63 - i];
        v.x += t;
        to[t * 64 + i] = v;
        __syncthreads();
    }
}

int main() {
    const int tiles = 5;
    std::vector<int> x(tiles * 256), y(tiles * 256);
    for (size_t i = 0; i < x.size(); ++i) x[i] = 7 * i;
    for (size_t i = 0; i < x.size(); ++i) {
        const int t = i / 256, pack = i / 4 % 64;
        y[i] = x[t * 256 + (63 - pack) * 4 + i % 4] + (i % 4 == 0 ? t : 0);
    }
    const int *from = upload(x);
    int *to = upload(std::vector<int>(x.size()));
    stages<<<1, 64>>>((const int4 *)from, (int4 *)to, tiles);
    return expect("stages", download(to, y.size()), y);
}
