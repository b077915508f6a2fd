// Bulk copies: pipelines over mbarriers, stores and reductions in groups.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "gpu.h"
#include "ptx_async.h"

// ---- global -> shared -> global, through a ring ----
template <int STAGES>
__global__ void ring(const uint32_t *x, uint32_t *to, int tiles, int words) {
#if __CUDA_ARCH__ >= 900
    extern __shared__ __align__(128) uint32_t s[];
    __shared__ uint64_t full[STAGES];
    uint32_t *result = s + STAGES * words;
    if (threadIdx.x == 0) {
        for (int k = 0; k < STAGES; ++k) barrier_init(&full[k], 1);
        fence_init();
    }
    __syncthreads();
    auto fetch = [&](int t) {
        if (t >= tiles || threadIdx.x != 0) return;
        barrier_arrive_expect(&full[t % STAGES], words * 4);
        bulk_load(s + t % STAGES * words, x + (size_t)t * words, words * 4, &full[t % STAGES]);
    };
    for (int t = 0; t < STAGES; ++t) fetch(t);
    for (int t = 0; t < tiles; ++t) {
        barrier_wait(&full[t % STAGES], t / STAGES & 1);
        // The copy before may still read what this one writes.
        if (threadIdx.x == 0) bulk_wait_read<0>();
        __syncthreads();
        for (int i = threadIdx.x; i < words; i += blockDim.x)
            result[i] = s[t % STAGES * words + (i + 9) % words] + t;
        fence_async();
        __syncthreads();
        if (threadIdx.x == 0) {
            bulk_store(to + (size_t)t * words, result, words * 4);
            bulk_commit();
        }
        fetch(t + STAGES);
    }
    if (threadIdx.x == 0) bulk_wait_read<0>();
#endif
}

template <int STAGES>
void test_ring(int tiles, int words) {
    const std::vector<uint32_t> in = random_words(words, tiles * words);
    std::vector<uint32_t> expected(in.size());
    for (int t = 0; t < tiles; ++t)
        for (int i = 0; i < words; ++i) expected[t * words + i] = in[t * words + (i + 9) % words] + t;
    Array<uint32_t> x(in), to(in.size());
    ring<STAGES><<<1, 64, (STAGES + 1) * words * 4>>>(x, to, tiles, words);
    expect("a ring of " + std::to_string(STAGES) + " x " + std::to_string(words), to.values(),
           expected);
}

// ---- reductions ----
#define REDUCTION(name, op, T)                                                     \
    struct name {                                                                  \
        using Type = T;                                                            \
        static __device__ void start(void *to, const void *from, uint32_t bytes) { \
            asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group." op  \
                         " [%0], [%1], %2;" ::"l"(to),                             \
                         "r"(shared_address(from)), "r"(bytes)                     \
                         : "memory");                                              \
        }                                                                          \
    };
REDUCTION(AddU32, "add.u32", uint32_t)
REDUCTION(MinS32, "min.s32", int32_t)
REDUCTION(MaxS32, "max.s32", int32_t)
REDUCTION(IncU32, "inc.u32", uint32_t)
REDUCTION(DecU32, "dec.u32", uint32_t)
REDUCTION(AddU64, "add.u64", uint64_t)
REDUCTION(MinS64, "min.s64", int64_t)
REDUCTION(AndB32, "and.b32", uint32_t)
REDUCTION(XorB64, "xor.b64", uint64_t)
REDUCTION(AddF32, "add.f32", float)
REDUCTION(AddF64, "add.f64", double)
REDUCTION(AddF16, "add.noftz.f16", __half)
REDUCTION(MaxBf16, "max.bf16", __nv_bfloat16)

// Each block reduces its part into the one place; blocks are not ordered, and need not be.
template <class R>
__global__ void reduce(const typename R::Type *x, typename R::Type *to, int count) {
#if __CUDA_ARCH__ >= 900
    extern __shared__ __align__(16) unsigned char memory[];
    auto *s = (typename R::Type *)memory;
    for (int i = threadIdx.x; i < count; i += blockDim.x) s[i] = x[blockIdx.x * count + i];
    fence_async();
    __syncthreads();
    if (threadIdx.x == 0) {
        R::start(to, s, count * sizeof *s);
        bulk_commit();
        bulk_wait_read<0>();
    }
#endif
}

template <class R, class F>
void test_reduction(const char *what, F combine, std::vector<typename R::Type> in, int count) {
    using T = typename R::Type;
    const int blocks = in.size() / count - 1;
    std::vector<T> expected(in.begin(), in.begin() + count);
    for (int b = 1; b <= blocks; ++b)
        for (int i = 0; i < count; ++i) expected[i] = combine(expected[i], in[b * count + i]);
    Array<T> x(in), to(std::vector<T>(in.begin(), in.begin() + count));
    reduce<R><<<blocks, 32, count * sizeof(T)>>>(x + count, to, count);
    const std::vector<T> is = to.values();
    for (int i = 0; i < count; ++i) {
        uint64_t a = 0, b = 0;
        memcpy(&a, &is[i], sizeof(T)), memcpy(&b, &expected[i], sizeof(T));
        expect(what, i, a, b);
    }
}

template <class T>
std::vector<T> numbers(int count, uint32_t most) {
    std::vector<T> values(count);
    for (int i = 0; i < count; ++i) values[i] = (T)(float)(int)(hash(i + most) % most);
    return values;
}

void test_reductions() {
    const auto add = [](auto a, auto b) { return a + b; };
    const auto least = [](auto a, auto b) { return a < b ? a : b; };
    test_reduction<AddU32>("add.u32", add, random_words(1, 5 * 400), 400);
    std::vector<int32_t> s32(5 * 64);
    std::vector<int64_t> s64(5 * 64);
    std::vector<uint64_t> u64(5 * 64);
    for (int i = 0; i < 5 * 64; ++i)
        s32[i] = hash(i), s64[i] = (uint64_t)hash(i) << 32 | hash(~i), u64[i] = s64[i] * 3;
    test_reduction<MinS32>("min.s32", least, s32, 64);
    test_reduction<MaxS32>(
        "max.s32", [](int a, int b) { return a < b ? b : a; }, s32, 64);
    test_reduction<AddU64>("add.u64", add, u64, 64);
    test_reduction<MinS64>("min.s64", least, s64, 64);
    test_reduction<AndB32>(
        "and.b32", [](uint32_t a, uint32_t b) { return a & b; }, random_words(2, 2 * 64), 64);
    test_reduction<XorB64>(
        "xor.b64", [](uint64_t a, uint64_t b) { return a ^ b; }, u64, 64);
    test_reduction<AddF32>("add.f32", add, numbers<float>(9 * 64, 100000), 64);
    test_reduction<AddF64>("add.f64", add, numbers<double>(9 * 64, 100000), 64);
    test_reduction<AddF16>(
        "add.f16", [](__half a, __half b) { return __float2half(__half2float(a) + __half2float(b)); },
        numbers<__half>(2 * 64, 2000), 64);
    test_reduction<MaxBf16>(
        "max.bf16",
        [](__nv_bfloat16 a, __nv_bfloat16 b) {
            return __bfloat162float(a) < __bfloat162float(b) ? b : a;
        },
        numbers<__nv_bfloat16>(5 * 64, 1000), 64);
    const std::vector<uint32_t> inc{3, 5, 9, 0, 5, 5, 8, 0};
    test_reduction<IncU32>(
        "inc.u32", [](uint32_t a, uint32_t b) { return a >= b ? 0 : a + 1; }, inc, 4);
    test_reduction<DecU32>(
        "dec.u32", [](uint32_t a, uint32_t b) { return a == 0 || a > b ? b : a - 1; }, inc, 4);
}

// ---- what a group's wait covers ----
__global__ void groups(const uint32_t *x, uint32_t *to, uint32_t *seen) {
#if __CUDA_ARCH__ >= 900
    __shared__ alignas(16) uint32_t s[4][64];
    for (int k = 0; k < 4; ++k) s[k][threadIdx.x] = x[k * 64 + threadIdx.x];
    fence_async();
    __syncthreads();
    if (threadIdx.x != 0) return;
    for (int k = 0; k < 4; ++k) bulk_store(to + k * 64, s[k], 256), bulk_commit();
    bulk_wait<2>();  // the two oldest
    uint32_t sum = 0;
    for (int i = 0; i < 128; ++i) sum += to[i];
    *seen = sum;
    bulk_wait<0>();
#endif
}

void test_groups() {
    const std::vector<uint32_t> in = random_words(3, 256);
    std::vector<uint32_t> sum(1);
    for (int i = 0; i < 128; ++i) sum[0] += in[i];
    Array<uint32_t> x(in), to(256), seen(1);
    groups<<<1, 64>>>(x, to, seen);
    expect("groups", to.values(), in);
    expect("groups, seen", seen.values(), sum);
}

int main() {
    if (capability() < 9)
        return std::printf("skipped: bulk copies begin with compute capability 9.0\n"), 0;
    test_ring<1>(3, 4), test_ring<2>(7, 1000), test_ring<3>(11, 256), test_ring<4>(3, 2048);
    test_reductions();
    test_groups();
    return report();
}
