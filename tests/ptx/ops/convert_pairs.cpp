// cvt of two numbers at once: f16x2, bf16x2, and formats of 8 bits and fewer; cvt.pack.
#pragma GCC optimize("no-trapping-math")  // so that loops with conditions vectorize
#include <vector>

#include "convert.h"

namespace {

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

}  // namespace

bool decode_convert_pairs(Decoding &d) {
    if (d.take("pack")) {
        decode_pack(d);
        return true;
    }
    const std::vector<const PairFormat *> pairs = take_pairs(d);
    if (!pairs.empty()) decode_pairs(d, pairs);
    return !pairs.empty();
}
