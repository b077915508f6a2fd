// Rounding of exact numbers, of 113 bits, in all ways: what floating-point instructions are compared
// with.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

using Exact = __float128;

enum class Way { nearest, zero, down, up, away };

inline Exact power_of_two(int exponent) {
    return std::bit_cast<Exact>((unsigned __int128)(exponent + 16383) << 112);
}

// The whole number next to x in the given way, |x| < 2^112.  `beside`: the number lies so little above
// (1) or below (-1) x that 113 bits do not show it.
inline Exact whole(Exact x, Way way, int beside) {
    const bool negative = std::signbit((double)x);
    const Exact magnitude = negative ? -x : x;
    const int away = negative ? -beside : beside;
    unsigned __int128 below = (unsigned __int128)magnitude;
    const Exact rest = magnitude - (Exact)below;
    const bool just_below = rest == 0 && away < 0;
    if (just_below) --below;
    const bool inexact = rest != 0 || away != 0;
    const int half = just_below || rest > (Exact)0.5 ? 1 : rest < (Exact)0.5 ? -1 : away;
    bool more = false;
    switch (way) {
        case Way::nearest:
            more = half > 0 || (half == 0 && (below & 1));
            break;
        case Way::away:
            more = half >= 0;
            break;
        case Way::zero:
            break;
        case Way::down:
            more = inexact && negative;
            break;
        case Way::up:
            more = inexact && !negative;
            break;
    }
    const Exact result = (Exact)(below + (more ? 1 : 0));
    return negative ? -result : result;
}

// x in a format of `digits` bits whose least normal number is 2^least and whose numbers are at most
// `most`; what is beyond is infinite (or `most`, as the way of rounding wants).
inline double rounded(Exact x, int digits, int least, double most, Way way, int beside = 0) {
    if (x != x || x == 0 || x - x != 0) return (double)x;
    const unsigned __int128 bits = std::bit_cast<unsigned __int128>(x);
    // 2^exponent <= |x| < 2^(exponent + 1)
    int exponent = (int)(bits >> 112 & 0x7fff) - 16383;
    if (bits << 16 == 0 && beside != 0 && (beside < 0) == (x > 0)) --exponent;
    const int ulp = std::max(exponent, least) - (digits - 1);
    const Exact result = whole(x * power_of_two(-ulp), way, beside) * power_of_two(ulp);
    const Exact magnitude = result < 0 ? -result : result;
    if (magnitude <= most) return (double)result;
    const bool cut = way == Way::zero || (way == Way::down && x > 0) || (way == Way::up && x < 0);
    return std::copysign(cut ? most : INFINITY, (double)(x < 0 ? -1 : 1));
}

inline float to_f32(Exact x, Way way = Way::nearest, int beside = 0) {
    return (float)rounded(x, 24, -126, std::numeric_limits<float>::max(), way, beside);
}
inline double to_f64(Exact x, Way way = Way::nearest, int beside = 0) {
    return rounded(x, 53, -1022, std::numeric_limits<double>::max(), way, beside);
}

// Bits of f16 and bf16, and their values, by the definition of the formats.
inline double value_of(uint16_t bits, int fraction, int bias) {
    const int exponent = (bits & 0x7fff) >> fraction, most = (0x8000 >> fraction) - 1;
    const double digits = bits & ((1 << fraction) - 1), unit = std::ldexp(1.0, -fraction);
    const double magnitude = exponent == most ? digits == 0 ? INFINITY : NAN
                             : exponent == 0  ? std::ldexp(digits * unit, 1 - bias)
                                              : std::ldexp(1 + digits * unit, exponent - bias);
    return bits & 0x8000 ? -magnitude : magnitude;
}
inline double f16_value(uint16_t bits) { return value_of(bits, 10, 15); }
inline double bf16_value(uint16_t bits) { return value_of(bits, 7, 127); }
// The bits of a number that the format has.
inline uint16_t bits_in(double x, int fraction, int bias) {
    if (x != x) return 0x7fff;
    const int sign = std::signbit(x) ? 0x8000 : 0, most = (0x8000 >> fraction) - 1;
    const double magnitude = std::fabs(x);
    if (std::isinf(x)) return (uint16_t)(sign | most << fraction);
    int exponent = 0;
    if (magnitude != 0) exponent = std::ilogb(magnitude);
    if (magnitude == 0 || exponent < 1 - bias)
        return (uint16_t)(sign | (int)std::ldexp(magnitude, bias - 1 + fraction));
    return (uint16_t)(sign | (exponent + bias) << fraction |
                      ((int)std::ldexp(magnitude, fraction - exponent) & ((1 << fraction) - 1)));
}
inline uint16_t to_f16_bits(Exact x, Way way = Way::nearest, int beside = 0) {
    return bits_in(rounded(x, 11, -14, 65504, way, beside), 10, 15);
}
inline uint16_t to_bf16_bits(Exact x, Way way = Way::nearest, int beside = 0) {
    return bits_in(rounded(x, 8, -126, 0x1.fep127, way, beside), 7, 127);
}
