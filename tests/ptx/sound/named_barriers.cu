// One warp fills two buffers in turn, another empties them: bar.arrive and bar.sync of four named
// barriers.
#include "expect.h"

__device__ void arrive(int barrier) {
    asm volatile("barrier.arrive %0, 64;" ::"r"(barrier) : "memory");
}
__device__ void sync(int barrier) { asm volatile("barrier.sync %0, 64;" ::"r"(barrier) : "memory"); }

__global__ void pass(const int *x, int *to, int steps) {
    __shared__ int s[2][32];
    const int lane = threadIdx.x % 32;
    if (threadIdx.x < 32) {
        for (int k = 0; k < steps; ++k) {
            if (k >= 2) sync(3 + k % 2);  // empty
            s[k % 2][lane] = x[k * 32 + lane] + 1;
            arrive(1 + k % 2);  // full
        }
    } else {
        for (int k = 0; k < steps; ++k) {
            sync(1 + k % 2);
            to[k * 32 + lane] = s[k % 2][31 - lane];
            if (k + 2 < steps) arrive(3 + k % 2);
        }
    }
}

int main() {
    const int steps = 9;
    std::vector<int> x(steps * 32), y(steps * 32);
    for (int i = 0; i < steps * 32; ++i) x[i] = 3 * i;
    for (int i = 0; i < steps * 32; ++i) y[i] = x[i / 32 * 32 + 31 - i % 32] + 1;
    const int *from = upload(x);
    int *to = upload(std::vector<int>(steps * 32));
    pass<<<1, 64>>>(from, to, steps);
    return expect("pass", download(to, y.size()), y);
}
