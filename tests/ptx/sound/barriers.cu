// cuda::barrier in shared memory: threads arrive with what they wrote, and wait for the others.
#include <cuda/barrier>

#include "expect.h"

using Barrier = cuda::barrier<cuda::thread_scope_block>;

__global__ void shift(int *x, int steps) {
    __shared__ Barrier barrier;
    __shared__ int s[96];
    const int i = threadIdx.x;
    if (i == 0) init(&barrier, 96);
    __syncthreads();
    int v = x[i];
    for (int k = 0; k < steps; ++k) {
        s[i] = v;
        barrier.arrive_and_wait();
        v = s[(i + 33) % 96];
        barrier.wait(barrier.arrive());
    }
    x[i] = v;
}

int main() {
    std::vector<int> x(96), y(96);
    for (int i = 0; i < 96; ++i) x[i] = i;
    for (int i = 0; i < 96; ++i) y[i] = (i + 33 * 5) % 96;
    int *data = upload(x);
    shift<<<1, 96>>>(data, 5);
    return expect("shift", download(data, 96), y);
}
