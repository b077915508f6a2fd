// atom and red: each operation on each type, in global, shared and generic memory; what atom returns.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "gpu.h"

// Each lane changes one element: those of lanes l and l + 16 are the same, so that two changes meet.
#define ATOMIC(NAME, OP, CONSTRAINT, TYPE)                                  \
    __global__ void NAME(TYPE *memory, const TYPE *b, TYPE *old) {          \
        __shared__ TYPE s[16];                                              \
        const int i = threadIdx.x;                                          \
        TYPE was, value = b[i];                                             \
        asm volatile("atom.global." OP " %0, [%1], %2;"                     \
                     : "=" CONSTRAINT(was)                                  \
                     : "l"(memory + i % 16), CONSTRAINT(value)              \
                     : "memory");                                           \
        old[i] = was;                                                       \
        if (i < 16) s[i] = memory[16 + i];                                  \
        __syncwarp();                                                       \
        const uint32_t at = (uint32_t)__cvta_generic_to_shared(&s[i % 16]); \
        asm volatile("atom.relaxed.cta.shared." OP " %0, [%1], %2;"         \
                     : "=" CONSTRAINT(was)                                  \
                     : "r"(at), CONSTRAINT(value)                           \
                     : "memory");                                           \
        asm volatile("atom.acq_rel.gpu." OP " %0, [%1], %2;"                \
                     : "=" CONSTRAINT(was)                                  \
                     : "l"(memory + 32 + i % 16), CONSTRAINT(value)         \
                     : "memory");                                           \
        __syncwarp();                                                       \
        if (i < 16) memory[16 + i] = s[i];                                  \
    }
#define REDUCTION(NAME, OP, CONSTRAINT, TYPE)                                                         \
    __global__ void NAME(TYPE *memory, const TYPE *b, TYPE *) {                                       \
        const int i = threadIdx.x;                                                                    \
        asm volatile("red.global." OP " [%0], %1;" ::"l"(memory + i % 16), CONSTRAINT(b[i])           \
                     : "memory");                                                                     \
        asm volatile("red.relaxed.gpu." OP " [%0], %1;" ::"l"(memory + 16 + i % 16), CONSTRAINT(b[i]) \
                     : "memory");                                                                     \
        asm volatile("red.release.sys.global." OP " [%0], %1;" ::"l"(memory + 32 + i % 16),           \
                     CONSTRAINT(b[i])                                                                 \
                     : "memory");                                                                     \
    }
#define BOTH(NAME, OP, CONSTRAINT, TYPE) \
    ATOMIC(NAME, OP, CONSTRAINT, TYPE) REDUCTION(red_##NAME, OP, CONSTRAINT, TYPE)

BOTH(and_32, "and.b32", "r", uint32_t)
BOTH(or_32, "or.b32", "r", uint32_t)
BOTH(xor_64, "xor.b64", "l", uint64_t)
BOTH(add_u32, "add.u32", "r", uint32_t)
BOTH(add_u64, "add.u64", "l", uint64_t)
BOTH(min_s32, "min.s32", "r", int32_t)
BOTH(max_s32, "max.s32", "r", int32_t)
BOTH(min_u32, "min.u32", "r", uint32_t)
BOTH(max_u64, "max.u64", "l", uint64_t)
BOTH(min_s64, "min.s64", "l", int64_t)
BOTH(inc_u32, "inc.u32", "r", uint32_t)
BOTH(dec_u32, "dec.u32", "r", uint32_t)
ATOMIC(exch_32, "exch.b32", "r", uint32_t)
ATOMIC(exch_64, "exch.b64", "l", uint64_t)
BOTH(add_f64, "add.f64", "d", double)
BOTH(add_f32, "add.f32", "f", float)
BOTH(add_f16x2, "add.noftz.f16x2", "r", uint32_t)
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
BOTH(add_bf16, "add.noftz.bf16", "h", uint16_t)
#else
__global__ void add_bf16(uint16_t *, const uint16_t *, uint16_t *) {}
__global__ void red_add_bf16(uint16_t *, const uint16_t *, uint16_t *) {}
#endif

template <class T>
using Kernel = void (*)(T *, const T *, T *);

// `change` is what an operation makes of memory; the order of two lanes is open, and the
// order of lane and memory is not.
template <class T>
void test(const std::string &what, Kernel<T> kernel, bool returns, std::function<T(T, T)> change,
          const std::function<T(uint32_t)> &value) {
    const std::vector<uint32_t> words = random_words((uint32_t)what.size() * 31 + what[0], 80);
    std::vector<T> memory(48), b(32);
    for (int i = 0; i < 48; ++i) memory[i] = value(words[i]);
    for (int i = 0; i < 32; ++i) b[i] = value(words[48 + i]);
    const Array<T> at(memory), with(b), old(32);
    kernel<<<1, 32>>>(at, with, old);
    const std::vector<T> is = at.values(), was = old.values();
    for (int i = 0; i < 48; ++i) {
        const T b0 = b[i % 16], b1 = b[16 + i % 16], first = change(change(memory[i], b0), b1),
                second = change(change(memory[i], b1), b0);
        const bool ok =
            std::memcmp(&is[i], &first, sizeof(T)) == 0 || std::memcmp(&is[i], &second, sizeof(T)) == 0;
        expect(what + ", changed", i, ok, true);
    }
    for (int i = 0; i < 16 && returns; ++i) {
        const T after0 = change(memory[i], b[i]), after1 = change(memory[i], b[16 + i]);
        const auto same = [](const T &x, const T &y) { return std::memcmp(&x, &y, sizeof(T)) == 0; };
        const bool ok = (same(was[i], memory[i]) && same(was[16 + i], after0)) ||
                        (same(was[16 + i], memory[i]) && same(was[i], after1));
        expect(what + ", returned", i, ok, true);
    }
}

template <class T>
void both(const std::string &what, Kernel<T> atom, Kernel<T> red, std::function<T(T, T)> change,
          const std::function<T(uint32_t)> &value) {
    test<T>("atom " + what, atom, true, change, value);
    if (red != nullptr) test<T>("red " + what, red, false, change, value);
}

void test_integers() {
    const auto u = [](uint32_t x) { return x; };
    const auto wide = [](uint32_t x) { return (uint64_t)x << 31 ^ x * 77ull; };
    const auto s = [](uint32_t x) { return (int32_t)x; };
    const auto swide = [wide](uint32_t x) { return (int64_t)(wide(x) << 3); };
    const auto few = [](uint32_t x) { return x % 4; };
    both<uint32_t>(
        "and", and_32, red_and_32, [](uint32_t a, uint32_t b) { return a & b; }, u);
    both<uint32_t>(
        "or", or_32, red_or_32, [](uint32_t a, uint32_t b) { return a | b; }, u);
    both<uint64_t>(
        "xor", xor_64, red_xor_64, [](uint64_t a, uint64_t b) { return a ^ b; }, wide);
    both<uint32_t>(
        "add", add_u32, red_add_u32, [](uint32_t a, uint32_t b) { return a + b; }, u);
    both<uint64_t>(
        "add.u64", add_u64, red_add_u64, [](uint64_t a, uint64_t b) { return a + b; }, wide);
    both<int32_t>(
        "min.s32", min_s32, red_min_s32, [](int32_t a, int32_t b) { return std::min(a, b); }, s);
    both<int32_t>(
        "max.s32", max_s32, red_max_s32, [](int32_t a, int32_t b) { return std::max(a, b); }, s);
    both<uint32_t>(
        "min.u32", min_u32, red_min_u32, [](uint32_t a, uint32_t b) { return std::min(a, b); }, u);
    both<uint64_t>(
        "max.u64", max_u64, red_max_u64, [](uint64_t a, uint64_t b) { return std::max(a, b); }, wide);
    both<int64_t>(
        "min.s64", min_s64, red_min_s64, [](int64_t a, int64_t b) { return std::min(a, b); }, swide);
    both<uint32_t>(
        "inc", inc_u32, red_inc_u32, [](uint32_t a, uint32_t b) { return a >= b ? 0 : a + 1; }, few);
    both<uint32_t>(
        "dec", dec_u32, red_dec_u32, [](uint32_t a, uint32_t b) { return a == 0 || a > b ? b : a - 1; },
        few);
    both<uint32_t>(
        "exch", exch_32, nullptr, [](uint32_t, uint32_t b) { return b; }, u);
    both<uint64_t>(
        "exch.b64", exch_64, nullptr, [](uint64_t, uint64_t b) { return b; }, wide);
}

float from_half(uint16_t h) {
    return std::ldexp((float)(h & 0x3ff | 0x400), (h >> 10 & 31) - 25) * (h >> 15 ? -1 : 1);
}
uint16_t half_sum(uint16_t a, uint16_t b) {  // of numbers whose sum is exact
    const float sum = from_half(a) + from_half(b);
    if (sum == 0) return 0;
    int exponent;
    const float part = std::frexp(std::fabs(sum), &exponent);
    return (uint16_t)((sum < 0) << 15 | (exponent + 14) << 10 | ((int)(part * 2048) & 0x3ff));
}

void test_floats() {
    both<double>(
        "add.f64", add_f64, red_add_f64, [](double a, double b) { return a + b; },
        [](uint32_t x) { return (double)(int32_t)x * 1e-3; });
    both<float>(
        "add.f32", add_f32, red_add_f32, [](float a, float b) { return a + b; },
        [](uint32_t x) { return (float)(int32_t)x * 1e-3f; });
    // Halves from 1 to 2 in steps of 1/64, whose sums are exact.
    both<uint32_t>(
        "add.f16x2", add_f16x2, red_add_f16x2,
        [](uint32_t a, uint32_t b) {
            return half_sum(a, b) | (uint32_t)half_sum(a >> 16, b >> 16) << 16;
        },
        [](uint32_t x) { return 0x3c003c00u | (x & 0x03f003f0u); });
    if (capability() < 9) return;
    both<uint16_t>(
        "add.bf16", add_bf16, red_add_bf16,
        [](uint16_t a, uint16_t b) {
            const uint32_t x = (uint32_t)a << 16, y = (uint32_t)b << 16;
            float f, g;
            std::memcpy(&f, &x, 4), std::memcpy(&g, &y, 4);
            f += g;
            uint32_t z;
            std::memcpy(&z, &f, 4);
            return (uint16_t)(z >> 16);
        },
        [](uint32_t x) { return (uint16_t)(0x3f80 | (x & 0x60)); });
}

// Sums in global memory lose subnormal numbers, those in shared memory do not.
__global__ void subnormal(float *x, float tiny) {
    __shared__ float s;
    s = tiny;
    asm volatile("red.global.add.f32 [%0], %1;" ::"l"(x), "f"(tiny) : "memory");
    asm volatile("red.shared.add.f32 [%0], %1;" ::"r"((uint32_t)__cvta_generic_to_shared(&s)), "f"(tiny)
                 : "memory");
    x[1] = s;
}

void test_subnormal() {
    const float tiny = 1e-40f;
    const Array<float> x(std::vector<float>{tiny, 0});
    subnormal<<<1, 1>>>(x, tiny);
    const std::vector<float> is = x.values();
    expect("subnormal, global", 0, is[0] == 0, true);
    expect("subnormal, shared", 1, is[1] == tiny + tiny, true);
}

// Who finds the expected value replaces it: one lane of each pair.
__global__ void compare(uint32_t *words, uint64_t *wide, uint16_t *halves, uint32_t *won) {
    const uint32_t i = threadIdx.x;
    const uint32_t a = atomicCAS(&words[i % 16], 100 + i % 16, 1000 + i);
    const uint64_t b =
        atomicCAS((unsigned long long *)&wide[i % 16], 200 + i % 16, 5'000'000'000ull + i);
    const uint16_t c = atomicCAS((unsigned short *)&halves[i % 16], (unsigned short)(300 + i % 16),
                                 (unsigned short)(2000 + i));
    won[i] = (a == 100 + i % 16) + 2 * (b == 200 + i % 16) + 4 * (c == 300 + i % 16);
}

void test_compare() {
    std::vector<uint32_t> words(16);
    std::vector<uint64_t> wide(16);
    std::vector<uint16_t> halves(16);
    for (int i = 0; i < 16; ++i) words[i] = 100 + i, wide[i] = 200 + i, halves[i] = 300 + i;
    words[3] = wide[4] = halves[5] = 7;
    const Array<uint32_t> w(words), won(32);
    const Array<uint64_t> d(wide);
    const Array<uint16_t> h(halves);
    compare<<<1, 32>>>(w, d, h, won);
    const std::vector<uint32_t> is = won.values();
    for (int i = 0; i < 16; ++i) {
        const auto check = [&](const char *what, uint64_t value, int bit, uint64_t fresh, bool equal) {
            const bool low = is[i] >> bit & 1, high = is[16 + i] >> bit & 1;
            expect(std::string(what) + ", one wins", i, low != high, equal);
            expect(std::string(what) + ", value", i, value, !equal ? 7 : fresh + i + (high ? 16 : 0));
        };
        check("cas.b32", w.values()[i], 0, 1000, i != 3);
        check("cas.b64", d.values()[i], 1, 5'000'000'000ull, i != 4);
        check("cas.b16", h.values()[i], 2, 2000, i != 5);
    }
}

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
__global__ void wide(uint64_t *x, float *sums) {
    asm volatile(
        "{ .reg .b128 a, b, c, o; mov.b128 b, {%1, %2}; mov.b128 c, {%3, %4};"
        " atom.global.cas.b128 o, [%0], b, c; mov.b128 a, {%5, %5}; atom.global.exch.b128 o, [%0+16], "
        "a;"
        " st.global.b128 [%0+32], o; }" ::"l"(x),
        "l"(x[0]), "l"(x[1]), "l"(11ull), "l"(12ull), "l"(13ull)
        : "memory");
    asm volatile("red.global.add.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(sums), "f"(1.f), "f"(2.f),
                 "f"(3.f), "f"(4.f)
                 : "memory");
    asm volatile(
        "{ .reg .f32 a, b; atom.global.add.v2.f32 {a, b}, [%0], {%1, %2}; st.global.v2.f32 [%0+16], "
        "{b, a}; }" ::"l"(sums),
        "f"(10.f), "f"(20.f)
        : "memory");
    // What comes back takes the registers of what is added, crosswise.
    asm volatile(
        "{ .reg .f32 a, b; mov.f32 a, %1; mov.f32 b, %2; atom.global.add.v2.f32 {b, a}, [%0], {a, b};"
        " st.global.v2.f32 [%0+8], {a, b}; }" ::"l"(sums + 6),
        "f"(1.f), "f"(2.f)
        : "memory");
}
#else
__global__ void wide(uint64_t *, float *) {}
#endif

void test_wide() {
    const Array<uint64_t> x(std::vector<uint64_t>{1, 2, 3, 4, 0, 0});
    const Array<float> sums(std::vector<float>{100, 200, 300, 400, 0, 0, 10, 20, 0, 0});
    wide<<<1, 1>>>(x, sums);
    expect("128 bits", x.values(), {11, 12, 13, 13, 3, 4});
    expect("vectors", sums.values(), {111, 222, 303, 404, 202, 101, 11, 22, 20, 10});
}

int main() {
    test_integers();
    test_floats();
    test_subnormal();
    test_compare();
    if (capability() >= 9) test_wide();
    return report();
}
