// Lanes that take part in subsets of their warp, and barriers in branches: all as it may be.
#include "expect.h"

__global__ void parts(int *x) {
    const int t = threadIdx.x, lane = t % 32;
    int value = x[t];
    // Groups of eight reduce apart from each other.
    const unsigned mask = 0xffu << lane / 8 * 8;
    for (int step = 4; step > 0; step /= 2) value += __shfl_down_sync(mask, value, step, 8);
    // Lanes of a loop leave it one after another: those that stay name each other.
    int rounds = 0;
    for (unsigned left = ~0u; (left = __ballot_sync(left, rounds < lane)) >> lane & 1;) ++rounds;
    __syncwarp();
    value = __shfl_sync(~0u, value, lane / 8 * 8);
    if (lane < 16) {
        value += __shfl_xor_sync(0xffff, value, 8);
    } else {
        value += __shfl_xor_sync(0xffff0000, value, 8);
    }
    x[t] = value + rounds - lane;
}

// Each warp role has its own barrier, and the last warp of the block is not full.
__global__ void roles(int *x) {
    __shared__ int s[112];
    const int t = threadIdx.x;
    s[t] = x[t];
    if (t < 64) {
        asm volatile("bar.sync 1, 64;" ::: "memory");
        x[t] = s[63 - t];
    } else {
        asm volatile("bar.sync 2, 64;" ::: "memory");
        x[t] = s[64 + (t - 64 + 1) % 48];
    }
    __syncthreads();
    if (t == 0) x[0] += s[100];
}

int main() {
    std::vector<int> x(64), y(64);
    for (int i = 0; i < 64; ++i) x[i] = i * i;
    for (int i = 0; i < 64; ++i)
        for (int k = 0; k < 16; ++k) y[i] += x[i / 16 * 16 + k];
    int *data = upload(x);
    parts<<<1, 64>>>(data);
    int wrong = expect("parts", download(data, 64), y);
    std::vector<int> from(112), to(112);
    for (int i = 0; i < 112; ++i) from[i] = 5 * i;
    for (int i = 0; i < 112; ++i) to[i] = from[i < 64 ? 63 - i : 64 + (i - 64 + 1) % 48];
    to[0] += from[100];
    data = upload(from);
    roles<<<1, 112>>>(data);
    return wrong | expect("roles", download(data, 112), to);
}
