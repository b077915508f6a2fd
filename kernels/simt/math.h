// CUDA's device math for the CPU.  What is here is written without branches or library calls, so that
// the compiler vectorizes loops over it; expf, logf, sinf, cosf and others are those of libm.
#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

#include <cmath>

namespace simt {
template <typename To, typename From>
inline To bits_as(From from) {
    static_assert(sizeof(To) == sizeof(From), "the same bits");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}

// A value that -fassociative-math and -ffp-contract must not mix with what it is used in.  (GCC's own
// __builtin_assoc_barrier is lost where a loop is vectorized.)
extern const uint32_t unknown_zero;
inline float keep(float value) { return bits_as<float>(bits_as<uint32_t>(value) ^ unknown_zero); }
inline double keep(double value) { return bits_as<double>(bits_as<uint64_t>(value) ^ unknown_zero); }

// a b + c, kept.
inline float multiply_add(float a, float b, float c) {
#ifdef __FMA__
    return __builtin_fmaf(a, b, c);
#else
    return keep(keep(a * b) + c);
#endif
}

// 2^n for -127 < n < 128.
inline float power_of_two(int n) { return bits_as<float>(static_cast<uint32_t>(n + 127) << 23); }

// As CUDA's: if one argument is NaN, the other.  libm's are calls, which would stop vectorizing.
inline float fmaxf(float a, float b) { return a > b || b != b ? a : b; }
inline float fminf(float a, float b) { return a < b || b != b ? a : b; }
}  // namespace simt

#define fmaxf simt::fmaxf
#define fminf simt::fminf

inline unsigned int __float_as_uint(float x) { return simt::bits_as<unsigned int>(x); }
inline float __int_as_float(int x) { return simt::bits_as<float>(x); }
inline float __uint_as_float(unsigned int x) { return simt::bits_as<float>(x); }

inline float max(float a, float b) { return fmaxf(a, b); }
inline float min(float a, float b) { return fminf(a, b); }
#define SIMT_MIN_MAX(type)                                    \
    inline type max(type a, type b) { return a > b ? a : b; } \
    inline type min(type a, type b) { return a < b ? a : b; }
SIMT_MIN_MAX(int)
SIMT_MIN_MAX(unsigned int)
SIMT_MIN_MAX(long long)
SIMT_MIN_MAX(unsigned long long)
#undef SIMT_MIN_MAX

// exp(x) to 2 ulp, subnormal results included: x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts
// of which the first times n is exact, and the minimax polynomial of exp(r).
inline float __expf(float x) {
    const float bounded = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;  // NaN stays
    const float rounded = __builtin_rintf(bounded * 1.44269504f);
    const float high = simt::multiply_add(rounded, -0.693359375f, bounded);
    const float r = simt::multiply_add(rounded, 2.12194440e-4f, high);
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = simt::multiply_add(p, r * r, r) + 1.0f;
    // In two steps, as 2^n itself may be out of range.
    const int n = static_cast<int>(x == x ? rounded : 0.0f), half = n >> 1;
    const uint32_t scaled = simt::bits_as<uint32_t>(p) + (static_cast<uint32_t>(half) << 23);
    return simt::bits_as<float>(scaled) * simt::power_of_two(n - half);
}
// As CUDA's, 0 (of an infinite x NaN) where 2^126 < |y| < 2^128.
inline float __fdividef(float x, float y) {
    const float magnitude = y < 0 ? -y : y;
    return magnitude > 0x1p126f && magnitude < INFINITY ? x * 0.0f : x / y;
}
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }
inline void __sincosf(float x, float *sine, float *cosine) { sincosf(x, sine, cosine); }
inline float sinpif(float x) { return static_cast<float>(sin(3.14159265358979323846 * x)); }
inline float cospif(float x) { return static_cast<float>(cos(3.14159265358979323846 * x)); }

// Rounded to nearest, and never fused into a multiply-add.
inline float __fadd_rn(float x, float y) { return simt::keep(x + y); }
inline double __dadd_rn(double x, double y) { return simt::keep(x + y); }
inline float __fmul_rn(float x, float y) {
    // GCC's vectorizer forgets the barrier of keep and then fuses; a volatile is never vectorized.
    const volatile float product = x * y;
    return product;
}
inline float __fmaf_rn(float x, float y, float z) { return __builtin_fmaf(x, y, z); }

inline unsigned int __umulhi(unsigned int x, unsigned int y) {
    return static_cast<unsigned int>((static_cast<uint64_t>(x) * y) >> 32);
}
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
    return static_cast<unsigned long long>((static_cast<unsigned __int128>(x) * y) >> 64);
}
inline int __popc(unsigned int x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned int>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
