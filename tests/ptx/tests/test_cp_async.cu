// cp.async: sizes, zero fill, groups in pipelines, completion at mbarriers; against plain loops.
#include "gpu.h"
#include "ptx_async.h"

// ---- one copy a thread, with fewer bytes than its target has ----
enum Form { whole, filled, ignored, hinted };

template <int BYTES, Form FORM>
__global__ void copies(const unsigned char *from, unsigned char *to) {
    __shared__ alignas(16) unsigned char s[64 * BYTES];
    const int i = threadIdx.x;
    for (int k = 0; k < BYTES; ++k) s[i * BYTES + k] = 0xAA;
    const uint32_t target = shared_address(s + i * BYTES);
    const unsigned char *source = from + i * BYTES;
    const int bytes = i % (BYTES + 1), ignore = i % 3 == 0;
    if (FORM == whole) {
        asm volatile("cp.async.ca.shared.global.L2::128B [%0], [%1], %2;" ::"r"(target), "l"(source),
                     "n"(BYTES));
    } else if (FORM == filled) {
        asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(target), "l"(source),
                     "n"(BYTES), "r"(bytes));
    } else if (FORM == ignored) {
        asm volatile(
            "{ .reg .pred p; setp.ne.b32 p, %3, 0; cp.async.ca.shared.global [%0], [%1], %2, p; }" ::
                "r"(target),
            "l"(source), "n"(BYTES), "r"(ignore));
    } else {
        uint64_t policy;
        asm volatile("createpolicy.fractional.L2::evict_last.b64 %0, 1.0;" : "=l"(policy));
        asm volatile("cp.async.cg.shared.global.L2::cache_hint [%0], [%1], 16, %2, %3;" ::"r"(target),
                     "l"(source), "r"(bytes), "l"(policy));
    }
    asm volatile("cp.async.wait_all;");
    for (int k = 0; k < BYTES; ++k) to[i * BYTES + k] = s[i * BYTES + k];
}

template <int BYTES, Form FORM>
void test_copies(const char *what) {
    std::vector<unsigned char> in(64 * BYTES), expected(64 * BYTES);
    for (size_t i = 0; i < in.size(); ++i) in[i] = hash(i + BYTES) | 1;
    for (int i = 0; i < 64; ++i)
        for (int k = 0; k < BYTES; ++k) {
            const int bytes = FORM == whole     ? BYTES
                              : FORM == ignored ? (i % 3 == 0 ? 0 : BYTES)
                                                : i % (BYTES + 1);
            expected[i * BYTES + k] = k < bytes ? in[i * BYTES + k] : 0;
        }
    Array<unsigned char> from(in), to(in.size());
    copies<BYTES, FORM><<<1, 64>>>(from, to);
    expect(what, to.values(), expected);
}

// ---- pipelines: each thread reads what others copied ----
template <int STAGES>
__global__ void pipeline(const float *x, int n, float *sums) {
    constexpr int TILE = 64 * 4;
    __shared__ alignas(16) float tile[STAGES][TILE];
    const int i = threadIdx.x, tiles = (n + TILE - 1) / TILE;
    auto fetch = [&](int t) {
        if (t < tiles) {
            const int at = t * TILE + i * 4, left = max(0, min(4, n - at)) * 4;
            asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                             shared_address(&tile[t % STAGES][i * 4])),
                         "l"(x + (left > 0 ? at : 0)), "r"(left));
        }
        asm volatile("cp.async.commit_group;");
    };
    for (int t = 0; t < STAGES - 1; ++t) fetch(t);
    float sum = 0;
    for (int t = 0; t < tiles; ++t) {
        asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2));
        __syncthreads();
        for (int k = 0; k < 4; ++k) sum += tile[t % STAGES][k * 64 + (i + 17) % 64] * (t + 1);
        fetch(t + STAGES - 1);
    }
    sums[i] = sum;
}

template <int STAGES>
void test_pipeline(int n) {
    std::vector<float> in(n + 3), expected(64, 0.f);  // rounded up: 16 bytes are read whole
    for (int i = 0; i < n; ++i) in[i] = hash(i) % 1000;
    for (int t = 0; t * 256 < n; ++t)
        for (int i = 0; i < 64; ++i)
            for (int k = 0; k < 4; ++k) {
                const int at = t * 256 + k * 64 + (i + 17) % 64;
                expected[i] += (at < n ? in[at] : 0) * (t + 1);
            }
    Array<float> x(in), sums(64);
    pipeline<STAGES><<<1, 64>>>(x, n, sums);
    expect("a pipeline of " + std::to_string(STAGES) + " stages, " + std::to_string(n) + " numbers",
           sums.values(), expected);
}

// ---- groups that lanes of a warp commit apart from each other ----
__global__ void apart(const int *x, int *to) {
    __shared__ int s[3][32];
    const int i = threadIdx.x;
    for (int k = 0; k < 3; ++k) {
        asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(shared_address(&s[k][i])),
                     "l"(x + k * 32 + i));
        if (k < 2 || i % 2 == 0) asm volatile("cp.async.commit_group;");
    }
    // Even lanes have three groups, odd ones two and a copy that belongs to none yet.
    if (i % 2 == 0) {
        asm volatile("cp.async.wait_group 1;");
        to[i] = s[0][i] + s[1][i];
        asm volatile("cp.async.wait_all;");
    } else {
        asm volatile("cp.async.wait_group 1;");
        to[i] = s[0][i];
        asm volatile("cp.async.wait_all;");
        to[i] += s[2][i];
    }
}

void test_apart() {
    std::vector<int> in(96), expected(32);
    for (int i = 0; i < 96; ++i) in[i] = hash(i) % 100000;
    for (int i = 0; i < 32; ++i) expected[i] = in[i] + (i % 2 == 0 ? in[32 + i] : in[64 + i]);
    Array<int> x(in), to(32);
    apart<<<1, 32>>>(x, to);
    expect("groups of lanes apart", to.values(), expected);
}

// ---- completion at an mbarrier: other threads wait for it, without a barrier of the block ----
template <bool NOINC>
__global__ void signalled(const int *x, int *to) {
    __shared__ int s[4][64];
    __shared__ uint64_t full;
    const int i = threadIdx.x;
    const uint32_t barrier = shared_address(&full);
    if (i == 0) asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(barrier), "r"(64));
    __syncthreads();
    for (int round = 0; round < 4; ++round) {
        if (i < 64) {
            asm volatile("cp.async.ca.shared.global [%0], [%1], 4;" ::"r"(shared_address(&s[round][i])),
                         "l"(x + round * 64 + i));
            if (NOINC) {
                asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(barrier));
            } else {
                asm volatile("cp.async.mbarrier.arrive.shared.b64 [%0];" ::"r"(barrier));
                uint64_t state;
                asm volatile("mbarrier.arrive.shared.b64 %0, [%1];" : "=l"(state) : "r"(barrier));
            }
        }
        int done = 0;
        while (!done)
            asm volatile(
                "{ .reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], %2; selp.s32 %0, 1, 0, "
                "p; }"
                : "=r"(done)
                : "r"(barrier), "r"(round & 1)
                : "memory");
        to[round * 128 + i] = s[round][(i + 5) % 64];
        __syncthreads();
    }
}

template <bool NOINC>
void test_signalled() {
    std::vector<int> in(256), expected(512);
    for (int i = 0; i < 256; ++i) in[i] = hash(i);
    for (int r = 0; r < 4; ++r)
        for (int i = 0; i < 128; ++i) expected[r * 128 + i] = in[r * 64 + (i + 5) % 64];
    Array<int> x(in), to(512);
    signalled<NOINC><<<1, 128>>>(x, to);
    expect(NOINC ? "an mbarrier, noinc" : "an mbarrier", to.values(), expected);
}

int main() {
    test_copies<4, whole>("4 bytes"), test_copies<8, whole>("8 bytes"),
        test_copies<16, whole>("16 bytes");
    test_copies<4, filled>("4 bytes, filled"), test_copies<8, filled>("8 bytes, filled");
    test_copies<16, filled>("16 bytes, filled"), test_copies<16, ignored>("16 bytes, ignored");
    test_copies<4, ignored>("4 bytes, ignored"),
        test_copies<16, hinted>("16 bytes with a cache policy");
    for (int n : {1, 255, 256, 1021, 2048})
        test_pipeline<2>(n), test_pipeline<3>(n), test_pipeline<4>(n);
    test_apart();
    test_signalled<true>(), test_signalled<false>();
    return report();
}
