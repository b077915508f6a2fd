// Formats of floating-point numbers: f16, bf16 and f32, and how PTX treats what they have of special
// values. All of it is written so that loops over lanes vectorize.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

constexpr uint16_t HALF_NAN = 0x7fff;  // of f16 and of bf16

inline uint32_t bits_of(float x) { return std::bit_cast<uint32_t>(x); }
inline uint64_t bits_of(double x) { return std::bit_cast<uint64_t>(x); }
inline float float_of(uint32_t bits) { return std::bit_cast<float>(bits); }
inline double double_of(uint64_t bits) { return std::bit_cast<double>(bits); }

// The one not-a-number that single precision results in.
inline float canonical(float x) { return x == x ? x : float_of(0x7fffffff); }
// Subnormal numbers become zeros of their sign.
inline float flushed(float x) {
    const uint32_t bits = bits_of(x);
    return float_of((bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits);
}
// Clamped to [0, 1]; not-a-numbers and -0 become +0.
template <class T>
T saturated(T x) {
    return x > 0 ? x < 1 ? x : T(1) : T(0);
}

inline float from_half(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
    // Moves the exponent from a bias of 15 to 127; subnormal numbers become normal ones.
    const uint32_t finite = bits_of(float_of(magnitude << 13) * 0x1p112f);
    const uint32_t special = magnitude == 0x7c00 ? 0x7f800000 : 0x7fffffff;
    return float_of(magnitude < 0x7c00    ? finite | sign
                    : magnitude == 0x7c00 ? special | sign
                                          : special);
}

// To the nearest, ties to even.
inline uint16_t to_half(float x) {
    const uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    const uint32_t normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - (112u << 23)) >> 13;
    // One half has the ulp of subnormal numbers: the sum rounds them.
    const uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - bits_of(0.5f);
    const uint32_t finite = magnitude < 0x38800000   ? subnormal
                            : magnitude < 0x47800000 ? normal
                                                     : 0x7c00;
    return magnitude > 0x7f800000 ? HALF_NAN : sign | finite;
}

inline float from_bfloat(uint16_t bfloat) { return canonical(float_of((uint32_t)bfloat << 16)); }

inline uint16_t to_bfloat(float x) {
    const uint32_t bits = bits_of(x);
    const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return (bits & 0x7fffffff) > 0x7f800000 ? HALF_NAN : rounded;
}

// e4m3 and e5m2, to the nearest; what is beyond their numbers becomes the greatest one.
template <int fraction, int bias, uint32_t most>
uint8_t to_eight_bits(float x) {
    constexpr int dropped = 23 - fraction;
    constexpr uint32_t least_normal = (uint32_t)(128 - bias) << 23;
    const uint32_t bits = bits_of(x), sign = bits >> 24 & 0x80, magnitude = bits & 0x7fffffff;
    const uint32_t rounded = magnitude + ((1u << (dropped - 1)) - 1) + (magnitude >> dropped & 1);
    const uint32_t normal = (rounded - ((uint32_t)(127 - bias) << 23)) >> dropped;
    // A number with the ulp of subnormal numbers: the sum rounds them.
    constexpr uint32_t unit = (uint32_t)(128 - bias + 23 - fraction) << 23;
    const uint32_t subnormal = bits_of(float_of(magnitude) + float_of(unit)) - unit;
    const uint32_t finite = magnitude < least_normal ? subnormal : normal;
    return magnitude > 0x7f800000 ? 0x7f : sign | (finite < most ? finite : most);
}
inline uint8_t to_e4m3(float x) { return to_eight_bits<3, 7, 0x7e>(x); }
inline uint8_t to_e5m2(float x) { return to_eight_bits<2, 15, 0x7b>(x); }
inline float from_e4m3(uint8_t x) {
    const float finite = from_half((uint16_t)((x & 0x80) << 8 | (x & 0x7f) << 7)) * 256;
    return (x & 0x7f) == 0x7f ? float_of(0x7fffffff) : finite;
}
inline float from_e5m2(uint8_t x) { return from_half((uint16_t)(x << 8)); }

// A sum rounded to odd: exact, or the neighbour whose last bit is set.  Rounded once more, to a format
// that is at least two bits shorter, it gives what one rounding of the exact sum would.
inline float odd_sum(float a, float b) {
    const float sum = a + b, part = sum - a;
    const float error = (a - (sum - part)) + (b - part);
    const uint32_t bits = bits_of(sum);
    // Away from zero if the rest has the sum's sign.
    const uint32_t step = ((bits_of(error) ^ bits) & 0x80000000) == 0 ? 1 : ~0u;
    const bool move = error != 0 && (bits & 1) == 0 && std::isfinite(sum);
    return float_of(move ? bits + step : bits);
}
inline double odd_sum(double a, double b) {
    const double sum = a + b, part = sum - a;
    const double error = (a - (sum - part)) + (b - part);
    const uint64_t bits = bits_of(sum);
    const uint64_t step = ((bits_of(error) ^ bits) >> 63) == 0 ? 1 : ~0ull;
    const bool move = error != 0 && (bits & 1) == 0 && std::isfinite(sum);
    return double_of(move ? bits + step : bits);
}
// To single precision, rounded to odd.
inline float odd_float(double x) {
    const float near = (float)x;
    const uint32_t bits = bits_of(near);
    const uint32_t step = std::fabs((double)near) < std::fabs(x) ? 1 : ~0u;
    const bool move = (double)near != x && (bits & 1) == 0 && x == x;
    return float_of(move ? bits + step : bits);
}

// The two 16-bit formats, for templates.
struct F16 {
    static float wide(uint16_t x) { return from_half(x); }
    static uint16_t narrow(float x) { return to_half(x); }
    static uint16_t narrow(double x) { return to_half(odd_float(x)); }
    static constexpr uint16_t infinity = 0x7c00, one = 0x3c00;
    // The product of two numbers fits into single precision.
    static uint16_t mul(uint16_t a, uint16_t b) { return to_half(wide(a) * wide(b)); }
    static uint16_t fma(uint16_t a, uint16_t b, uint16_t c) {
        return to_half(odd_sum(wide(a) * wide(b), wide(c)));
    }
};
struct BF16 {
    static float wide(uint16_t x) { return from_bfloat(x); }
    static uint16_t narrow(float x) { return to_bfloat(x); }
    static uint16_t narrow(double x) { return to_bfloat(odd_float(x)); }
    static constexpr uint16_t infinity = 0x7f80, one = 0x3f80;
    static uint16_t mul(uint16_t a, uint16_t b) { return narrow((double)wide(a) * wide(b)); }
    static uint16_t fma(uint16_t a, uint16_t b, uint16_t c) {
        return narrow(odd_sum((double)wide(a) * wide(b), (double)wide(c)));
    }
};
