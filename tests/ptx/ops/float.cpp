// Arithmetic in single and double precision, correctly rounded in all four ways.
#include "arithmetic.h"

namespace {

struct Add {
    template <class T, int flags>
    static T of(T a, T b) {
        return result<flags>(operand<flags>(a) + operand<flags>(b));
    }
};
struct Sub {
    template <class T, int flags>
    static T of(T a, T b) {
        return result<flags>(operand<flags>(a) - operand<flags>(b));
    }
};
struct Mul {
    template <class T, int flags>
    static T of(T a, T b) {
        return result<flags>(operand<flags>(a) * operand<flags>(b));
    }
};
struct Div {
    template <class T, int flags>
    static T of(T a, T b) {
        return result<flags>(operand<flags>(a) / operand<flags>(b));
    }
};
struct Fma {
    template <class T, int flags>
    static T of(T a, T b, T c) {
        a = operand<flags>(a), b = operand<flags>(b), c = operand<flags>(c);
        if constexpr (sizeof(T) == 4)
            return result<flags>(__builtin_fmaf(a, b, c));
        else
            return result<flags>(__builtin_fma(a, b, c));
    }
};
struct Rcp {
    template <class T, int flags>
    static T of(T a) {
        return result<flags>(1 / operand<flags>(a));
    }
};
struct Sqrt {
    template <class T, int flags>
    static T of(T a) {
        if constexpr (sizeof(T) == 4)
            return result<flags>(__builtin_sqrtf(operand<flags>(a)));
        else
            return result<flags>(__builtin_sqrt(operand<flags>(a)));
    }
};

// Two numbers of single precision in 64 bits.
template <auto F>
struct Twice;
template <class... A, float (*F)(A...)>
struct Twice<F> {
    static uint64_t of(std::conditional_t<true, uint64_t, A>... a) {
        const uint32_t low = bits_of(F(float_of((uint32_t)a)...));
        return low | (uint64_t)bits_of(F(float_of((uint32_t)(a >> 32))...)) << 32;
    }
};

template <auto F>
Handler rounded(bool directed) {
    return directed ? each_rounded<F> : each<F>;
}

// Takes .rnd, .ftz and .sat, and all operands.  `pairs`: there is a form for .f32x2.
template <class Op, bool pairs>
void decode_rounded(Decoding &d, Type type, int sources, bool must_say) {
    const RoundMode mode = take_rounding(d);
    if (must_say && mode == RoundMode::none) d.refuse("a rounding mode is missing");
    const bool directed = mode != RoundMode::none && mode != RoundMode::rn;
    d.insn.imm = (int64_t)mode;
    const int flags = type == Type::f64
                          ? 0
                          : (d.take("ftz") ? FTZ : 0) | (type == Type::f32 && d.take("sat") ? SAT : 0);
    d.write(d.operand(0), type);
    for (int i = 1; i <= sources; ++i) d.read(d.operand(i), type);
    if ((int)d.operands() != sources + 1) d.refuse("has another number of operands");
    if (type == Type::f64)
        d.insn.run = rounded<Op::template of<double, 0>>(directed);
    else if (type == Type::f32)
        d.insn.run = for_flags<FTZ | SAT>(
            flags, [&](auto f) { return rounded<Op::template of<float, f>>(directed); });
    else if constexpr (pairs)
        d.insn.run = for_flags<FTZ>(
            flags, [&](auto f) { return rounded<Twice<Op::template of<float, f>>::of>(directed); });
    else
        d.refuse("has no such type");
}

// ---- without rounding ----

struct Abs {
    template <int flags>
    static float of(float a) {
        return float_of(bits_of(operand<flags>(a)) & 0x7fffffff);
    }
    static double wide(double a) { return double_of(bits_of(a) & ~(1ull << 63)); }
};
struct Neg {
    template <int flags>
    static float of(float a) {
        return float_of(bits_of(operand<flags>(a)) ^ 0x80000000);
    }
    static double wide(double a) { return double_of(bits_of(a) ^ 1ull << 63); }
};

template <class Op>
void decode_sign(Decoding &d, Type type) {
    const bool ftz = type == Type::f32 && d.take("ftz");
    if (type == Type::f32x2) d.refuse("has no such type");
    operands(d, type, {type});
    d.insn.flops = 0;
    d.insn.run = type == Type::f64 ? each<Op::wide>
                 : ftz             ? each<Op::template of<FTZ>>
                                   : each<Op::template of<0>>;
}

float copied_sign(float a, float b) {
    return float_of((bits_of(a) & 0x80000000) | (bits_of(b) & 0x7fffffff));
}
double copied_sign(double a, double b) {
    return double_of((bits_of(a) & 1ull << 63) | (bits_of(b) & ~(1ull << 63)));
}

// ---- minima and maxima ----

enum : int { NAN_WINS = 2, MAX = 8, ABS = 16 };

// Bits in the order of the numbers' values, -0 before +0.
int32_t rank(float x) {
    const int32_t bits = (int32_t)bits_of(x);
    return bits ^ (bits >> 31 & 0x7fffffff);
}
int64_t rank(double x) {
    const int64_t bits = (int64_t)bits_of(x);
    return bits ^ (bits >> 63 & INT64_MAX);
}
double no_number(double) { return double_of(0x7fffffffffffffff); }
float no_number(float) { return float_of(0x7fffffff); }

template <class T, int flags>
T extreme(T a, T b) {
    a = operand<flags>(a), b = operand<flags>(b);
    const T chosen = (rank(a) < rank(b)) != ((flags & MAX) != 0) ? a : b;
    const bool one = (a != a) | (b != b), both = (a != a) & (b != b);
    const T number = a != a ? b : b != b ? a : chosen;
    return (flags & NAN_WINS ? one : both) ? no_number(a) : number;
}
// The sign is the product of the signs, the magnitude is the extreme one.
template <int flags>
float extreme_magnitude(float a, float b) {
    const uint32_t sign = (bits_of(a) ^ bits_of(b)) & 0x80000000;
    const float magnitude = extreme<float, flags>(Abs::of<0>(a), Abs::of<0>(b));
    return magnitude == magnitude ? float_of(bits_of(magnitude) | sign) : magnitude;
}
template <int flags>
float extreme_of_three(float a, float b, float c) {
    if (flags & ABS) a = Abs::of<0>(a), b = Abs::of<0>(b), c = Abs::of<0>(c);
    return extreme<float, flags>(extreme<float, flags>(a, b), c);
}

void decode_extreme(Decoding &d, Type type, bool max) {
    d.insn.flops = 0;
    if (type == Type::f32x2) d.refuse("has no such type");
    if (type == Type::f64) {
        operands(d, type, {type, type});
        d.insn.run = max ? each<extreme<double, MAX>> : each<extreme<double, 0>>;
        return;
    }
    const int flags = (d.take("ftz") ? FTZ : 0) | (d.take("NaN") ? NAN_WINS : 0) | (max ? MAX : 0);
    if (d.operands() == 4) {
        const int abs = d.take("abs") ? ABS : 0;
        operands(d, type, {type, type, type});
        d.insn.run = for_flags<31>(flags | abs, [](auto f) { return each<extreme_of_three<f>>; });
        return;
    }
    const bool sign = d.take("xorsign");
    operands(d, type, {type, type});
    if (sign && !d.take("abs")) d.refuse(".xorsign without .abs");
    d.insn.run = for_flags<15>(
        flags, [&](auto f) { return sign ? each<extreme_magnitude<f>> : each<extreme<float, f>>; });
}

// ---- properties ----

template <class T>
bool is_finite(T a) {
    return a - a == 0;
}
template <class T>
bool is_infinite(T a) {
    return std::fabs(a) == (T)INFINITY;
}
template <class T>
bool is_number(T a) {
    return a == a;
}
template <class T>
bool is_no_number(T a) {
    return a != a;
}
template <class T>
constexpr T LEAST_NORMAL = sizeof(T) == 4 ? (T)0x1p-126 : (T)0x1p-1022;
template <class T>
bool is_normal(T a) {
    return a - a == 0 && (a == 0 || std::fabs(a) >= LEAST_NORMAL<T>);
}
template <class T>
bool is_subnormal(T a) {
    return a != 0 && std::fabs(a) < LEAST_NORMAL<T>;
}

template <auto F>
void run_test(Warp &w, const Insn &insn) {
    w.set_pred(insn.ops[0], Test<F>::mask(w, insn.ops + 1));
}

template <class T>
Handler test_named(const std::string &name) {
    if (name == "finite") return run_test<is_finite<T>>;
    if (name == "infinite") return run_test<is_infinite<T>>;
    if (name == "number") return run_test<is_number<T>>;
    if (name == "notanumber") return run_test<is_no_number<T>>;
    if (name == "normal") return run_test<is_normal<T>>;
    return run_test<is_subnormal<T>>;
}

void decode_testp(Decoding &d, Type type) {
    const std::string name =
        d.take_one_of({"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
    if (name.empty()) d.refuse("no property");
    if (type == Type::f32x2 || d.operands() != 2) d.refuse("has no such form");
    d.write_pred(d.operand(0));
    d.read(d.operand(1), type);
    d.insn.flops = 0;
    d.insn.run = type == Type::f32 ? test_named<float>(name) : test_named<double>(name);
}

// add, sub and fma of single precision with addends or factors of 16 bits.
template <class Format, class Op, int flags>
float mixed(uint16_t a, float c) {
    return Op::template of<float, flags>(Format::wide(a), c);
}
template <class Format, int flags>
float mixed_fma(uint16_t a, uint16_t b, float c) {
    return Fma::of<float, flags>(Format::wide(a), Format::wide(b), c);
}

template <class Format>
Handler mixed_handler(const std::string &opcode, bool directed, int sat) {
    return for_flags<SAT>(sat, [&](auto f) -> Handler {
        if (opcode == "add") return rounded<mixed<Format, Add, f>>(directed);
        if (opcode == "sub") return rounded<mixed<Format, Sub, f>>(directed);
        return rounded<mixed_fma<Format, f>>(directed);
    });
}

void decode_mixed(Decoding &d, const std::string &opcode) {
    const Type narrow = d.take_type();
    if (narrow != Type::f16 && narrow != Type::bf16) d.refuse("has no such types");
    const RoundMode mode = take_rounding(d);
    d.insn.imm = (int64_t)mode;
    const bool directed = mode != RoundMode::none && mode != RoundMode::rn;
    const int sat = d.take("sat") ? SAT : 0;
    if (opcode == "fma")
        operands(d, Type::f32, {narrow, narrow, Type::f32});
    else
        operands(d, Type::f32, {narrow, Type::f32});
    d.insn.run = narrow == Type::f16 ? mixed_handler<F16>(opcode, directed, sat)
                                     : mixed_handler<BF16>(opcode, directed, sat);
}

}  // namespace

void decode_float(Decoding &d, Type type) {
    const std::string &opcode = d.statement.opcode;
    const int lanes = type == Type::f32x2 ? 2 : 1;
    const bool wide = type == Type::f64;
    classify(d, wide ? Class::float64 : Class::float32, wide ? Unit::fp64 : Unit::fp32, lanes);
    if (type == Type::f32 && d.has_type() && (opcode == "add" || opcode == "sub" || opcode == "fma")) {
        d.insn.flops = opcode == "fma" ? 2 : 1;
        return decode_mixed(d, opcode);
    }
    if (opcode == "fma" || opcode == "mad") {
        d.insn.flops = 2 * lanes;
        return decode_rounded<Fma, true>(d, type, 3, true);
    }
    if (opcode == "add") return decode_rounded<Add, true>(d, type, 2, false);
    if (opcode == "sub") return decode_rounded<Sub, true>(d, type, 2, false);
    if (opcode == "mul") return decode_rounded<Mul, true>(d, type, 2, false);
    if (opcode == "abs") return decode_sign<Abs>(d, type);
    if (opcode == "neg") return decode_sign<Neg>(d, type);
    if (opcode == "min" || opcode == "max") return decode_extreme(d, type, opcode == "max");
    if (opcode == "testp") return decode_testp(d, type);
    if (opcode == "copysign" && type != Type::f32x2) {
        d.insn.flops = 0;
        operands(d, type, {type, type});
        d.insn.run = wide ? each<(double (*)(double, double))copied_sign>
                          : each<(float (*)(float, float))copied_sign>;
        return;
    }
    if (decode_approximate(d, type)) return;
    if (opcode == "div") return decode_rounded<Div, false>(d, type, 2, true);
    if (opcode == "rcp") return decode_rounded<Rcp, false>(d, type, 1, true);
    if (opcode == "sqrt") return decode_rounded<Sqrt, false>(d, type, 1, true);
    d.refuse("has no such type");
}
