// Bitwise logic, shifts and bit fields.
#include "lanes.h"

namespace {

template <class T>
T bit_and(T a, T b) {
    return a & b;
}
template <class T>
T bit_or(T a, T b) {
    return a | b;
}
template <class T>
T bit_xor(T a, T b) {
    return a ^ b;
}
template <class T>
T bit_not(T a) {
    return ~a;
}
template <class T>
T is_zero(T a) {
    return a == 0;
}

struct And {
    static Mask of(Mask a, Mask b) { return a & b; }
};
struct Or {
    static Mask of(Mask a, Mask b) { return a | b; }
};
struct Xor {
    static Mask of(Mask a, Mask b) { return a ^ b; }
};

// Predicates: a destination, then each source with its sign.
template <class Op>
void run_logic(Warp &w, const Insn &insn) {
    w.set_pred(insn.ops[0], Op::of(w.pred(insn.ops[1], insn.ops[2]), w.pred(insn.ops[3], insn.ops[4])));
}
void run_not(Warp &w, const Insn &insn) { w.set_pred(insn.ops[0], ~w.pred(insn.ops[1], insn.ops[2])); }

void decode_logic(Decoding &d) {
    const std::string &opcode = d.statement.opcode;
    const Type type = d.take_type();
    classify(d, Class::integer);
    if (type == Type::pred) {
        d.write_pred(d.operand(0));
        d.read_pred(d.operand(1));
        d.read_pred(d.operand(2));
        d.insn.run = opcode == "and" ? run_logic<And> : opcode == "or" ? run_logic<Or> : run_logic<Xor>;
        return;
    }
    operands(d, type, {type, type});
    d.insn.run = for_bits(d, bits_of(type), [&](auto zero) {
        using T = decltype(zero);
        return opcode == "and" ? each<bit_and<T>> : opcode == "or" ? each<bit_or<T>> : each<bit_xor<T>>;
    });
}

void decode_not(Decoding &d) {
    const Type type = d.take_type();
    classify(d, Class::integer);
    if (type == Type::pred) {
        d.write_pred(d.operand(0));
        d.read_pred(d.operand(1));
        d.insn.run = run_not;
        return;
    }
    operands(d, type, {type});
    d.insn.run = for_bits(d, bits_of(type), [&](auto zero) { return each<bit_not<decltype(zero)>>; });
}

void decode_cnot(Decoding &d) {
    const Type type = d.take_type();
    classify(d, Class::integer);
    operands(d, type, {type});
    d.insn.run = for_bits(d, bits_of(type), [&](auto zero) { return each<is_zero<decltype(zero)>>; });
}

// ---- any function of three bits ----

uint32_t looked_up(uint32_t table, uint32_t a, uint32_t b, uint32_t c) {
    uint32_t result = 0;
    for (int i = 0; i < 8; ++i) {
        const uint32_t term = (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
        result |= table >> i & 1 ? term : 0;
    }
    return result;
}

void run_lop3(Warp &w, const Insn &insn) {
    const uint32_t *a = w.at<uint32_t>(insn.ops[1]), *b = w.at<uint32_t>(insn.ops[2]),
                   *c = w.at<uint32_t>(insn.ops[3]);
    const uint32_t table = insn.imm;
    w.set<uint32_t>(insn.ops[0], [&](int l) { return looked_up(table, a[l], b[l], c[l]); });
}

// Also tells whether the result is not zero, combined with another predicate: ops[4], then ops[5] and
// its sign.
template <class Op>
void run_lop3_test(Warp &w, const Insn &insn) {
    const uint32_t *a = w.at<uint32_t>(insn.ops[1]), *b = w.at<uint32_t>(insn.ops[2]),
                   *c = w.at<uint32_t>(insn.ops[3]);
    const Mask other = w.pred(insn.ops[5], insn.ops[6]);
    Mask some = 0;
    for (int l = 0; l < LANES; ++l) some |= (Mask)(looked_up(insn.imm, a[l], b[l], c[l]) != 0) << l;
    run_lop3(w, insn);
    w.set_pred(insn.ops[4], Op::of(some, other));
}

void decode_lop3(Decoding &d) {
    const std::string op = d.take_one_of({"or", "and"});
    if (d.take_type() != Type::b32) d.refuse("has no such type");
    classify(d, Class::integer);
    const Operand &to = d.operand(0);
    const bool test = to.kind == Operand::pair;
    if (test == op.empty()) d.refuse("a predicate and .or or .and belong together");
    d.write(test ? to.parts[0] : to, Type::b32);
    for (int i = 1; i <= 3; ++i) d.read(d.operand(i), Type::b32);
    d.insn.imm = d.immediate(d.operand(4));
    if (d.insn.imm < 0 || d.insn.imm > 255) d.refuse("a table beyond 0 ... 255");
    d.insn.run = run_lop3;
    if (!test) return;
    d.write_pred(to.parts[1]);
    d.read_pred(d.operand(5));
    d.insn.run = op == "or" ? run_lop3_test<Or> : run_lop3_test<And>;
}

// ---- shifts: by the width or more they leave nothing but signs ----

template <class T>
T shl(T a, uint32_t b) {
    return b < 8 * sizeof(T) ? (uint64_t)a << b : 0;
}
template <>
uint32_t shl(uint32_t a, uint32_t b) {
    return b < 32 ? a << b : 0;
}
template <class T>
T shr(T a, uint32_t b) {
    constexpr uint32_t most = 8 * sizeof(T) - 1;
    if constexpr (std::is_signed_v<T>)
        return a >> (b < most ? b : most);
    else
        return b <= most ? a >> b : 0;
}

void decode_shl(Decoding &d) {
    const Type type = d.take_type();
    classify(d, Class::integer);
    operands(d, type, {type, Type::u32});
    d.insn.run = for_bits(d, bits_of(type), [&](auto zero) { return each<shl<decltype(zero)>>; });
}
void decode_shr(Decoding &d) {
    const Type type = d.take_type();
    classify(d, Class::integer);
    operands(d, type, {type, Type::u32});
    if (is_float(type) || bits_of(type) < 16) d.refuse("has no such type");
    d.insn.run = for_any_integer(d, type, [&](auto zero) { return each<shr<decltype(zero)>>; });
}

template <bool wraps>
uint32_t amount(uint32_t c) {
    return wraps ? c & 31 : c < 32 ? c : 32;
}
template <bool wraps>
uint32_t funnel_left(uint32_t a, uint32_t b, uint32_t c) {
    return ((uint64_t)b << 32 | a) << amount<wraps>(c) >> 32;
}
template <bool wraps>
uint32_t funnel_right(uint32_t a, uint32_t b, uint32_t c) {
    return ((uint64_t)b << 32 | a) >> amount<wraps>(c);
}

void decode_shf(Decoding &d) {
    const std::string to = d.take_one_of({"l", "r"}), mode = d.take_one_of({"clamp", "wrap"});
    if (to.empty() || mode.empty() || d.take_type() != Type::b32) d.refuse("has no such form");
    classify(d, Class::integer);
    operands(d, Type::b32, {Type::b32, Type::b32, Type::u32});
    d.insn.run = to == "l"        ? mode == "wrap" ? each<funnel_left<true>> : each<funnel_left<false>>
                        : mode == "wrap" ? each<funnel_right<true>>
                                  : each<funnel_right<false>>;
}

// ---- bit fields ----

// `bits` ones; at most as many as T has.
template <class T>
T ones(uint32_t bits) {
    return bits >= 8 * sizeof(T) ? ~(T)0 : ((T)1 << bits) - 1;
}

template <class T>
T extracted(T a, uint32_t b, uint32_t c) {
    using U = std::make_unsigned_t<T>;
    constexpr uint32_t most = 8 * sizeof(T) - 1;
    const uint32_t at = b & 255, bits = c & 255;
    const uint32_t last = at + bits - 1 < most ? at + bits - 1 : most;
    const bool negative = std::is_signed_v<T> && bits != 0 && ((U)a >> last & 1) != 0;
    const U there = at <= most ? (U)a >> at : 0;
    const uint32_t left = at <= most ? most + 1 - at : 0, taken = bits < left ? bits : left;
    const U mask = ones<U>(taken);
    return (there & mask) | (negative ? ~mask : 0);
}
template <class T>
T inserted(T a, T b, uint32_t c, uint32_t d) {
    const uint32_t at = c & 255, bits = d & 255;
    const T mask = shl<T>(ones<T>(bits), at);
    return (b & ~mask) | (shl<T>(a, at) & mask);
}

void decode_bfe(Decoding &d) {
    const Type type = d.take_type();
    classify(d, Class::integer);
    operands(d, type, {type, Type::u32, Type::u32});
    d.insn.run = for_wide_integer(d, type, [](auto zero) { return each<extracted<decltype(zero)>>; });
}
void decode_bfi(Decoding &d) {
    const Type type = d.take_type();
    classify(d, Class::integer);
    operands(d, type, {type, type, Type::u32, Type::u32});
    if (type != Type::b32 && type != Type::b64) d.refuse("has no such type");
    d.insn.run = type == Type::b32 ? each<inserted<uint32_t>> : each<inserted<uint64_t>>;
}

// ---- the low bits ----

template <bool wraps, bool with_sign>
uint32_t extended(uint32_t a, uint32_t b) {
    if (b >= 32 && !wraps) return a;
    const uint32_t bits = b & 31, low = a & ones<uint32_t>(bits);
    const bool negative = with_sign && bits != 0 && (a >> ((bits - 1) & 31) & 1) != 0;
    return negative ? low | ~ones<uint32_t>(bits) : low;
}

template <bool wraps>
uint32_t mask_at(uint32_t a, uint32_t b) {
    if (!wraps && a >= 32) return 0;
    const uint32_t bits = wraps ? b & 31 : b < 32 ? b : 32;
    return shl<uint32_t>(ones<uint32_t>(bits), a & 31);
}

bool take_wrap(Decoding &d) {
    const std::string mode = d.take_one_of({"clamp", "wrap"});
    if (mode.empty()) d.refuse("neither .clamp nor .wrap");
    return mode == "wrap";
}

void decode_szext(Decoding &d) {
    const bool wraps = take_wrap(d);
    const Type type = d.take_type();
    classify(d, Class::integer);
    if (type != Type::u32 && type != Type::s32) d.refuse("has no such type");
    operands(d, type, {type, Type::u32});
    d.insn.run = type == Type::s32 ? wraps ? each<extended<true, true>> : each<extended<false, true>>
                 : wraps ? each<extended<true, false>>
                                   : each<extended<false, false>>;
}
void decode_bmsk(Decoding &d) {
    const bool wraps = take_wrap(d);
    if (d.take_type() != Type::b32) d.refuse("has no such type");
    classify(d, Class::integer);
    operands(d, Type::b32, {Type::u32, Type::u32});
    d.insn.run = wraps ? each<mask_at<true>> : each<mask_at<false>>;
}

RegisterDecoder and_{"and", decode_logic}, or_{"or", decode_logic}, xor_{"xor", decode_logic};
RegisterDecoder not_{"not", decode_not}, cnot{"cnot", decode_cnot}, lop3{"lop3", decode_lop3};
RegisterDecoder shl_{"shl", decode_shl}, shr_{"shr", decode_shr}, shf{"shf", decode_shf};
RegisterDecoder bfe{"bfe", decode_bfe}, bfi{"bfi", decode_bfi};
RegisterDecoder szext{"szext", decode_szext}, bmsk{"bmsk", decode_bmsk};

}  // namespace
