// mbarrier: producers and consumers, what arrive returns, counts that change.
#include "gpu.h"
#include "ptx_async.h"

// ---- a ring of buffers between one producing warp and several that consume ----
template <int STAGES>
__global__ void ring(const int *x, int rounds, int consumers, int *to) {
    __shared__ int s[STAGES][32];
    __shared__ uint64_t full[STAGES], empty[STAGES];
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (threadIdx.x == 0)
        for (int k = 0; k < STAGES; ++k) barrier_init(&full[k], 32), barrier_init(&empty[k], consumers);
    __syncthreads();
    int sum = 0;
    for (int r = 0; r < rounds; ++r) {
        const int k = r % STAGES, round = r / STAGES & 1;
        if (warp == 0) {
            barrier_wait(&empty[k], round ^ 1);
            s[k][lane] = x[r * 32 + lane];
            barrier_arrive(&full[k]);
        } else {
            barrier_wait(&full[k], round);
            sum += s[k][(lane + warp) % 32] * (r + warp);
            __syncwarp();
            if (lane == 0) barrier_arrive(&empty[k]);
        }
    }
    if (warp > 0) to[(warp - 1) * 32 + lane] = sum;
}

template <int STAGES>
void test_ring(int rounds, int consumers) {
    std::vector<int> in(rounds * 32), expected(consumers * 32);
    for (size_t i = 0; i < in.size(); ++i) in[i] = hash(i) % 1000;
    for (int w = 1; w <= consumers; ++w)
        for (int l = 0; l < 32; ++l)
            for (int r = 0; r < rounds; ++r)
                expected[(w - 1) * 32 + l] += in[r * 32 + (l + w) % 32] * (r + w);
    Array<int> x(in), to(expected.size());
    ring<STAGES><<<1, 32 * (consumers + 1)>>>(x, rounds, consumers, to);
    expect("a ring of " + std::to_string(STAGES), to.values(), expected);
}

// ---- states and counts ----
__global__ void states(uint32_t *to) {
    __shared__ uint64_t b;
    barrier_init(&b, 3);
    const uint64_t first = barrier_arrive(&b);
    auto count = [](uint64_t state) {
        uint32_t n;
        asm volatile("mbarrier.pending_count.b64 %0, %1;" : "=r"(n) : "l"(state));
        return n;
    };
    auto passed = [](uint64_t *p, uint64_t state) {
        uint32_t done;
        asm volatile(
            "{ .reg .pred p; mbarrier.test_wait.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
            : "=r"(done)
            : "r"(shared_address(p)), "l"(state));
        return done;
    };
    to[0] = count(first), to[1] = passed(&b, first);
    uint64_t second, third;
    asm volatile("mbarrier.arrive.noComplete.shared.b64 %0, [%1], 1;"
                 : "=l"(second)
                 : "r"(shared_address(&b)));
    to[2] = count(second), to[3] = passed(&b, first);
    asm volatile("mbarrier.arrive_drop.shared.b64 %0, [%1];" : "=l"(third) : "r"(shared_address(&b)));
    to[4] = count(third), to[5] = passed(&b, first), to[6] = passed(&b, third);
    to[7] = barrier_passed(&b, 0), to[8] = barrier_passed(&b, 1);
    // Two are left: the next phases need two arrivals.
    const uint64_t fourth = barrier_arrive(&b);
    to[9] = count(fourth), to[10] = passed(&b, fourth);
    barrier_arrive(&b);
    to[11] = passed(&b, fourth), to[12] = barrier_passed(&b, 0), to[13] = barrier_passed(&b, 1);
    // The generic form; and the memory may be used otherwise after inval.
    asm volatile("mbarrier.inval.b64 [%0];" ::"l"(&b) : "memory");
    b = 5;
    to[14] = b;
    asm volatile("mbarrier.init.b64 [%0], 1;" ::"l"(&b) : "memory");
    asm volatile("{ .reg .b64 s; mbarrier.arrive.b64 s, [%0]; }" ::"l"(&b) : "memory");
    to[15] = barrier_passed(&b, 0);
}

void test_states() {
    Array<uint32_t> to(16);
    states<<<1, 1>>>(to);
    expect("states", to.values(),
           std::vector<uint32_t>{3, 0, 2, 0, 1, 1, 1, 1, 0, 2, 0, 1, 0, 1, 5, 1});
}

// ---- counts of more than one, and bytes ----
__global__ void counts(uint32_t *to) {
#if __CUDA_ARCH__ >= 900
    __shared__ uint64_t b;
    const uint32_t a = shared_address(&b);
    if (threadIdx.x == 0) barrier_init(&b, 64);
    __syncwarp();
    asm volatile("mbarrier.arrive.release.cta.shared::cta.b64 _, [%0], 2;" ::"r"(a) : "memory");
    if (threadIdx.x == 0) to[0] = barrier_passed(&b, 0);
    __syncwarp();
    if (threadIdx.x == 0) {
        asm volatile("mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%0], 48;" ::"r"(a) : "memory");
        asm volatile("mbarrier.arrive.relaxed.cta.shared::cta.b64 _, [%0], 63;" ::"r"(a) : "memory");
        asm volatile("mbarrier.arrive.expect_tx.release.cta.shared::cta.b64 _, [%0], 16;" ::"r"(a)
                     : "memory");
        to[1] = barrier_passed(&b, 1);
        asm volatile("mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%0], 60;" ::"r"(a) : "memory");
        to[2] = barrier_passed(&b, 1);
        asm volatile("mbarrier.complete_tx.relaxed.cta.shared::cta.b64 [%0], 4;" ::"r"(a) : "memory");
        uint32_t done;
        asm volatile(
            "{ .reg .pred p; mbarrier.try_wait.parity.acquire.cta.shared::cta.b64 p, [%1], 1, 1000; "
            "selp.u32 %0, 1, 0, p; }"
            : "=r"(done)
            : "r"(a)
            : "memory");
        to[3] = done;
    }
#else
    if (threadIdx.x == 0) to[0] = 1, to[1] = 0, to[2] = 0, to[3] = 1;
#endif
}

void test_counts() {
    Array<uint32_t> to(4);
    counts<<<1, 32>>>(to);
    expect("counts", to.values(), std::vector<uint32_t>{1, 0, 0, 1});
}

int main() {
    test_ring<1>(9, 1), test_ring<2>(17, 3), test_ring<3>(50, 5), test_ring<4>(31, 2);
    test_states();
    test_counts();
    return report();
}
