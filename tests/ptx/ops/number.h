// Numbers of any format, exact: for conversions that are too rare to have code of their own.
#pragma once

#include <cstdint>

#include "../text/types.h"
#include "arithmetic.h"

// (-1)^negative * magnitude * 2^exponent.
struct Number {
    enum Kind : uint8_t { finite, infinite, nan } kind = finite;
    bool negative = false;
    uint64_t magnitude = 0;
    int exponent = 0;
};

// How a floating-point format is laid out.
struct Format {
    int fraction, bits, bias;  // of the fraction; all; of the exponent
    uint64_t most, infinity,
        none;  // patterns: the greatest finite number, infinity (0: there is none), the NaN
};
// The formats of f16, bf16, tf32, f32 and f64.
const Format &format_of(Type type);
extern const Format E4M3, E5M2, E2M3, E3M2, E2M1;

enum class ToInteger : uint8_t { nearest, zero, down, up };
enum class Narrow : uint8_t {
    nearest,
    zero,
    down,
    up,
    away
};  // away: to the nearest, ties away from zero

Number decode_number(uint64_t bits, const Format &format);
Number decode_integer_number(uint64_t bits, Type type);
// `clamps`: what exceeds the format becomes its greatest finite number.
uint64_t encode_number(const Number &number, const Format &format, Narrow rounding, bool clamps);
Number rounded_to_integer(Number number, ToInteger rounding);
// Encodes a whole number, clamped to the type.
uint64_t encode_integer(const Number &number, Type type);
