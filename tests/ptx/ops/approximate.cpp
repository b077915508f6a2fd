// Approximate functions.  The default seed gives the nearest value; others move it, always in the same
// way for the same argument, by as much as the documented error leaves beside the rounding.
#pragma GCC optimize("no-trapping-math")  // so that loops with conditions vectorize
#include "../machine/random.h"
#include "arithmetic.h"

namespace {

// In [-1, 1], from the seed and the value.
double drawn(double exact) {
    static const uint64_t seed = ptx_seed() * 0x9E3779B97F4A7C15ull;
    uint64_t z = bits_of(exact) ^ seed;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (double)(int64_t)(z ^ z >> 31) * 0x1p-63;
}
template <bool moved>
double moved_relatively(double exact, double by) {
    return moved ? exact * (1 + by * drawn(exact)) : exact;
}
template <bool moved>
double moved_by(double exact, double by) {
    return moved && exact != 0 && std::isfinite(exact) ? exact + by * drawn(exact) : exact;
}

// ---- functions in double precision, that vectorize ----

// first * x^n + ... + the last of the terms.
template <class... T>
double polynomial(double x, double first, T... terms) {
    ((first = __builtin_fma(first, x, terms)), ...);
    return first;
}

double exp2_of(double x) {
    const double clamped = x < -300 ? -300 : x > 300 ? 300 : x;
    const double shifter = 0x1.8p52, shifted = clamped + shifter;  // the whole part in the last bits
    const double f = (clamped - (shifted - shifter)) * 0x1.62e42fefa39efp-1;
    // The series of exp, |f| <= 0.347.
    const double sum =
        polynomial(f, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
                   1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0);
    const double power = double_of(bits_of(sum) + (bits_of(shifted) << 52));
    return x == x ? power : x;
}

// x is positive and normal.
double log2_of_normal(double x) {
    const uint64_t bits = bits_of(x), above = bits - bits_of(0x1.6a09e667f3bcdp-1);
    const int64_t exponent = (int64_t)above >> 52;  // x / 2^exponent lies in [sqrt(1/2), sqrt(2))
    const double m = double_of(bits - ((uint64_t)exponent << 52));
    const double s = (m - 1) / (m + 1), s2 = s * s;
    const double sum = polynomial(s2, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11,
                                  1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1.0);
    return __builtin_fma(2 * s * sum, 0x1.71547652b82fep0, (double)exponent);
}
double log2_of(double x) {
    const double log = log2_of_normal(x > 0 && x < INFINITY ? x : 1);
    return x > 0 ? x < INFINITY ? log : x : x == 0 ? -INFINITY : NAN;
}

// ---- instructions of single precision; their documented errors are in the comments ----

struct Rcp {  // 1 ulp
    template <bool moved>
    static double of(double a) {
        return moved_relatively<moved>(1 / a, 0x1p-25);
    }
};
struct Sqrt {  // 2^-23 of the result
    template <bool moved>
    static double of(double a) {
        return moved_relatively<moved>(__builtin_sqrt(a), 0x1p-24);
    }
};
struct Rsqrt {  // 2^-22.9 of the result
    template <bool moved>
    static double of(double a) {
        return moved_relatively<moved>(1 / __builtin_sqrt(a), 0x1p-24);
    }
};
struct Ex2 {  // 2^-22 of the result
    template <bool moved>
    static double of(double a) {
        return moved_relatively<moved>(exp2_of(a), 0x1.8p-23);
    }
};
struct Lg2 {  // 2^-22 within (0.5, 2), 2^-22 of the result elsewhere
    template <bool moved>
    static double of(double a) {
        const double exact = log2_of(a);
        return a > 0.5 && a < 2 ? moved_by<moved>(exact, 0x1.8p-23)
                                : moved_relatively<moved>(exact, 0x1.8p-23);
    }
};
struct Sin {  // 2^-20.5 within [-pi, pi]
    template <bool moved>
    static double of(double a) {
        return moved_by<moved>(std::sin(a), 0x1p-21);
    }
};
struct Cos {
    template <bool moved>
    static double of(double a) {
        return moved_by<moved>(std::cos(a), 0x1p-21);
    }
};
struct Tanh {  // 2^-11 of the result
    template <bool moved>
    static double of(double a) {
        return moved_relatively<moved>(std::tanh(a), 0x1.ffp-12);
    }
};

template <class F, int flags, bool moved>
float unary(float a) {
    return result<flags>((float)F::template of<moved>(operand<flags>(a)));
}

template <class F>
void decode_unary(Decoding &d, bool may_flush = true) {
    d.insn.cls = Class::special;
    operands(d, Type::f32, {Type::f32});
    const bool ftz = may_flush && d.take("ftz");
    if (ptx_seed() == 0)
        d.insn.run = ftz ? each<unary<F, FTZ, false>> : each<unary<F, 0, false>>;
    else
        d.insn.run = ftz ? each<unary<F, FTZ, true>> : each<unary<F, 0, true>>;
}

// 2 ulp.  Without .full, huge divisors have no reciprocal.
template <int flags, bool moved, bool full>
float divide(float a, float b) {
    a = operand<flags>(a), b = operand<flags>(b);
    const float quotient = result<flags>((float)moved_relatively<moved>((double)a / b, 0x1.8p-24));
    const bool huge = std::fabs(b) > 0x1p126f && std::fabs(b) < INFINITY;
    return !full && huge && a == a ? result<flags>(a * 0.0f) : quotient;
}

void decode_div(Decoding &d, bool full) {
    d.insn.cls = Class::special;
    operands(d, Type::f32, {Type::f32, Type::f32});
    const bool moved = ptx_seed() != 0;
    d.insn.run = for_flags<FTZ>(d.take("ftz") ? FTZ : 0, [&](auto f) {
        return full    ? moved ? each<divide<f, true, true>> : each<divide<f, false, true>>
                  : moved ? each<divide<f, true, false>>
                       : each<divide<f, false, false>>;
    });
}

// ---- double precision ----

// Double precision is approximated from the upper halves of numbers, which have 20 bits of the
// fraction.
double upper(double x) {
    const uint64_t bits = bits_of(x), exponent = bits >> 52 & 0x7ff;
    if (exponent == 0) return double_of(bits & 1ull << 63);
    if (exponent == 0x7ff) return x;
    return double_of((bits + (1ull << 31)) & ~0xffffffffull);
}
double cut(double x) {
    const uint64_t bits = bits_of(x) & (x == x ? ~0xffffffffull : ~0ull);
    return double_of((bits >> 52 & 0x7ff) == 0 ? bits & 1ull << 63 : bits);
}
double gross_rcp(double a) { return upper(1 / cut(a)); }
double gross_rsqrt(double a) { return upper(1 / __builtin_sqrt(cut(a))); }
double rsqrt(double a) { return 1 / __builtin_sqrt(a); }

bool decode_double(Decoding &d, const std::string &opcode) {
    if (opcode != "rcp" && opcode != "rsqrt") d.refuse("has no such form");
    operands(d, Type::f64, {Type::f64});
    const bool ftz = d.take("ftz");
    if (opcode == "rcp" && !ftz) d.refuse("has no such form");
    d.insn.run = opcode == "rcp" ? each<gross_rcp> : ftz ? each<gross_rsqrt> : each<rsqrt>;
    return true;
}

// ---- 16 bits ----

// The documented errors less the rounding of the result: 2^-9.9 and 2^-7 of ex2, 2^-10.987 and 2^-8 of
// tanh (which leaves nothing).
template <class F, class Format, bool moved>
uint16_t unary_half(uint16_t a) {
    constexpr bool is_half = std::is_same_v<Format, F16>, is_ex2 = std::is_same_v<F, Ex2>;
    constexpr double error = is_ex2 ? is_half ? 0x1p-11 : 0x1p-8 : is_half ? 0x1p-18 : 0;
    const double exact = F::template of<false>(Format::wide(a));
    // Rounding takes more of subnormal numbers.
    const double least = is_half ? 0x1p-14 : 0x1p-126, most = is_half ? 65504.0 : 0x1.fep127;
    const bool may_move = moved && std::fabs(exact) >= least && std::fabs(exact) < most;
    return Format::narrow(may_move ? moved_relatively<moved>(exact, error) : exact);
}
// Subnormal bf16 numbers count as zero; the result of ex2 may be subnormal.
template <bool moved>
uint16_t ex2_bfloat_ftz(uint16_t a) {
    const uint16_t flat = (a & 0x7f80) == 0 ? a & 0x8000 : a;
    const uint16_t power = unary_half<Ex2, BF16, moved>(flat);
    return (power & 0x7f80) == 0 ? power & 0x8000 : power;
}

template <auto F>
Handler one_or_two(bool pair) {
    return pair ? each_half<F> : each<F>;
}

template <class F>
Handler half_handler(bool bfloat, bool pair) {
    if (ptx_seed() == 0)
        return bfloat ? one_or_two<unary_half<F, BF16, false>>(pair)
                      : one_or_two<unary_half<F, F16, false>>(pair);
    return bfloat ? one_or_two<unary_half<F, BF16, true>>(pair)
                  : one_or_two<unary_half<F, F16, true>>(pair);
}

}  // namespace

bool decode_approximate(Decoding &d, Type type) {
    const std::string &opcode = d.statement.opcode;
    if (opcode == "div" && d.take("full")) {
        if (type != Type::f32) d.refuse("has no such type");
        decode_div(d, true);
        return true;
    }
    if (!d.take("approx")) return false;
    const bool bfloat = type == Type::bf16 || type == Type::bf16x2, pair = bits_of(type) == 32;
    if (bfloat || type == Type::f16 || type == Type::f16x2) {
        d.insn.cls = Class::special;
        operands(d, type, {type});
        if (opcode == "tanh") {
            d.insn.run = half_handler<Tanh>(bfloat, pair);
        } else if (opcode == "ex2") {
            d.insn.run = half_handler<Ex2>(bfloat, pair);
            if (bfloat && !d.take("ftz")) d.refuse(".ftz is missing");
            if (bfloat)
                d.insn.run = ptx_seed() == 0 ? one_or_two<ex2_bfloat_ftz<false>>(pair)
                                             : one_or_two<ex2_bfloat_ftz<true>>(pair);
        } else {
            d.refuse("has no such type");
        }
        return true;
    }
    if (type == Type::f64) return decode_double(d, opcode);
    if (type != Type::f32) d.refuse("has no such type");
    if (opcode == "rcp")
        decode_unary<Rcp>(d);
    else if (opcode == "sqrt")
        decode_unary<Sqrt>(d);
    else if (opcode == "rsqrt")
        decode_unary<Rsqrt>(d);
    else if (opcode == "ex2")
        decode_unary<Ex2>(d);
    else if (opcode == "lg2")
        decode_unary<Lg2>(d);
    else if (opcode == "sin")
        decode_unary<Sin>(d);
    else if (opcode == "cos")
        decode_unary<Cos>(d);
    else if (opcode == "tanh")
        decode_unary<Tanh>(d, false);
    else if (opcode == "div")
        decode_div(d, false);
    else
        d.refuse("has no approximate form");
    return true;
}
