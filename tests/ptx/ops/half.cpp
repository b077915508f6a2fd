// Arithmetic of f16 and bf16, alone and in pairs: each result is rounded once.
#pragma GCC optimize("no-trapping-math")  // so that loops with conditions vectorize
#include "arithmetic.h"

namespace {

// Flags beside FTZ and SAT.
enum : int { RELU = 4, NAN_WINS = 2, MAX = 8, ABS = 16 };

template <class Format>
bool is_nan(uint16_t x) {
    return (x & 0x7fff) > Format::infinity;
}
template <class Format, int flags>
uint16_t in(uint16_t x) {
    return flags & FTZ && (x & Format::infinity) == 0 ? x & 0x8000 : x;
}
template <class Format, int flags>
uint16_t out(uint16_t x) {
    x = in<Format, flags>(x);
    if (flags & SAT) x = is_nan<Format>(x) || x & 0x8000 ? 0 : x > Format::one ? Format::one : x;
    if (flags & RELU) x = !is_nan<Format>(x) && x & 0x8000 ? 0 : x;
    return x;
}

struct Add {
    template <class Format, int flags>
    static uint16_t of(uint16_t a, uint16_t b) {
        a = in<Format, flags>(a), b = in<Format, flags>(b);
        return out<Format, flags>(Format::narrow(Format::wide(a) + Format::wide(b)));
    }
};
struct Sub {
    template <class Format, int flags>
    static uint16_t of(uint16_t a, uint16_t b) {
        a = in<Format, flags>(a), b = in<Format, flags>(b);
        return out<Format, flags>(Format::narrow(Format::wide(a) - Format::wide(b)));
    }
};
struct Mul {
    template <class Format, int flags>
    static uint16_t of(uint16_t a, uint16_t b) {
        a = in<Format, flags>(a), b = in<Format, flags>(b);
        return out<Format, flags>(Format::mul(a, b));
    }
};
struct Fma {
    template <class Format, int flags>
    static uint16_t of(uint16_t a, uint16_t b, uint16_t c) {
        a = in<Format, flags>(a), b = in<Format, flags>(b), c = in<Format, flags>(c);
        return out<Format, flags>(Format::fma(a, b, c));
    }
};

template <int flags, class Format = F16>
uint16_t absolute(uint16_t a) {
    return in<Format, flags>(a) & 0x7fff;
}
template <int flags, class Format = F16>
uint16_t negative(uint16_t a) {
    return in<Format, flags>(a) ^ 0x8000;
}

// Bits in the order of the numbers' values, -0 before +0.
int16_t rank(uint16_t x) { return x & 0x8000 ? x ^ 0x7fff : x; }

template <class Format, int flags>
uint16_t extreme(uint16_t a, uint16_t b) {
    a = in<Format, flags>(a), b = in<Format, flags>(b);
    const uint16_t chosen = (rank(a) < rank(b)) != ((flags & MAX) != 0) ? a : b;
    const bool no_a = is_nan<Format>(a), no_b = is_nan<Format>(b);
    const uint16_t number = no_a ? b : no_b ? a : chosen;
    return (flags & NAN_WINS ? no_a | no_b : no_a & no_b) ? HALF_NAN : number;
}
template <class Format, int flags>
uint16_t extreme_magnitude(uint16_t a, uint16_t b) {
    const uint16_t magnitude = extreme<Format, flags>(a & 0x7fff, b & 0x7fff);
    return is_nan<Format>(magnitude) ? magnitude : magnitude | ((a ^ b) & 0x8000);
}
template <class Format, int flags>
uint16_t extreme_of_three(uint16_t a, uint16_t b, uint16_t c) {
    if (flags & ABS) a &= 0x7fff, b &= 0x7fff, c &= 0x7fff;
    return extreme<Format, flags>(extreme<Format, flags>(a, b), c);
}

bool is_pair(Type type) { return bits_of(type) == 32; }
bool is_bfloat(Type type) { return type == Type::bf16 || type == Type::bf16x2; }

template <auto F>
Handler one_or_two(Type type) {
    return is_pair(type) ? each_half<F> : each<F>;
}

// Takes .rn and the flags of `allowed` for f16, those of `bfloat_allowed` for bf16, and all operands.
template <class Op>
void decode_rounded(Decoding &d, Type type, int sources, int allowed, int bfloat_allowed) {
    if (d.take("oob")) d.refuse(".oob");
    const bool says = d.take("rn");
    if (sources == 3 && !says) d.refuse("a rounding mode is missing");
    if (is_bfloat(type)) allowed = bfloat_allowed;
    const int flags = (allowed & FTZ && d.take("ftz") ? FTZ : 0) |
                      (allowed & SAT && d.take("sat") ? SAT : 0) |
                      (allowed & RELU && d.take("relu") ? RELU : 0);
    d.write(d.operand(0), type);
    for (int i = 1; i <= sources; ++i) d.read(d.operand(i), type);
    if ((int)d.operands() != sources + 1) d.refuse("has another number of operands");
    if (is_bfloat(type))
        d.insn.run = flags ? one_or_two<Op::template of<BF16, RELU>>(type)
                           : one_or_two<Op::template of<BF16, 0>>(type);
    else
        d.insn.run =
            for_flags<7>(flags, [&](auto f) { return one_or_two<Op::template of<F16, f>>(type); });
}

template <class Format>
Handler extreme_handler(Type type, int flags, bool three, bool sign) {
    if (three)
        return for_flags<31>(flags,
                             [&](auto f) { return one_or_two<extreme_of_three<Format, f>>(type); });
    return for_flags<15>(flags, [&](auto f) {
        return sign ? one_or_two<extreme_magnitude<Format, f>>(type)
                    : one_or_two<extreme<Format, f>>(type);
    });
}

void decode_extreme(Decoding &d, Type type, bool max) {
    const bool three = d.operands() == 4, sign = !three && d.take("xorsign");
    int flags = (max ? MAX : 0) | (d.take("NaN") ? NAN_WINS : 0);
    if (!is_bfloat(type) && d.take("ftz")) flags |= FTZ;
    const bool abs = d.take("abs");
    if (sign && !abs) d.refuse(".xorsign without .abs");
    if (abs && !sign && !three) d.refuse(".abs without .xorsign");
    if (three && abs) flags |= ABS;
    if (three)
        operands(d, type, {type, type, type});
    else
        operands(d, type, {type, type});
    d.insn.run = is_bfloat(type) ? extreme_handler<BF16>(type, flags, three, sign)
                                 : extreme_handler<F16>(type, flags, three, sign);
}

void decode_sign(Decoding &d, Type type, bool abs) {
    operands(d, type, {type});
    const bool ftz = !is_bfloat(type) && d.take("ftz");
    d.insn.run = abs   ? ftz ? one_or_two<absolute<FTZ>>(type) : one_or_two<absolute<0>>(type)
                   : ftz ? one_or_two<negative<FTZ>>(type)
                       : one_or_two<negative<0>>(type);
}

}  // namespace

void decode_half(Decoding &d, Type type) {
    const std::string &opcode = d.statement.opcode;
    const int elements = is_pair(type) ? 2 : 1;
    classify(d, Class::half, Unit::fp16, elements);
    if (opcode == "fma") {
        d.insn.flops = 2 * elements;
        return decode_rounded<Fma>(d, type, 3, FTZ | SAT | RELU, RELU);
    }
    if (opcode == "add") return decode_rounded<Add>(d, type, 2, FTZ | SAT, 0);
    if (opcode == "sub") return decode_rounded<Sub>(d, type, 2, FTZ | SAT, 0);
    if (opcode == "mul") return decode_rounded<Mul>(d, type, 2, FTZ | SAT, 0);
    if (decode_approximate(d, type)) return;
    d.insn.flops = 0;
    if (opcode == "min" || opcode == "max") return decode_extreme(d, type, opcode == "max");
    if (opcode == "abs" || opcode == "neg") return decode_sign(d, type, opcode == "abs");
    d.refuse("has no such type");
}
