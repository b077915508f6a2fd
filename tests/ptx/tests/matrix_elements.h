// The elements of matrices that tests of mma and wgmma multiply: formats by their definitions, and
// random values.
#pragma once

#include <cmath>
#include <cstring>

#include "gpu.h"

enum Format { f16, bf16, tf32, e4m3, e5m2, f64, s8, u8, s4, u4, b1, f32, s32 };

inline int bits_of(Format f) {
    switch (f) {
        case f16:
        case bf16:
            return 16;
        case tf32:
        case f32:
        case s32:
            return 32;
        case f64:
            return 64;
        case s4:
        case u4:
            return 4;
        case b1:
            return 1;
        default:
            return 8;
    }
}

inline double small_float(uint64_t bits, int exponent_bits, int mantissa_bits) {
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const int exponent = bits >> mantissa_bits & ((1 << exponent_bits) - 1);
    const double mantissa = bits & ((1ull << mantissa_bits) - 1), one = 1ull << mantissa_bits;
    const double magnitude = exponent == 0 ? std::ldexp(mantissa / one, 1 - bias)
                                           : std::ldexp(1 + mantissa / one, exponent - bias);
    return bits >> (exponent_bits + mantissa_bits) & 1 ? -magnitude : magnitude;
}

inline double value_of(Format f, uint64_t bits) {
    switch (f) {
        case f16:
            return small_float(bits, 5, 10);
        case bf16:
            return small_float(bits, 8, 7);
        case tf32:
            return small_float(bits >> 13 & 0x7ffff, 8, 10);
        case f32:
            return small_float(bits, 8, 23);
        case e4m3:
            return small_float(bits, 4, 3);
        case e5m2:
            return small_float(bits, 5, 2);
        case f64: {
            double x;
            std::memcpy(&x, &bits, 8);
            return x;
        }
        case s8:
            return (int8_t)bits;
        case s4:
            return (int)(bits & 7) - (int)(bits & 8);
        case s32:
            return (int32_t)bits;
        default:
            return bits;
    }
}

// A finite number of moderate size: exponents near 1, so that sums cancel and round; of 32-bit integers
// a third is close to the limits, so that sums overflow.
inline uint64_t random_bits(Format f, uint32_t seed) {
    const uint64_t r = (uint64_t)hash(~seed) << 32 | hash(seed);
    switch (f) {
        case f16:
            return (r & 0x83ff) | (12 + r / 65536 % 6) << 10;
        case bf16:
            return (r & 0x807f) | (124 + r / 65536 % 6) << 7;
        case tf32:
        case f32:
            return (r & 0x807fffff) | (124 + (r >> 32) % 6) << 23;
        case e4m3:
            return (r & 0x87) | (r >> 8) % 10 << 3;
        case e5m2:
            return (r & 0x83) | (r >> 8) % 18 << 2;
        case f64:
            return (r & 0x800fffffffffffffull) | (1020 + (uint64_t)hash((uint32_t)r) % 6) << 52;
        case s32:
            return (uint32_t)(r % 3 == 0 ? 0x7ffffff8 + (r >> 32) % 16 : r);
        default:
            return r & ((1ull << bits_of(f)) - 1);
    }
}

// Seed 0 rounds to the nearest; others move roundings within the documented error.
inline bool default_rounding() {
    const char *seed = std::getenv("KAIROS_PTX_SEED");
    return seed == nullptr || std::atoi(seed) == 0;
}
