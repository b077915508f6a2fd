// mma.sync: every shape and type, against matrices that are multiplied in plain loops.  Fragments are
// written down here as the tables of the PTX ISA have them.
#include <cmath>
#include <cstring>

#include "matrix_elements.h"

// ---- the kernels: registers of lane l at [32 * register + l] ----

#ifdef __CUDA_ARCH__
constexpr int ARCH = __CUDA_ARCH__ / 10;
#else
constexpr int ARCH = 0;
#endif

#define OUT2 "=r"(d[l]), "=r"(d[32 + l])
#define OUT4 OUT2, "=r"(d[64 + l]), "=r"(d[96 + l])
#define IN1(x) "r"(x[l])
#define IN2(x) IN1(x), "r"(x[32 + l])
#define IN4(x) IN2(x), "r"(x[64 + l]), "r"(x[96 + l])
#define MMA_4424(text)                                                                                 \
    asm volatile("mma.sync.aligned." text " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};" \
                 : OUT4                                                                                \
                 : IN4(a), IN2(b), IN4(c))
#define MMA_4214(text)                                                                     \
    asm volatile("mma.sync.aligned." text " {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%8,%9,%10};" \
                 : OUT4                                                                    \
                 : IN2(a), IN1(b), IN4(c))
#define MMA_2422(text)                                                                 \
    asm volatile("mma.sync.aligned." text " {%0,%1}, {%2,%3,%4,%5}, {%6,%7}, {%8,%9};" \
                 : OUT2                                                                \
                 : IN4(a), IN2(b), IN2(c))
#define MMA_2212(text)                                                        \
    asm volatile("mma.sync.aligned." text " {%0,%1}, {%2,%3}, {%4}, {%5,%6};" \
                 : OUT2                                                       \
                 : IN2(a), IN1(b), IN2(c))
#define MMA_2112(text)                                                     \
    asm volatile("mma.sync.aligned." text " {%0,%1}, {%2}, {%3}, {%4,%5};" \
                 : OUT2                                                    \
                 : IN1(a), IN1(b), IN2(c))
#define MMA_2424(text)                                                                         \
    asm volatile("mma.sync.aligned." text " {%0,%1}, {%2,%3,%4,%5}, {%6,%7}, {%8,%9,%10,%11};" \
                 : OUT2                                                                        \
                 : IN4(a), IN2(b), IN4(c))
#define MMA_4422(text)                                                                         \
    asm volatile("mma.sync.aligned." text " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11};" \
                 : OUT4                                                                        \
                 : IN4(a), IN2(b), IN2(c))
#define WIDE(x, i) "d"(((const double *)x)[32 * (i) + l])
#define WIDE_OUT(i) "=d"(((double *)d)[32 * (i) + l])
#define MMA_WIDE_2112(text)                                                \
    asm volatile("mma.sync.aligned." text " {%0,%1}, {%2}, {%3}, {%4,%5};" \
                 : WIDE_OUT(0), WIDE_OUT(1)                                \
                 : WIDE(a, 0), WIDE(b, 0), WIDE(c, 0), WIDE(c, 1))
#define MMA_WIDE_4214(text)                                                                \
    asm volatile("mma.sync.aligned." text " {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%8,%9,%10};" \
                 : WIDE_OUT(0), WIDE_OUT(1), WIDE_OUT(2), WIDE_OUT(3)                      \
                 : WIDE(a, 0), WIDE(a, 1), WIDE(b, 0), WIDE(c, 0), WIDE(c, 1), WIDE(c, 2), WIDE(c, 3))
#define MMA_WIDE_4424(text)                                                                            \
    asm volatile("mma.sync.aligned." text " {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%11,%12,%13};" \
                 : WIDE_OUT(0), WIDE_OUT(1), WIDE_OUT(2), WIDE_OUT(3)                                  \
                 : WIDE(a, 0), WIDE(a, 1), WIDE(a, 2), WIDE(a, 3), WIDE(b, 0), WIDE(b, 1), WIDE(c, 0), \
                   WIDE(c, 1), WIDE(c, 2), WIDE(c, 3))
#define MMA_WIDE_4844(text)                                                                            \
    asm volatile("mma.sync.aligned." text                                                              \
                 " {%0,%1,%2,%3}, {%4,%5,%6,%7,%8,%9,%10,%11}, {%12,%13,%14,%15}, "                    \
                 "{%16,%17,%18,%19};"                                                                  \
                 : WIDE_OUT(0), WIDE_OUT(1), WIDE_OUT(2), WIDE_OUT(3)                                  \
                 : WIDE(a, 0), WIDE(a, 1), WIDE(a, 2), WIDE(a, 3), WIDE(a, 4), WIDE(a, 5), WIDE(a, 6), \
                   WIDE(a, 7), WIDE(b, 0), WIDE(b, 1), WIDE(b, 2), WIDE(b, 3), WIDE(c, 0), WIDE(c, 1), \
                   WIDE(c, 2), WIDE(c, 3))

// CASE(m, k, a, b, c and d, architectures from, to, registers, modifiers)
#define ALL_CASES                                                                                 \
    CASE(16, 8, f16, f16, f32, f32, 80, 999, MMA_4214, "m16n8k8.row.col.f32.f16.f16.f32")         \
    CASE(16, 16, f16, f16, f32, f32, 80, 999, MMA_4424, "m16n8k16.row.col.f32.f16.f16.f32")       \
    CASE(16, 8, f16, f16, f16, f16, 80, 999, MMA_2212, "m16n8k8.row.col.f16.f16.f16.f16")         \
    CASE(16, 16, f16, f16, f16, f16, 80, 999, MMA_2422, "m16n8k16.row.col.f16.f16.f16.f16")       \
    CASE(16, 8, bf16, bf16, f32, f32, 80, 999, MMA_4214, "m16n8k8.row.col.f32.bf16.bf16.f32")     \
    CASE(16, 16, bf16, bf16, f32, f32, 80, 999, MMA_4424, "m16n8k16.row.col.f32.bf16.bf16.f32")   \
    CASE(16, 4, tf32, tf32, f32, f32, 80, 999, MMA_4214, "m16n8k4.row.col.f32.tf32.tf32.f32")     \
    CASE(16, 8, tf32, tf32, f32, f32, 80, 999, MMA_4424, "m16n8k8.row.col.f32.tf32.tf32.f32")     \
    CASE(16, 32, e4m3, e4m3, f32, f32, 89, 999, MMA_4424, "m16n8k32.row.col.f32.e4m3.e4m3.f32")   \
    CASE(16, 32, e4m3, e5m2, f32, f32, 89, 999, MMA_4424, "m16n8k32.row.col.f32.e4m3.e5m2.f32")   \
    CASE(16, 32, e5m2, e4m3, f32, f32, 89, 999, MMA_4424, "m16n8k32.row.col.f32.e5m2.e4m3.f32")   \
    CASE(16, 32, e5m2, e5m2, f32, f32, 89, 999, MMA_4424, "m16n8k32.row.col.f32.e5m2.e5m2.f32")   \
    CASE(16, 16, e4m3, e4m3, f32, f32, 89, 999, MMA_4214, "m16n8k16.row.col.f32.e4m3.e4m3.f32")   \
    CASE(16, 32, e4m3, e4m3, f16, f16, 89, 999, MMA_2422, "m16n8k32.row.col.f16.e4m3.e4m3.f16")   \
    CASE(16, 16, e5m2, e4m3, f16, f16, 89, 999, MMA_2212, "m16n8k16.row.col.f16.e5m2.e4m3.f16")   \
    CASE(8, 4, f64, f64, f64, f64, 80, 999, MMA_WIDE_2112, "m8n8k4.row.col.f64.f64.f64.f64")      \
    CASE(16, 4, f64, f64, f64, f64, 90, 999, MMA_WIDE_4214, "m16n8k4.row.col.f64.f64.f64.f64")    \
    CASE(16, 8, f64, f64, f64, f64, 90, 999, MMA_WIDE_4424, "m16n8k8.row.col.f64.f64.f64.f64")    \
    CASE(16, 16, f64, f64, f64, f64, 90, 999, MMA_WIDE_4844, "m16n8k16.row.col.f64.f64.f64.f64")  \
    CASE(8, 16, s8, s8, s32, s32, 80, 999, MMA_2112, "m8n8k16.row.col.s32.s8.s8.s32")             \
    CASE(16, 16, s8, u8, s32, s32, 80, 999, MMA_4214, "m16n8k16.row.col.s32.s8.u8.s32")           \
    CASE(16, 32, s8, s8, s32, s32, 80, 999, MMA_4424, "m16n8k32.row.col.s32.s8.s8.s32")           \
    CASE(16, 32, u8, s8, s32, s32, 80, 999, MMA_4424, "m16n8k32.row.col.s32.u8.s8.s32")           \
    CASE(16, 32, u8, u8, s32, s32, 80, 999, MMA_4424, "m16n8k32.row.col.satfinite.s32.u8.u8.s32") \
    CASE(16, 32, s8, s8, s32, s32, 80, 999, MMA_4424, "m16n8k32.row.col.satfinite.s32.s8.s8.s32") \
    CASE(8, 32, s4, s4, s32, s32, 80, 89, MMA_2112, "m8n8k32.row.col.s32.s4.s4.s32")              \
    CASE(16, 32, u4, s4, s32, s32, 80, 89, MMA_4214, "m16n8k32.row.col.s32.u4.s4.s32")            \
    CASE(16, 64, s4, u4, s32, s32, 80, 89, MMA_4424, "m16n8k64.row.col.s32.s4.u4.s32")            \
    CASE(8, 128, b1, b1, s32, s32, 80, 89, MMA_2112, "m8n8k128.row.col.s32.b1.b1.s32.xor.popc")   \
    CASE(16, 128, b1, b1, s32, s32, 80, 89, MMA_4214, "m16n8k128.row.col.s32.b1.b1.s32.xor.popc") \
    CASE(16, 256, b1, b1, s32, s32, 80, 89, MMA_4424, "m16n8k256.row.col.s32.b1.b1.s32.xor.popc") \
    CASE(16, 256, b1, b1, s32, s32, 80, 89, MMA_4424, "m16n8k256.row.col.s32.b1.b1.s32.and.popc")

enum { FIRST = __COUNTER__ };
template <int number, int arch>
struct Mma;
#define CASE(m, k, a_, b_, c_, d_, from, to, registers, text)                               \
    template <int arch>                                                                     \
    struct Mma<__COUNTER__ - FIRST - 1, arch> {                                             \
        static __device__ void run(const uint32_t *a, const uint32_t *b, const uint32_t *c, \
                                   uint32_t *d, int l) {                                    \
            if constexpr (arch >= from && arch <= to) registers(text);                      \
        }                                                                                   \
    };
ALL_CASES
#undef CASE
constexpr int CASES = __COUNTER__ - FIRST - 1;

template <int number>
__global__ void run_mma(const uint32_t *a, const uint32_t *b, const uint32_t *c, uint32_t *d) {
    Mma<number, ARCH>::run(a, b, c, d, threadIdx.x);
}

struct Case {
    int m, k;
    Format a, b, c, d;
    int from, to;
    const char *text;
};
#define CASE(m, k, a, b, c, d, from, to, registers, text) {m, k, a, b, c, d, from, to, text},
static const Case cases[CASES] = {ALL_CASES};

// ---- fragments: where element i of lane `lane` lies ----

struct Place {
    int row, column;
};

// A register holds `per` elements; groupID = lane / 4, threadID_in_group = lane % 4.
static int per_register(Format f) { return f == f64 ? 1 : 32 / bits_of(f); }

static Place place_a(int i, int lane, int per, int m) {
    const int half = m == 16 ? i / per % 2 : 0, block = m == 16 ? i / per / 2 : i / per;
    return {lane / 4 + 8 * half, lane % 4 * per + i % per + 4 * per * block};
}
static Place place_b(int i, int lane, int per) {
    return {lane % 4 * per + i % per + 4 * per * (i / per), lane / 4};
}
static Place place_c(int i, int lane) { return {lane / 4 + (i < 2 ? 0 : 8), lane % 4 * 2 + i % 2}; }

// Registers of 32 (f64: 64) bits, in which elements stand from low to high.
class Registers {
public:
    Registers(Format f, int elements)
        : f_(f), words_(32 * elements * (f == f64 ? 2 : 1), 0), elements_(elements) {}
    void put(int i, int lane, uint64_t bits) {
        if (f_ == f64) {
            std::memcpy(&words_[2 * (32 * i + lane)], &bits, 8);
        } else {
            const int per = per_register(f_);
            words_[32 * (i / per) + lane] |= (uint32_t)bits << i % per * bits_of(f_);
        }
    }
    uint64_t get(int i, int lane) const {
        uint64_t bits = 0;
        if (f_ == f64) {
            std::memcpy(&bits, &words_[2 * (32 * i + lane)], 8);
            return bits;
        }
        const int per = per_register(f_);
        return words_[32 * (i / per) + lane] >> i % per * bits_of(f_) & ((1ull << bits_of(f_)) - 1);
    }
    int elements() const { return elements_; }
    std::vector<uint32_t> &words() { return words_; }

private:
    Format f_;
    std::vector<uint32_t> words_;
    int elements_;
};

// ---- the comparison ----

// How far a result may be from the exact sum: half a unit in the last place; else what the order of the
// sums and their truncation make.
static double allowed(Format f, double exact, double magnitudes, int k) {
    const int digits = f == f32 ? 24 : f == f16 ? 11 : 53;
    if (f == f64) return std::ldexp(magnitudes, -53) * (k + 1);
    const double unit = std::ldexp(1, (exact == 0 ? -100 : std::ilogb(exact)) - digits + 1);
    const double smallest = f == f16 ? std::ldexp(1, -25) : 0;
    const double nearest = std::fmax(unit / 2 * 1.0000001, smallest);
    return default_rounding() ? nearest : nearest * 2 + std::ldexp(magnitudes, -22);
}

static void differs(const Case &c, int row, int column, double is, double should) {
    if (++failures() < 40)
        std::printf("%s, row %d, column %d: %.17g, expected %.17g\n", c.text, row, column, is, should);
}

static void compare_floats(const Case &c, int row, int column, double is, const double *a,
                           const double *b, double start) {
    __float128 exact = start;
    double magnitudes = std::fabs(start);
    for (int i = 0; i < c.k; ++i) {
        exact += (__float128)a[row * c.k + i] * b[i * 8 + column];
        magnitudes += std::fabs(a[row * c.k + i] * b[i * 8 + column]);
    }
    const double should = (double)exact;
    if (!(std::fabs((double)(is - exact)) <= allowed(c.d, should, magnitudes, c.k)))
        differs(c, row, column, is, should);
}

static void compare_integers(const Case &c, int row, int column, double is, const double *a,
                             const double *b, double start) {
    int64_t sum = (int64_t)start;
    const bool exclusive = std::strstr(c.text, "xor") != nullptr;
    for (int i = 0; i < c.k; ++i) {
        const int x = (int)a[row * c.k + i], y = (int)b[i * 8 + column];
        sum += c.a != b1 ? x * y : exclusive ? x ^ y : x & y;
    }
    if (std::strstr(c.text, "satfinite"))
        sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
    if ((int32_t)sum != is) differs(c, row, column, is, (int32_t)sum);
}

using Kernel = void (*)(const uint32_t *, const uint32_t *, const uint32_t *, uint32_t *);

static void check_case(const Case &c, Kernel kernel, uint32_t seed) {
    const int per_a = per_register(c.a), per_b = per_register(c.b), outputs = c.m == 16 ? 4 : 2;
    Registers a(c.a, c.m * c.k / 32), b(c.b, 8 * c.k / 32), start(c.c, outputs), d(c.d, outputs);
    std::vector<double> wide_a(c.m * c.k), wide_b(c.k * 8), wide_c(c.m * 8);
    for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < a.elements(); ++i) {
            const uint64_t bits = random_bits(c.a, seed++);
            const Place p = place_a(i, lane, per_a, c.m);
            a.put(i, lane, bits);
            wide_a[p.row * c.k + p.column] = value_of(c.a, bits);
        }
        for (int i = 0; i < b.elements(); ++i) {
            const uint64_t bits = random_bits(c.b, seed++);
            const Place p = place_b(i, lane, per_b);
            b.put(i, lane, bits);
            wide_b[p.row * 8 + p.column] = value_of(c.b, bits);
        }
        for (int i = 0; i < outputs; ++i) {
            const uint64_t bits = random_bits(c.c, seed++);
            const Place p = place_c(i, lane);
            start.put(i, lane, bits);
            wide_c[p.row * 8 + p.column] = value_of(c.c, bits);
        }
    }
    const Array<uint32_t> on_a(a.words()), on_b(b.words()), on_c(start.words()), on_d(d.words());
    kernel<<<1, 32>>>(on_a, on_b, on_c, on_d);
    MUST(cudaDeviceSynchronize());
    d.words() = on_d.values();
    for (int lane = 0; lane < 32; ++lane)
        for (int i = 0; i < outputs; ++i) {
            const Place p = place_c(i, lane);
            const double is = value_of(c.d, d.get(i, lane));
            (c.d == s32 ? compare_integers : compare_floats)(
                c, p.row, p.column, is, wide_a.data(), wide_b.data(), wide_c[p.row * 8 + p.column]);
        }
}

template <int number>
static int check_from(int arch) {
    if constexpr (number < CASES) {
        const Case &c = cases[number];
        const bool there = arch >= c.from && arch <= c.to;
        if (there) {
            check_case(c, run_mma<number>, 1000);
            check_case(c, run_mma<number>, 2000000);
        }
        return there + check_from<number + 1>(arch);
    } else {
        return 0;
    }
}

int main() {
    cudaDeviceProp properties;
    MUST(cudaGetDeviceProperties(&properties, 0));
    const int checked = check_from<0>(10 * properties.major + properties.minor);
    std::printf("%d shapes and types\n", checked);
    return report();
}
