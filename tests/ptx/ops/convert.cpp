// cvt: common pairs of types in code that vectorizes, all others by way of exact numbers.
#pragma GCC optimize("no-trapping-math")  // so that loops with conditions vectorize
#include <limits>
#include <utility>

#include "number.h"

namespace {

// ---- any pair of types ----

struct Conversion {
    Type to, from;
    const Format *to_format = nullptr, *from_format = nullptr;  // nullptr: an integer
    Narrow narrow = Narrow::nearest;
    ToInteger integer = ToInteger::zero;
    bool rounds_to_integer = false, flush_in = false, flush_out = false, sat = false, relu = false,
         clamps = false;
    int to_bits, from_bits;  // in a register
};

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

template <class D, class S>
void run_any(Warp &w, const Insn &insn) {
    const Conversion &c = *(const Conversion *)insn.extra;
    const uint64_t used = c.from_bits == 64 ? ~0ull : (1ull << c.from_bits) - 1;
    const S *from = w.at<S>(insn.ops[1]);
    w.set<D>(insn.ops[0], [&](int l) { return (D)convert(c, from[l] & used); });
}

// Two numbers, each in a register: the first becomes the upper half.
void run_two(Warp &w, const Insn &insn) {
    const Conversion &c = *(const Conversion *)insn.extra;
    const uint32_t *high = w.at<uint32_t>(insn.ops[1]), *low = w.at<uint32_t>(insn.ops[2]);
    w.set<uint32_t>(insn.ops[0], [&](int l) {
        return (uint32_t)(convert(c, high[l]) << c.to_bits | convert(c, low[l]));
    });
}
// Two in one register.
void run_pair(Warp &w, const Insn &insn) {
    const Conversion &c = *(const Conversion *)insn.extra;
    const uint32_t *from = w.at<uint32_t>(insn.ops[1]);
    const uint32_t used = (1u << c.from_format->bits) - 1;
    w.set<uint32_t>(insn.ops[0], [&](int l) {
        const uint32_t high = convert(c, from[l] >> c.from_bits & used),
                       low = convert(c, from[l] & used);
        return high << c.to_bits | low;
    });
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

template <class Format, bool relu>
uint16_t narrowed(float a) {
    return Format::narrow(relu && a <= 0 ? 0.0f : a);
}
template <class Format, bool relu>
uint32_t narrowed_two(float a, float b) {
    return (uint32_t)narrowed<Format, relu>(a) << 16 | narrowed<Format, relu>(b);
}

// Pairs of 8 bits.
template <auto narrow, bool relu>
uint16_t eight_of_two(float a, float b) {
    return narrow(relu && a <= 0 ? 0.0f : a) << 8 | narrow(relu && b <= 0 ? 0.0f : b);
}
template <auto narrow, bool relu>
uint16_t eight_of_halves(uint32_t a) {
    return eight_of_two<narrow, relu>(from_half((uint16_t)(a >> 16)), from_half((uint16_t)a));
}
template <auto wide, bool relu>
uint32_t halves_of_eight(uint16_t a) {
    return narrowed_two<F16, relu>(wide((uint8_t)(a >> 8)), wide((uint8_t)a));
}

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

// Between integers.
Handler integer_handler(const Decoding &d, Type to, Type from, bool sat) {
    return for_integer(d, to, [&](auto zero) {
        using D = decltype(zero);
        return for_integer(d, from, [&](auto other) {
            using S = decltype(other);
            return sat ? each<clamped<D, S>> : each<cast<D, S>>;
        });
    });
}

Handler from_integer_handler(const Decoding &d, Type to, Type from) {
    return for_integer(d, from, [&](auto zero) -> Handler {
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

// Of floating-point numbers to others, to the nearest and without modifiers.
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
bool take_narrow(Decoding &d, Conversion &c) {
    const std::string mode = d.take_one_of({"rn", "rz", "rm", "rp", "rna"});
    c.narrow = mode == "rz"    ? Narrow::zero
               : mode == "rm"  ? Narrow::down
               : mode == "rp"  ? Narrow::up
               : mode == "rna" ? Narrow::away
                               : Narrow::nearest;
    return !mode.empty();
}

// f16x2, bf16x2, and pairs of 8 bits and fewer.
struct PairFormat {
    const char *name;
    const Format *format;
    int bits;     // of each number's place
    Type memory;  // of the register
};
const PairFormat *find_pair(const std::string &name) {
    static const PairFormat pairs[] = {{"f16x2", &format_of(Type::f16), 16, Type::b32},
                                       {"bf16x2", &format_of(Type::bf16), 16, Type::b32},
                                       {"e4m3x2", &E4M3, 8, Type::b16},
                                       {"e5m2x2", &E5M2, 8, Type::b16},
                                       {"e2m3x2", &E2M3, 8, Type::b16},
                                       {"e3m2x2", &E3M2, 8, Type::b16},
                                       {"e2m1x2", &E2M1, 4, Type::b8}};
    for (const PairFormat &pair : pairs)
        if (name == pair.name) return &pair;
    return nullptr;
}

// The formats of pairs in the statement, in order.
std::vector<const PairFormat *> take_pairs(Decoding &d) {
    std::vector<const PairFormat *> pairs;
    for (const std::string &modifier : d.statement.modifiers)
        if (const PairFormat *pair = find_pair(modifier)) {
            d.take(modifier.c_str());
            pairs.push_back(pair);
        }
    return pairs;
}

template <auto narrow, auto wide>
Handler eight_bit_handler(const Conversion &c, bool narrows) {
    if (!narrows)
        return c.relu ? each<halves_of_eight<wide, true>> : each<halves_of_eight<wide, false>>;
    if (c.from_bits == 16)
        return c.relu ? each<eight_of_halves<narrow, true>> : each<eight_of_halves<narrow, false>>;
    return c.relu ? each<eight_of_two<narrow, true>> : each<eight_of_two<narrow, false>>;
}

// Between e4m3 or e5m2 and f16 or f32, to the nearest; nullptr: it is another conversion.
Handler choose_eight(const Conversion &c) {
    const Format *f16 = &format_of(Type::f16), *f32 = &format_of(Type::f32);
    const bool narrows = c.from_format == f16 || c.from_format == f32;
    if (c.narrow != Narrow::nearest || (!narrows && (c.to_format != f16 || c.clamps))) return nullptr;
    const Format *small = narrows ? c.to_format : c.from_format;
    if (small == &E4M3) return eight_bit_handler<to_e4m3, from_e4m3>(c, narrows);
    if (small == &E5M2) return eight_bit_handler<to_e5m2, from_e5m2>(c, narrows);
    return nullptr;
}

Handler choose_two(const Conversion &c) {
    if (c.clamps || c.narrow != Narrow::nearest || c.to_format->bits != 16) return run_two;
    if (c.to_format == &format_of(Type::f16))
        return c.relu ? each<narrowed_two<F16, true>> : each<narrowed_two<F16, false>>;
    return c.relu ? each<narrowed_two<BF16, true>> : each<narrowed_two<BF16, false>>;
}

void decode_pairs(Decoding &d, const std::vector<const PairFormat *> &pairs) {
    const PairFormat &to = *pairs[0];
    Conversion c;
    c.to = Type::none, c.from = Type::none;
    c.to_format = to.format, c.to_bits = to.bits;
    if (!take_narrow(d, c) || (c.narrow != Narrow::nearest && c.narrow != Narrow::zero))
        d.refuse("neither .rn nor .rz");
    c.relu = d.take("relu");
    c.clamps = d.take("satfinite");
    if (to.format->infinity == 0 && !c.clamps) d.refuse(".satfinite is missing");
    if (pairs.size() == 2) {
        c.from_format = pairs[1]->format, c.from_bits = pairs[1]->bits;
        operands(d, to.memory, {pairs[1]->memory});
        d.insn.run = run_pair;
    } else {
        if (d.take_type() != Type::f32) d.refuse("has no such types");
        c.from_format = &format_of(Type::f32), c.from_bits = 32;
        operands(d, to.memory, {Type::f32, Type::f32});
        d.insn.run = choose_two(c);
    }
    if (const Handler special = choose_eight(c)) d.insn.run = special;
    d.insn.extra = d.keep(c);
}

// ops: d, a, b, c.  insn.bytes: bits of each.
template <bool is_signed, bool with_c>
void run_cvt_pack(Warp &w, const Insn &insn) {
    const int bits = insn.bytes;
    const int32_t most = is_signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1,
                  least = is_signed ? -most - 1 : 0;
    const uint32_t used = (1u << bits) - 1;
    const int32_t *a = w.at<int32_t>(insn.ops[1]), *b = w.at<int32_t>(insn.ops[2]);
    const uint32_t *c = with_c ? w.at<uint32_t>(insn.ops[3]) : nullptr;
    const auto limit = [=](int32_t x) {
        return (uint32_t)(x < least ? least : x > most ? most : x) & used;
    };
    w.set<uint32_t>(insn.ops[0], [=](int l) {
        const uint32_t two = limit(a[l]) << bits | limit(b[l]);
        return with_c ? c[l] << 2 * bits | two : two;
    });
}

void decode_pack(Decoding &d) {
    if (!d.take("sat")) d.refuse(".sat is missing");
    const std::string to = d.take_one_of({"u2", "s2", "u4", "s4", "u8", "s8", "u16", "s16"});
    if (to.empty() || d.take_type() != Type::s32) d.refuse("has no such types");
    d.insn.bytes = std::stoi(to.substr(1));
    const bool is_signed = to[0] == 's';
    if (d.insn.bytes == 16) {
        operands(d, Type::b32, {Type::s32, Type::s32});
        d.insn.run = is_signed ? run_cvt_pack<true, false> : run_cvt_pack<false, false>;
    } else {
        if (d.take_type() != Type::b32) d.refuse("has no such types");
        operands(d, Type::b32, {Type::s32, Type::s32, Type::b32});
        d.insn.run = is_signed ? run_cvt_pack<true, true> : run_cvt_pack<false, true>;
    }
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
    if (d.take("pack")) return decode_pack(d);
    if (d.take("rs")) d.refuse(".rs");
    const std::vector<const PairFormat *> pairs = take_pairs(d);
    if (!pairs.empty()) return decode_pairs(d, pairs);
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
