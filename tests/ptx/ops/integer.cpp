// Integer arithmetic, with carries.
#include "arithmetic.h"

namespace {

template <class T>
using Unsigned = std::make_unsigned_t<T>;

// The type that has twice as many bits.
template <class T>
struct Wider;
template <>
struct Wider<uint16_t> {
    using type = uint32_t;
};
template <>
struct Wider<int16_t> {
    using type = int32_t;
};
template <>
struct Wider<uint32_t> {
    using type = uint64_t;
};
template <>
struct Wider<int32_t> {
    using type = int64_t;
};
template <>
struct Wider<uint64_t> {
    using type = unsigned __int128;
};
template <>
struct Wider<int64_t> {
    using type = __int128;
};
template <class T>
using Wide = typename Wider<T>::type;

// Arithmetic wraps around: it is done without signs.
template <class T>
T add(T a, T b) {
    return (Unsigned<T>)a + (Unsigned<T>)b;
}
template <class T>
T sub(T a, T b) {
    return (Unsigned<T>)a - (Unsigned<T>)b;
}
template <class T>
T mul_lo(T a, T b) {
    using U = std::conditional_t<sizeof(T) < 4, uint32_t, Unsigned<T>>;
    return (U)a * (U)b;
}
template <class T>
T mul_hi(T a, T b) {
    return (Wide<T>)a * (Wide<T>)b >> (8 * sizeof(T));
}
template <class T>
Wide<T> mul_wide(T a, T b) {
    return (Wide<T>)a * (Wide<T>)b;
}
template <class T>
T mad_lo(T a, T b, T c) {
    return add<T>(mul_lo(a, b), c);
}
template <class T>
T mad_hi(T a, T b, T c) {
    return add<T>(mul_hi(a, b), c);
}
template <class T>
Wide<T> mad_wide(T a, T b, Wide<T> c) {
    return add<Wide<T>>(mul_wide(a, b), c);
}
template <class T>
T negate(T a) {
    return sub<T>(0, a);
}
template <class T>
T absolute(T a) {
    return a < 0 ? negate(a) : a;
}
template <class T>
T least(T a, T b) {
    return a < b ? a : b;
}
template <class T>
T greatest(T a, T b) {
    return a > b ? a : b;
}
template <class T>
T least_relu(T a, T b) {
    return greatest<T>(least(a, b), 0);
}
template <class T>
T greatest_relu(T a, T b) {
    return greatest<T>(greatest(a, b), 0);
}
template <class T>
T distance(T a, T b, T c) {
    return add<T>(c, a < b ? sub(b, a) : sub(a, b));
}

int32_t clamp(int64_t x) { return x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : x; }
int32_t add_sat(int32_t a, int32_t b) { return clamp((int64_t)a + b); }
int32_t sub_sat(int32_t a, int32_t b) { return clamp((int64_t)a - b); }
int32_t mad_hi_sat(int32_t a, int32_t b, int32_t c) { return clamp((int64_t)mul_hi(a, b) + c); }

// A quotient by zero has all bits set, and the remainder is the dividend.  Up to 32 bits it is exact in
// double precision, which vectorizes: the quotient is further from the next integer than its rounding
// moves it.
template <class T>
T quotient(T a, T b) {
    if constexpr (sizeof(T) <= 4) {
        const int64_t q = (int64_t)((double)a / (b == 0 ? 1.0 : (double)b));
        return b == 0 ? (T)-1 : (T)q;
    } else if (b == 0) {
        return (T)-1;
    } else if constexpr (std::is_signed_v<T>) {
        return b == -1 ? negate(a) : a / b;
    } else {
        return (a | b) >> 32 == 0 ? (uint32_t)a / (uint32_t)b : a / b;
    }
}
template <class T>
T remainder(T a, T b) {
    return b == 0 ? a : sub<T>(a, mul_lo(quotient(a, b), b));
}

// Products of the low 24 bits of both.
template <class T>
int64_t product24(T a, T b) {
    const int bits = std::is_signed_v<T> ? 8 : 0;
    if (bits == 0) return (int64_t)(a & 0xffffff) * (b & 0xffffff);
    return (int64_t)((int32_t)((uint32_t)a << bits) >> bits) * ((int32_t)((uint32_t)b << bits) >> bits);
}
template <class T>
T mul24_lo(T a, T b) {
    return (T)product24(a, b);
}
template <class T>
T mul24_hi(T a, T b) {
    return (T)(product24(a, b) >> 16);
}
template <class T>
T mad24_lo(T a, T b, T c) {
    return add<T>(mul24_lo(a, b), c);
}
template <class T>
T mad24_hi(T a, T b, T c) {
    return add<T>(mul24_hi(a, b), c);
}
int32_t mad24_hi_sat(int32_t a, int32_t b, int32_t c) { return clamp((product24(a, b) >> 16) + c); }

// ---- carries ----

// a + b + carry in; the carry out.
template <class T>
struct Sum {
    static T of(T a, T b, T carry_in, Mask &carry_out) {
        const T sum = a + b, all = sum + carry_in;
        carry_out = (sum < a) | (all < sum);
        return all;
    }
};
// a - b - borrow in; the borrow out.
template <class T>
struct Difference {
    static T of(T a, T b, T borrow_in, Mask &borrow_out) {
        const T part = a - b;
        borrow_out = (a < b) | (part < borrow_in);
        return part - borrow_in;
    }
};

// insn.imm: 1 = the flag is read, 2 = it is written.
template <class T, class Op, class First>
void with_carry(Warp &w, const Insn &insn, int32_t second, First first) {
    const T *b = w.at<T>(second);
    const Mask in = insn.imm & 1 ? w.carry : 0;
    Mask out[LANES];
    w.set<T>(insn.ops[0], [&](int l) { return Op::of(first(l), b[l], in >> l & 1, out[l]); });
    if (!(insn.imm & 2)) return;
    Mask carry = 0;
    for (int l = 0; l < LANES; ++l) carry |= out[l] << l;
    w.carry = (w.carry & ~w.exec) | (carry & w.exec);
}

template <class T, class Op>
void run_carry(Warp &w, const Insn &insn) {
    const T *a = w.at<T>(insn.ops[1]);
    with_carry<T, Op>(w, insn, insn.ops[2], [&](int l) { return a[l]; });
}

// T says whether the product is signed.
template <class T, bool high>
void run_mad_carry(Warp &w, const Insn &insn) {
    using U = Unsigned<T>;
    const T *a = w.at<T>(insn.ops[1]), *b = w.at<T>(insn.ops[2]);
    with_carry<U, Sum<U>>(w, insn, insn.ops[3],
                          [&](int l) { return (U)(high ? mul_hi(a[l], b[l]) : mul_lo(a[l], b[l])); });
}

void decode_carry(Decoding &d, const std::string &opcode, Type type, bool out) {
    d.insn.imm = (opcode.back() == 'c' ? 1 : 0) | (out ? 2 : 0);
    if (bits_of(type) < 32) d.refuse("has no such type");
    if (opcode.starts_with("mad")) {
        operands(d, type, {type, type, type});
        const std::string half = d.take_one_of({"hi", "lo"});
        if (half.empty()) d.refuse("neither .hi nor .lo");
        d.insn.run = for_wide_integer(d, type, [&](auto zero) {
            using T = decltype(zero);
            return half == "hi" ? run_mad_carry<T, true> : run_mad_carry<T, false>;
        });
        return;
    }
    operands(d, type, {type, type});
    const bool add = opcode.starts_with("add"), wide = bits_of(type) == 64;
    d.insn.run = add    ? wide ? run_carry<uint64_t, Sum<uint64_t>> : run_carry<uint32_t, Sum<uint32_t>>
                    : wide ? run_carry<uint64_t, Difference<uint64_t>>
                        : run_carry<uint32_t, Difference<uint32_t>>;
}

// ---- products ----

void decode_mul(Decoding &d, Type type) {
    const std::string mode = d.take_one_of({"lo", "hi", "wide"});
    const bool wide = mode == "wide";
    if (mode.empty()) d.refuse("none of .lo, .hi and .wide");
    if (wide && bits_of(type) == 64) d.refuse("has no such type");
    const Type result = !wide               ? type
                        : type == Type::u16 ? Type::u32
                        : type == Type::s16 ? Type::s32
                        : type == Type::u32 ? Type::u64
                                            : Type::s64;
    if (d.statement.opcode == "mul") {
        operands(d, result, {type, type});
        d.insn.run = for_integer(d, type, [&](auto zero) -> Handler {
            using T = decltype(zero);
            if (mode == "lo") return each<mul_lo<T>>;
            if (mode == "hi") return each<mul_hi<T>>;
            if constexpr (sizeof(T) < 8) return each<mul_wide<T>>;
            return nullptr;
        });
        return;
    }
    operands(d, result, {type, type, result});
    if (d.take("sat")) {
        if (mode != "hi" || type != Type::s32) d.refuse(".sat");
        d.insn.run = each<mad_hi_sat>;
        return;
    }
    d.insn.run = for_integer(d, type, [&](auto zero) -> Handler {
        using T = decltype(zero);
        if (mode == "lo") return each<mad_lo<T>>;
        if (mode == "hi") return each<mad_hi<T>>;
        if constexpr (sizeof(T) < 8) return each<mad_wide<T>>;
        return nullptr;
    });
}

void decode_mul24(Decoding &d, Type type, bool adds) {
    const std::string half = d.take_one_of({"hi", "lo"});
    if (half.empty()) d.refuse("neither .hi nor .lo");
    const bool high = half == "hi", is_signed = type == Type::s32;
    if (type != Type::u32 && type != Type::s32) d.refuse("has no such type");
    if (!adds) {
        operands(d, type, {type, type});
        d.insn.run = is_signed ? high ? each<mul24_hi<int32_t>> : each<mul24_lo<int32_t>>
                     : high ? each<mul24_hi<uint32_t>>
                               : each<mul24_lo<uint32_t>>;
        return;
    }
    operands(d, type, {type, type, type});
    if (d.take("sat")) {
        if (!high || !is_signed) d.refuse(".sat");
        d.insn.run = each<mad24_hi_sat>;
        return;
    }
    d.insn.run = is_signed ? high ? each<mad24_hi<int32_t>> : each<mad24_lo<int32_t>>
                 : high ? each<mad24_hi<uint32_t>>
                           : each<mad24_lo<uint32_t>>;
}

// ---- the rest ----

void decode_add(Decoding &d, Type type, bool add_not_sub) {
    operands(d, type, {type, type});
    if (d.take("sat")) {
        if (type != Type::s32) d.refuse(".sat of this type");
        d.insn.run = add_not_sub ? each<add_sat> : each<sub_sat>;
        return;
    }
    d.insn.run = for_integer(d, type, [&](auto zero) {
        using T = decltype(zero);
        return add_not_sub ? each<add<T>> : each<sub<T>>;
    });
}

void decode_extreme(Decoding &d, Type type, bool min) {
    operands(d, type, {type, type});
    if (d.take("relu")) {
        if (type != Type::s32) d.refuse(".relu of this type");
        d.insn.run = min ? each<least_relu<int32_t>> : each<greatest_relu<int32_t>>;
        return;
    }
    d.insn.run = for_integer(d, type, [&](auto zero) {
        using T = decltype(zero);
        return min ? each<least<T>> : each<greatest<T>>;
    });
}

void decode_division(Decoding &d, Type type, bool rest) {
    operands(d, type, {type, type});
    d.insn.run = for_integer(d, type, [&](auto zero) {
        using T = decltype(zero);
        return rest ? each<remainder<T>> : each<quotient<T>>;
    });
}

void decode_sign(Decoding &d, Type type, bool abs) {
    operands(d, type, {type});
    d.insn.run = for_integer(d, type, [&](auto zero) -> Handler {
        using T = decltype(zero);
        if constexpr (std::is_signed_v<T>) return abs ? each<absolute<T>> : each<negate<T>>;
        d.refuse("has no such type");
    });
}

}  // namespace

void decode_integer(Decoding &d, Type type) {
    const std::string &opcode = d.statement.opcode;
    classify(d, Class::integer);
    const bool carry_out = d.take("cc");
    if (opcode == "addc" || opcode == "subc" || opcode == "madc")
        return decode_carry(d, opcode, type, carry_out);
    if (carry_out && (opcode == "add" || opcode == "sub" || opcode == "mad"))
        return decode_carry(d, opcode, type, true);
    if (carry_out) d.refuse(".cc");
    if (opcode == "add" || opcode == "sub") return decode_add(d, type, opcode == "add");
    if (opcode == "mul" || opcode == "mad") return decode_mul(d, type);
    if (opcode == "mul24" || opcode == "mad24") return decode_mul24(d, type, opcode == "mad24");
    if (opcode == "min" || opcode == "max") return decode_extreme(d, type, opcode == "min");
    if (opcode == "div" || opcode == "rem") return decode_division(d, type, opcode == "rem");
    if (opcode == "abs" || opcode == "neg") return decode_sign(d, type, opcode == "abs");
    if (opcode == "sad") {
        operands(d, type, {type, type, type});
        d.insn.run = for_integer(d, type, [](auto zero) { return each<distance<decltype(zero)>>; });
        return;
    }
    d.refuse("has no such type");
}

void decode_integer_pair(Decoding &d, bool is_signed) {
    const std::string &opcode = d.statement.opcode;
    classify(d, Class::integer);
    operands(d, Type::b32, {Type::b32, Type::b32});
    const bool relu = (opcode == "min" || opcode == "max") && is_signed && d.take("relu");
    if (opcode == "add")
        d.insn.run = each_half<add<uint16_t>>;
    else if (opcode == "min")
        d.insn.run = relu        ? each_half<least_relu<int16_t>>
                     : is_signed ? each_half<least<int16_t>>
                                 : each_half<least<uint16_t>>;
    else if (opcode == "max")
        d.insn.run = relu        ? each_half<greatest_relu<int16_t>>
                     : is_signed ? each_half<greatest<int16_t>>
                                 : each_half<greatest<uint16_t>>;
    else
        d.refuse("has no such type");
}
