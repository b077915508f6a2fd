// cvt: common pairs of types in code that vectorizes, all others by way of exact numbers.
#pragma GCC optimize("no-trapping-math")  // so that loops with conditions vectorize
#include <limits>
#include <utility>

#include "convert.h"

namespace {

// ---- any pair of types ----

uint64_t limited(const Conversion &c, uint64_t bits) {
    const Format &format = *c.to_format;
    const uint64_t sign = 1ull << (format.bits - 1), magnitude = bits & (sign - 1);
    if (c.flush_out && magnitude >> format.fraction == 0) bits &= sign;
    const bool nan = magnitude > (format.infinity != 0 ? format.infinity : format.most);
    if (c.relu && !nan && (bits & sign) != 0) return 0;
    if (!c.sat) return bits;
    const uint64_t one = (uint64_t)format.bias << format.fraction;
    return nan || (bits & sign) != 0 ? 0 : magnitude > one ? one : bits;
}

template <class D, class S>
void run_any(Warp &w, const Insn &insn) {
    const Conversion &c = *(const Conversion *)insn.extra;
    const uint64_t used = c.from_bits == 64 ? ~0ull : (1ull << c.from_bits) - 1;
    const S *from = w.at<S>(insn.ops[1]);
    w.set<D>(insn.ops[0], [&](int l) { return (D)convert(c, from[l] & used); });
}

// ---- code for common pairs ----

template <class D, class S>
D cast(S a) {
    return (D)a;
}
template <class D, class S>
D clamped(S a) {
    using Limits = std::numeric_limits<D>;
    return std::cmp_less(a, Limits::min())      ? Limits::min()
           : std::cmp_greater(a, Limits::max()) ? Limits::max()
                                                : (D)a;
}

template <class S>
uint16_t to_f16(S a) {
    return to_half((float)a);
}  // what float rounds is infinite in f16
template <class S>
uint16_t to_bf16(S a) {
    return BF16::narrow((double)a);
}

template <ToInteger rounding>
double rounded(double x) {
    return rounding == ToInteger::nearest ? __builtin_nearbyint(x)
           : rounding == ToInteger::zero  ? __builtin_trunc(x)
           : rounding == ToInteger::down  ? __builtin_floor(x)
                                          : __builtin_ceil(x);
}
template <ToInteger rounding>
float rounded(float x) {
    return rounding == ToInteger::nearest ? __builtin_nearbyintf(x)
           : rounding == ToInteger::zero  ? __builtin_truncf(x)
           : rounding == ToInteger::down  ? __builtin_floorf(x)
                                          : __builtin_ceilf(x);
}
template <ToInteger rounding>
float rounded_float(float x) {
    return canonical(rounded<rounding>(x));
}
template <ToInteger rounding>
double rounded_double(double x) {
    return rounded<rounding>(x);
}

// A constant above or below all numbers of the type stands for those that are beyond it.
template <class D, class S, ToInteger rounding>
D to_integer(S a) {
    using Limits = std::numeric_limits<D>;
    const double x = rounded<rounding>((double)a);
    const D none = sizeof(S) == 4 && sizeof(D) == 4 ? 0 : (D)((uint64_t)1 << (8 * sizeof(D) - 1));
    if constexpr (sizeof(D) == 4) {
        const double low = x < Limits::min() ? (double)Limits::min() : x;
        const double inside = low > Limits::max() ? (double)Limits::max() : low;
        return x == x ? (D)(int64_t)inside : none;
    } else {
        const double end = std::is_signed_v<D> ? 0x1p63 : 0x1p64;
        const bool over = x >= end, under = x < (double)Limits::min();
        const D inside = (D)(over || under || x != x ? 0 : x);
        return x != x ? none : over ? Limits::max() : under ? Limits::min() : inside;
    }
}

float widened_half(uint16_t a) { return from_half(a); }
float widened_bfloat(uint16_t a) { return from_bfloat(a); }
double to_double(float a) { return canonical(a); }
float to_single(double a) { return canonical((float)a); }
template <int flags>
float same(float a) {
    return result<flags>(operand<flags>(a));
}
double same_double(double a) { return a; }

template <class D, class S>
Handler to_integer_handler(ToInteger rounding) {
    switch (rounding) {
        case ToInteger::nearest:
            return each<to_integer<D, S, ToInteger::nearest>>;
        case ToInteger::zero:
            return each<to_integer<D, S, ToInteger::zero>>;
        case ToInteger::down:
            return each<to_integer<D, S, ToInteger::down>>;
        default:
            return each<to_integer<D, S, ToInteger::up>>;
    }
}
template <class S>
Handler to_integer_handler(Type to, ToInteger rounding) {
    switch (to) {
        case Type::s32:
            return to_integer_handler<int32_t, S>(rounding);
        case Type::u32:
            return to_integer_handler<uint32_t, S>(rounding);
        case Type::s64:
            return to_integer_handler<int64_t, S>(rounding);
        case Type::u64:
            return to_integer_handler<uint64_t, S>(rounding);
        default:
            return nullptr;
    }
}
Handler rounded_handler(Type type, ToInteger rounding) {
    const bool wide = type == Type::f64;
    switch (rounding) {
        case ToInteger::nearest:
            return wide ? each<rounded_double<ToInteger::nearest>>
                        : each<rounded_float<ToInteger::nearest>>;
        case ToInteger::zero:
            return wide ? each<rounded_double<ToInteger::zero>> : each<rounded_float<ToInteger::zero>>;
        case ToInteger::down:
            return wide ? each<rounded_double<ToInteger::down>> : each<rounded_float<ToInteger::down>>;
        default:
            return wide ? each<rounded_double<ToInteger::up>> : each<rounded_float<ToInteger::up>>;
    }
}

// Converts between integers.
Handler integer_handler(const Decoding &d, Type to, Type from, bool sat) {
    return for_any_integer(d, to, [&](auto zero) {
        using D = decltype(zero);
        return for_any_integer(d, from, [&](auto other) {
            using S = decltype(other);
            return sat ? each<clamped<D, S>> : each<cast<D, S>>;
        });
    });
}

Handler from_integer_handler(const Decoding &d, Type to, Type from) {
    return for_any_integer(d, from, [&](auto zero) -> Handler {
        using S = decltype(zero);
        switch (to) {
            case Type::f64:
                return each<cast<double, S>>;
            case Type::f32:
                return each<cast<float, S>>;
            case Type::f16:
                return each<to_f16<S>>;
            default:
                break;
        }
        if constexpr (sizeof(S) < 8) return each<to_bf16<S>>;
        return nullptr;
    });
}

// Converts between floating-point types, to the nearest and without modifiers.
Handler float_handler(Type to, Type from) {
    if (from == Type::f32 && to == Type::f16) return each<narrowed<F16, false>>;
    if (from == Type::f32 && to == Type::bf16) return each<narrowed<BF16, false>>;
    if (from == Type::f16 && to == Type::f32) return each<widened_half>;
    if (from == Type::bf16 && to == Type::f32) return each<widened_bfloat>;
    if (from == Type::f32 && to == Type::f64) return each<to_double>;
    if (from == Type::f64 && to == Type::f32) return each<to_single>;
    if (from == Type::f32 && to == Type::f32) return each<same<0>>;
    if (from == Type::f64 && to == Type::f64) return each<same_double>;
    return nullptr;
}

// The handler for this conversion, if it has code of its own.
Handler special_handler(const Decoding &d, const Conversion &c) {
    const bool plain = !c.sat && !c.relu && !c.clamps && c.narrow == Narrow::nearest;
    // Subnormal numbers make a difference if they are on one side of an integer.
    const bool far = c.integer == ToInteger::nearest || c.integer == ToInteger::zero;
    if (c.to_format == nullptr) {
        if (c.from_format == nullptr) return integer_handler(d, c.to, c.from, c.sat);
        if (c.flush_in && !far) return nullptr;
        if (c.from == Type::f32) return to_integer_handler<float>(c.to, c.integer);
        return c.from == Type::f64 ? to_integer_handler<double>(c.to, c.integer) : nullptr;
    }
    if (!plain) return nullptr;
    if (c.from_format == nullptr) return from_integer_handler(d, c.to, c.from);
    if (c.rounds_to_integer)
        return c.to == c.from && bits_of(c.to) >= 32 && !c.flush_in ? rounded_handler(c.to, c.integer)
                                                                    : nullptr;
    if (c.from == Type::f32 && c.to == Type::f32 && c.flush_in) return each<same<FTZ>>;
    if ((c.flush_in || c.flush_out) && c.from != Type::f16) return nullptr;
    return float_handler(c.to, c.from);
}

// ---- decoding ----

bool take_to_integer(Decoding &d, Conversion &c) {
    const std::string mode = d.take_one_of({"rni", "rzi", "rmi", "rpi"});
    c.integer = mode == "rni"   ? ToInteger::nearest
                : mode == "rmi" ? ToInteger::down
                : mode == "rpi" ? ToInteger::up
                                : ToInteger::zero;
    return !mode.empty();
}
// Which roundings the pair of types wants.
void take_roundings(Decoding &d, Conversion &c) {
    const bool to_float = c.to_format != nullptr, from_float = c.from_format != nullptr;
    c.rounds_to_integer = from_float && take_to_integer(d, c);
    if (from_float && !to_float && !c.rounds_to_integer) d.refuse("none of .rni, .rzi, .rmi and .rpi");
    if (!to_float || c.rounds_to_integer) return;
    const bool says = take_narrow(d, c);
    const bool exact = from_float && (c.to == c.from || (c.to == Type::f64) ||
                                      (c.to == Type::f32 && c.from != Type::f64));
    if (!exact && !says) d.refuse("a rounding mode is missing");
    if (c.narrow == Narrow::away && c.to != Type::tf32) d.refuse(".rna");
}

void decode_cvt(Decoding &d) {
    classify(d, Class::convert);
    if (d.take("rs")) d.refuse(".rs");
    if (decode_convert_pairs(d)) return;
    Conversion c;
    c.to = d.take_type(), c.from = d.take_type();
    c.to_format = is_float(c.to) ? &format_of(c.to) : nullptr;
    c.from_format = is_float(c.from) ? &format_of(c.from) : nullptr;
    c.to_bits = bits_of(c.to), c.from_bits = bits_of(c.from);
    if ((c.to == Type::tf32 && c.from != Type::f32) || c.from == Type::tf32)
        d.refuse("has no such types");
    take_roundings(d, c);
    const bool ftz = (c.to == Type::f32 || c.from == Type::f32) && d.take("ftz");
    c.flush_in = ftz && c.from == Type::f32, c.flush_out = ftz && c.to == Type::f32;
    c.sat = d.take("sat");
    const bool narrows =
        c.from == Type::f32 && (c.to == Type::f16 || c.to == Type::bf16 || c.to == Type::tf32);
    c.relu = narrows && d.take("relu");
    c.clamps = narrows && d.take("satfinite");
    operands(d, c.to == Type::tf32 ? Type::b32 : c.to, {c.from});
    d.insn.run = c.to == Type::tf32 ? nullptr : special_handler(d, c);
    if (d.insn.run != nullptr) return;
    d.insn.extra = d.keep(c);
    const bool wide = c.to_bits == 64;
    d.insn.run = c.from_bits == 64 ? wide ? run_any<uint64_t, uint64_t> : run_any<uint32_t, uint64_t>
                 : wide ? run_any<uint64_t, uint32_t>
                                   : run_any<uint32_t, uint32_t>;
}

RegisterDecoder cvt{"cvt", decode_cvt};

}  // namespace

uint64_t convert(const Conversion &c, uint64_t bits) {
    Number number = c.from_format != nullptr ? decode_number(bits, *c.from_format)
                                             : decode_integer_number(bits, c.from);
    if (c.flush_in && (bits & 0x7f800000) == 0) number.magnitude = 0;
    if (c.rounds_to_integer) number = rounded_to_integer(number, c.integer);
    if (c.to_format == nullptr) {
        // What a not-a-number becomes.
        const bool zero = c.from != Type::f64 && bits_of(c.to) != 64;
        if (number.kind == Number::nan) return zero ? 0 : 1ull << (bits_of(c.to) - 1);
        return encode_integer(number, c.to);
    }
    const uint64_t result = limited(c, encode_number(number, *c.to_format, c.narrow, c.clamps));
    return c.to == Type::tf32 ? result << 13 : result;
}

bool take_narrow(Decoding &d, Conversion &c) {
    const std::string mode = d.take_one_of({"rn", "rz", "rm", "rp", "rna"});
    c.narrow = mode == "rz"    ? Narrow::zero
               : mode == "rm"  ? Narrow::down
               : mode == "rp"  ? Narrow::up
               : mode == "rna" ? Narrow::away
                               : Narrow::nearest;
    return !mode.empty();
}
