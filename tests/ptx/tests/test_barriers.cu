// Barriers of a block: who waits for whom, and what a reduction gives.  What would be wrong is a race,
// a deadlock or a wrong sum.
#include "gpu.h"

// Each step every thread reads what another one wrote in the step before.
__global__ void rounds(uint32_t *out, int steps) {
    extern __shared__ uint32_t passed[];
    const int t = threadIdx.x, n = blockDim.x;
    uint32_t x = t;
    for (int k = 0; k < steps; ++k) {
        passed[t] = x;
        __syncthreads();
        x += passed[(t * 7 + k) % n];
        if (k % 2)
            __syncthreads();
        else
            asm volatile("barrier.cta.sync.aligned 0, %0;" ::"r"((n + 31) / 32 * 32) : "memory");
    }
    out[t] = x;
}

static void check_rounds(int threads) {
    const int steps = 9;
    const Array<uint32_t> out(threads);
    rounds<<<1, threads, 4 * threads>>>(out, steps);
    std::vector<uint32_t> x(threads), before;
    for (int t = 0; t < threads; ++t) x[t] = t;
    for (int k = 0; k < steps; ++k) {
        before = x;
        for (int t = 0; t < threads; ++t) x[t] += before[(t * 7 + k) % threads];
    }
    expect("rounds of " + std::to_string(threads), out.values(), x);
}

__global__ void reductions(uint32_t *out) {
    const int t = threadIdx.x;
    const int count = __syncthreads_count(t % 3 == 0), none = __syncthreads_or(t > 5000),
              some = __syncthreads_or(t == 77);
    const int all = __syncthreads_and(t < 5000), not_all = __syncthreads_and(t != 77);
    // Half of the block, and the complement of a predicate.
    uint32_t half = 0, any = 0;
    if (t >= 64) {
        asm volatile("{.reg .pred p; setp.lt.u32 p, %1, 70; barrier.cta.red.popc.u32 %0, 5, 64, !p;}"
                     : "=r"(half)
                     : "r"(t)
                     : "memory");
        asm volatile(
            "{.reg .pred p, q; setp.lt.u32 p, %1, 70; barrier.red.or.pred q, 5, 64, p; selp.u32 %0, 1, "
            "0, q;}"
            : "=r"(any)
            : "r"(t)
            : "memory");
    }
    out[t] = count | (none != 0) << 8 | (some != 0) << 9 | (all != 0) << 10 | (not_all != 0) << 11 |
             half << 12 | any << 20;
}

static void check_reductions() {
    const Array<uint32_t> out(128);
    reductions<<<1, 128>>>(out);
    const std::vector<uint32_t> values = out.values();
    for (uint32_t t = 0; t < 128; ++t)
        expect("reductions", t, values[t],
               43u | 1u << 9 | 1u << 10 | (t < 64 ? 0u : 58u << 12 | 1u << 20));
}

// Warps hand a token round, each pair by a barrier of its own: bar.arrive does not wait.
__global__ void ring(uint32_t *out, int laps) {
    __shared__ uint32_t token;
    const int w = threadIdx.x / 32, n = blockDim.x / 32;
    if (threadIdx.x == 0) token = 1;
    for (int lap = 0; lap < laps; ++lap) {
        if (lap + w > 0) asm volatile("barrier.cta.sync %0, 64;" ::"r"(w) : "memory");
        if (threadIdx.x % 32 == 0) token = token * 3 + w;
        if (lap < laps - 1 || w < n - 1)
            asm volatile("barrier.cta.arrive %0, 64;" ::"r"((w + 1) % n) : "memory");
    }
    __syncthreads();
    if (threadIdx.x == 0) *out = token;
}

static void check_ring() {
    const Array<uint32_t> out(1);
    ring<<<1, 32 * 15>>>(out, 4);
    uint32_t token = 1;
    for (int i = 0; i < 4 * 15; ++i) token = token * 3 + i % 15;
    expect("ring", 0, out.values()[0], token);
}

// barrier.sync without .aligned: the lanes of a warp come to it in different branches.
__global__ void apart(uint32_t *out) {
    __shared__ uint32_t passed[64];
    const int t = threadIdx.x;
    passed[t] = t * t;
    uint32_t x;
    if (t % 2) {
        asm volatile("barrier.sync 1, 64;" ::: "memory");
        x = passed[63 - t] + 1;
    } else {
        asm volatile("barrier.sync 1, 64;" ::: "memory");
        x = passed[63 - t] + 2;
    }
    out[t] = x;
}

static void check_apart() {
    const Array<uint32_t> out(64);
    apart<<<1, 64>>>(out);
    const std::vector<uint32_t> values = out.values();
    for (uint32_t t = 0; t < 64; ++t)
        expect("apart", t, values[t], (63 - t) * (63 - t) + (t % 2 ? 1 : 2));
}

// A barrier without .aligned waits only for threads that have not ended.
__global__ void early(uint32_t *out) {
    __shared__ uint32_t passed[128];
    const uint32_t t = threadIdx.x;
    if (t >= 100) return;
    passed[t] = t + 5;
    asm volatile("barrier.sync 0;" ::: "memory");
    out[t] = passed[99 - t];
}

static void check_early() {
    const Array<uint32_t> out(128);
    early<<<1, 128>>>(out);
    const std::vector<uint32_t> values = out.values();
    for (uint32_t t = 0; t < 100; ++t) expect("early", t, values[t], 99 - t + 5);
}

int main() {
    for (const int threads : {1, 31, 32, 33, 96, 100, 256, 1024}) check_rounds(threads);
    check_reductions();
    check_ring();
    check_apart();
    check_early();
    return report();
}
