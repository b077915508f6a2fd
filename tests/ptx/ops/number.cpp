// Numbers of any format, exact.
#include "number.h"

#include <bit>

namespace {

const Format F16_FORMAT{10, 16, 15, 0x7bff, 0x7c00, 0x7fff};
const Format BF16_FORMAT{7, 16, 127, 0x7f7f, 0x7f80, 0x7fff};
const Format F32_FORMAT{23, 32, 127, 0x7f7fffff, 0x7f800000, 0x7fffffff};
const Format F64_FORMAT{52, 64, 1023, 0x7fefffffffffffff, 0x7ff0000000000000, 0x7fffffffe0000000};
// In 19 of 32 bits: the others are added by conversions.
const Format TF32_FORMAT{10, 19, 127, 0x7f7fffff >> 13, 0x7f800000 >> 13, 0x7fffffff >> 13};

// magnitude / 2^shift, to a whole number.
uint64_t shifted(uint64_t magnitude, int shift, Narrow rounding, bool negative) {
    if (shift <= 0) return magnitude << -shift;
    const uint64_t whole = shift < 64 ? magnitude >> shift : 0;
    const uint64_t rest = shift < 64 ? magnitude & ((1ull << shift) - 1) : magnitude;
    const uint64_t half = shift <= 64 ? 1ull << (shift - 1) : 0;  // 0: beyond all magnitudes
    const bool over = half != 0 && rest > half, tie = half != 0 && rest == half;
    switch (rounding) {
        case Narrow::nearest:
            return whole + (over || (tie && (whole & 1)));
        case Narrow::away:
            return whole + (over || tie);
        case Narrow::zero:
            return whole;
        case Narrow::down:
            return whole + (rest != 0 && negative);
        case Narrow::up:
            return whole + (rest != 0 && !negative);
    }
    return whole;
}

}  // namespace

// E4M3 has a NaN and no infinity.  The last three have neither: a NaN becomes the greatest number.
const Format E4M3{3, 8, 7, 0x7e, 0, 0x7f};
const Format E5M2{2, 8, 15, 0x7b, 0x7c, 0x7f};
const Format E2M3{3, 6, 1, 0x1f, 0, 0x1f};
const Format E3M2{2, 6, 3, 0x1f, 0, 0x1f};
const Format E2M1{1, 4, 1, 0x7, 0, 0x7};

const Format &format_of(Type type) {
    switch (type) {
        case Type::f16:
            return F16_FORMAT;
        case Type::bf16:
            return BF16_FORMAT;
        case Type::tf32:
            return TF32_FORMAT;
        case Type::f32:
            return F32_FORMAT;
        default:
            return F64_FORMAT;
    }
}

Number decode_number(uint64_t bits, const Format &format) {
    Number n;
    n.negative = bits >> (format.bits - 1) & 1;
    const uint64_t rest = bits & ((1ull << (format.bits - 1)) - 1);
    if (format.infinity != 0 && rest >= format.infinity) {
        n.kind = rest == format.infinity ? Number::infinite : Number::nan;
        return n;
    }
    if (rest > format.most) {
        n.kind = Number::nan;
        return n;
    }
    const int exponent = rest >> format.fraction;
    n.magnitude = rest & ((1ull << format.fraction) - 1);
    if (exponent != 0) n.magnitude |= 1ull << format.fraction;
    n.exponent = (exponent == 0 ? 1 : exponent) - format.bias - format.fraction;
    return n;
}

Number decode_integer_number(uint64_t bits, Type type) {
    const int unused = 64 - bits_of(type);
    Number n;
    if (is_signed(type)) {
        const int64_t value = (int64_t)(bits << unused) >> unused;
        n.negative = value < 0;
        n.magnitude = n.negative ? -(uint64_t)value : value;
    } else {
        n.magnitude = bits << unused >> unused;
    }
    return n;
}

uint64_t encode_number(const Number &number, const Format &format, Narrow rounding, bool clamps) {
    const uint64_t sign = (uint64_t)number.negative << (format.bits - 1);
    if (number.kind == Number::nan) return format.none;
    if (number.kind == Number::infinite) return sign | (clamps ? format.most : format.infinity);
    if (number.magnitude == 0) return sign;
    const int least = 1 - format.bias;
    const int exponent = 63 - std::countl_zero(number.magnitude) + number.exponent;
    const int kept = exponent > least ? exponent : least;
    const int shift = kept - format.fraction - number.exponent;
    if (exponent <= format.bias + 1) {
        // The hidden bit, if there is one, adds one to the exponent.
        const uint64_t whole = shifted(number.magnitude, shift, rounding, number.negative);
        const uint64_t bits = ((uint64_t)(kept - least) << format.fraction) + whole;
        if (bits <= format.most) return sign | bits;
    }
    const bool cut = rounding == Narrow::zero || (rounding == Narrow::down && !number.negative) ||
                     (rounding == Narrow::up && number.negative);
    return sign | (clamps || cut ? format.most : format.infinity);
}

Number rounded_to_integer(Number number, ToInteger rounding) {
    if (number.kind != Number::finite || number.exponent >= 0) return number;
    constexpr Narrow same[] = {Narrow::nearest, Narrow::zero, Narrow::down, Narrow::up};
    number.magnitude =
        shifted(number.magnitude, -number.exponent, same[(int)rounding], number.negative);
    number.exponent = 0;
    return number;
}

uint64_t encode_integer(const Number &number, Type type) {
    const int bits = bits_of(type);
    const uint64_t ones = ~0ull >> (64 - bits), sign = 1ull << (bits - 1);
    const uint64_t most = is_signed(type) ? ones >> 1 : ones;
    const uint64_t least = is_signed(type) ? sign : 0;  // its magnitude
    const int width = 64 - std::countl_zero(number.magnitude);
    const bool beyond = number.kind == Number::infinite || width + number.exponent > 64;
    const uint64_t magnitude = beyond ? ~0ull : number.magnitude << number.exponent;
    if (number.negative) return -(magnitude > least ? least : magnitude) & ones;
    return magnitude > most ? most : magnitude;
}
