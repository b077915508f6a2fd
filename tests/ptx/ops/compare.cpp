// Comparisons and selections: setp, set, selp, slct.
#include "arithmetic.h"

namespace {

// ---- comparisons: ordered ones, and those that hold for not-a-numbers, too ----

struct Eq {
    template <class T>
    static bool of(T a, T b) {
        return a == b;
    }
};
struct Ne {
    template <class T>
    static bool of(T a, T b) {
        return (a < b) | (a > b);
    }
};
struct Lt {
    template <class T>
    static bool of(T a, T b) {
        return a < b;
    }
};
struct Le {
    template <class T>
    static bool of(T a, T b) {
        return a <= b;
    }
};
struct Gt {
    template <class T>
    static bool of(T a, T b) {
        return a > b;
    }
};
struct Ge {
    template <class T>
    static bool of(T a, T b) {
        return a >= b;
    }
};
struct Num {
    template <class T>
    static bool of(T a, T b) {
        return (a == a) & (b == b);
    }
};
template <class Ordered>
struct Not {
    template <class T>
    static bool of(T a, T b) {
        return !Ordered::of(a, b);
    }
};

using Comparison = Mask (*)(const Warp &, const int32_t *);
// What there is of one comparison: its handler for the plain setp, and masks of lanes for which it
// holds (in the low and the high halves, of pairs).
struct Forms {
    Handler plain = nullptr;
    Comparison low = nullptr, high = nullptr;
};

template <auto F>
void run_plain(Warp &w, const Insn &insn) {
    w.set_pred(insn.ops[0], Test<F>::mask(w, insn.ops + 1));
}
template <auto F>
Forms forms() {
    return {run_plain<F>, Test<F>::mask, nullptr};
}

template <class Cmp, class T>
bool compare(T a, T b) {
    return Cmp::of(a, b);
}
template <class Cmp>
bool compare_flushed(float a, float b) {
    return Cmp::of(flushed(a), flushed(b));
}
template <class Cmp, class Format, bool ftz>
bool compare_half(uint16_t a, uint16_t b) {
    if (ftz) a = (a & 0x7c00) == 0 ? a & 0x8000 : a, b = (b & 0x7c00) == 0 ? b & 0x8000 : b;
    return Cmp::of(Format::wide(a), Format::wide(b));
}
template <class Cmp, class Format, bool ftz>
bool compare_low(uint32_t a, uint32_t b) {
    return compare_half<Cmp, Format, ftz>(a, b);
}
template <class Cmp, class Format, bool ftz>
bool compare_high(uint32_t a, uint32_t b) {
    return compare_half<Cmp, Format, ftz>(a >> 16, b >> 16);
}

template <class Cmp, class Format, bool ftz>
Forms half_forms(bool pair) {
    if (!pair) return forms<compare_half<Cmp, Format, ftz>>();
    return {nullptr, Test<compare_low<Cmp, Format, ftz>>::mask,
            Test<compare_high<Cmp, Format, ftz>>::mask};
}

template <class Cmp>
Forms float_forms(const Decoding &d, Type type, bool ftz) {
    const bool pair = type == Type::f16x2 || type == Type::bf16x2;
    switch (type) {
        case Type::f32:
            return ftz ? forms<compare_flushed<Cmp>>() : forms<compare<Cmp, float>>();
        case Type::f64:
            return forms<compare<Cmp, double>>();
        case Type::f16:
        case Type::f16x2:
            return ftz ? half_forms<Cmp, F16, true>(pair) : half_forms<Cmp, F16, false>(pair);
        case Type::bf16:
        case Type::bf16x2:
            return half_forms<Cmp, BF16, false>(pair);
        default:
            d.refuse("has no such type");
    }
}
template <class Cmp>
Forms integer_forms(const Decoding &d, Type type) {
    switch (type) {
        case Type::u16:
        case Type::b16:
            return forms<compare<Cmp, uint16_t>>();
        case Type::s16:
            return forms<compare<Cmp, int16_t>>();
        case Type::u32:
        case Type::b32:
            return forms<compare<Cmp, uint32_t>>();
        case Type::s32:
            return forms<compare<Cmp, int32_t>>();
        case Type::u64:
        case Type::b64:
            return forms<compare<Cmp, uint64_t>>();
        case Type::s64:
            return forms<compare<Cmp, int64_t>>();
        default:
            d.refuse("has no such type");
    }
}

Forms find_float(const Decoding &d, const std::string &name, Type type, bool ftz) {
    if (name == "eq") return float_forms<Eq>(d, type, ftz);
    if (name == "ne") return float_forms<Ne>(d, type, ftz);
    if (name == "lt") return float_forms<Lt>(d, type, ftz);
    if (name == "le") return float_forms<Le>(d, type, ftz);
    if (name == "gt") return float_forms<Gt>(d, type, ftz);
    if (name == "ge") return float_forms<Ge>(d, type, ftz);
    if (name == "equ") return float_forms<Not<Ne>>(d, type, ftz);
    if (name == "neu") return float_forms<Not<Eq>>(d, type, ftz);
    if (name == "ltu") return float_forms<Not<Ge>>(d, type, ftz);
    if (name == "leu") return float_forms<Not<Gt>>(d, type, ftz);
    if (name == "gtu") return float_forms<Not<Le>>(d, type, ftz);
    if (name == "geu") return float_forms<Not<Lt>>(d, type, ftz);
    if (name == "num") return float_forms<Num>(d, type, ftz);
    if (name == "nan") return float_forms<Not<Num>>(d, type, ftz);
    d.refuse("has no such comparison");
}

Forms find_integer(const Decoding &d, std::string name, Type type) {
    if (name == "eq") return integer_forms<Eq>(d, type);
    if (name == "ne") return integer_forms<Ne>(d, type);
    if (name_of(type)[0] == 'b') d.refuse("compares the order of bits");
    if (!is_signed(type))
        name = name == "lo"   ? "lt"
               : name == "ls" ? "le"
               : name == "hi" ? "gt"
               : name == "hs" ? "ge"
                              : name;
    if (name == "lt") return integer_forms<Lt>(d, type);
    if (name == "le") return integer_forms<Le>(d, type);
    if (name == "gt") return integer_forms<Gt>(d, type);
    if (name == "ge") return integer_forms<Ge>(d, type);
    d.refuse("has no such comparison");
}

std::string take_comparison(Decoding &d) {
    const std::string name = d.take_one_of({"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs",
                                            "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"});
    if (name.empty()) d.refuse("a comparison is missing");
    return name;
}

Forms find(Decoding &d, const std::string &name, Type type) {
    if (!is_float(type)) return find_integer(d, name, type);
    const bool may_flush = type == Type::f32 || type == Type::f16 || type == Type::f16x2;
    return find_float(d, name, type, may_flush && d.take("ftz"));
}

// ---- with another predicate ----

enum class Combine { none, with_and, with_or, with_xor };
struct Comparing {
    Forms forms;
    Combine combine = Combine::none;
};

Combine take_combine(Decoding &d) {
    const std::string name = d.take_one_of({"and", "or", "xor"});
    return name.empty()    ? Combine::none
           : name == "and" ? Combine::with_and
           : name == "or"  ? Combine::with_or
                           : Combine::with_xor;
}
Mask combined(Combine combine, Mask a, Mask b) {
    return combine == Combine::none       ? a
           : combine == Combine::with_and ? a & b
           : combine == Combine::with_or  ? a | b
                                          : a ^ b;
}

// ops: p, q, a, b, c and its sign.
void run_setp(Warp &w, const Insn &insn) {
    const Comparing &c = *(const Comparing *)insn.extra;
    const Mask low = c.forms.low(w, insn.ops + 2);
    const Mask high = c.forms.high != nullptr ? c.forms.high(w, insn.ops + 2) : ~low;
    const Mask other = w.pred(insn.ops[4], insn.ops[5]);
    w.set_pred(insn.ops[0], combined(c.combine, low, other));
    w.set_pred(insn.ops[1], combined(c.combine, high, other));
}

void read_other(Decoding &d, Combine combine) {
    Operand always;
    always.kind = Operand::integer;
    d.read_pred(combine == Combine::none ? always : d.operand(3));
    if (d.operands() != (combine == Combine::none ? 3 : 4)) d.refuse("has another number of operands");
}

void decode_setp(Decoding &d) {
    const std::string name = take_comparison(d);
    const Combine combine = take_combine(d);
    const Type type = d.take_type();
    const Forms forms = find(d, name, type);
    const Operand &to = d.operand(0);
    const bool two = to.kind == Operand::pair;
    classify(d, is_float(type) ? Class::float32 : Class::integer);
    if (type == Type::f64) d.insn.cls = Class::float64;
    if (is_float(type) && type != Type::f32 && type != Type::f64) d.insn.cls = Class::half;
    if (forms.plain != nullptr && combine == Combine::none && !two) {
        d.write_pred(to);
        d.read(d.operand(1), type);
        d.read(d.operand(2), type);
        if (d.operands() != 3) d.refuse("has another number of operands");
        d.insn.run = forms.plain;
        return;
    }
    if (forms.high != nullptr && !two) d.refuse("needs two destinations");
    d.write_pred(two ? to.parts[0] : to);
    d.write_pred(two ? to.parts[1] : Operand{});
    d.read(d.operand(1), type);
    d.read(d.operand(2), type);
    read_other(d, combine);
    d.insn.extra = d.keep(Comparing{forms, combine});
    d.insn.run = run_setp;
}

// ops: d, a, b, c and its sign.  insn.imm: what stands for true.
template <class T>
void run_set(Warp &w, const Insn &insn) {
    const Comparing &c = *(const Comparing *)insn.extra;
    const Mask other = w.pred(insn.ops[3], insn.ops[4]);
    const Mask low = combined(c.combine, c.forms.low(w, insn.ops + 1), other);
    const T yes = insn.imm;
    if (c.forms.high == nullptr) {
        w.set<T>(insn.ops[0], [=](int l) { return low >> l & 1 ? yes : 0; });
    } else {
        const Mask high = combined(c.combine, c.forms.high(w, insn.ops + 1), other);
        w.set<T>(insn.ops[0],
                 [=](int l) { return (low >> l & 1 ? yes : 0) | (high >> l & 1 ? yes << 16 : 0); });
    }
}

void decode_set(Decoding &d) {
    const std::string name = take_comparison(d);
    const Combine combine = take_combine(d);
    const Type to = d.take_type(), type = d.take_type();
    const Forms forms = find(d, name, type);
    const bool pair = forms.high != nullptr;
    classify(d, is_float(type) ? Class::float32 : Class::integer);
    switch (to) {
        case Type::f32:
            d.insn.imm = 0x3f800000;
            break;
        case Type::u32:
        case Type::s32:
            d.insn.imm = pair ? 0xffff : 0xffffffff;
            break;
        case Type::u16:
        case Type::s16:
            d.insn.imm = 0xffff;
            break;
        case Type::f16:
        case Type::f16x2:
            d.insn.imm = F16::one;
            break;
        case Type::bf16:
        case Type::bf16x2:
            d.insn.imm = BF16::one;
            break;
        default:
            d.refuse("has no such type");
    }
    if (pair != (to == Type::f16x2 || to == Type::bf16x2) &&
        !(pair && (to == Type::u32 || to == Type::s32)))
        d.refuse("has no such types");
    d.write(d.operand(0), to);
    d.read(d.operand(1), type);
    d.read(d.operand(2), type);
    read_other(d, combine);
    d.insn.extra = d.keep(Comparing{forms, combine});
    d.insn.run = run_set<uint32_t>;
}

// ---- selections ----

template <class T>
void run_selp(Warp &w, const Insn &insn) {
    const T *a = w.at<T>(insn.ops[1]), *b = w.at<T>(insn.ops[2]);
    const Mask first = w.pred(insn.ops[3], insn.ops[4]);
    w.set<T>(insn.ops[0], [=](int l) { return first >> l & 1 ? a[l] : b[l]; });
}

void decode_selp(Decoding &d) {
    const Type type = d.take_type();
    classify(d, Class::integer);
    d.write(d.operand(0), type);
    d.read(d.operand(1), type);
    d.read(d.operand(2), type);
    d.read_pred(d.operand(3));
    if (d.operands() != 4 || bits_of(type) < 16) d.refuse("has no such form");
    d.insn.run = bits_of(type) == 64 ? run_selp<uint64_t> : run_selp<uint32_t>;
}

template <class T>
T selected(T a, T b, int32_t c) {
    return c >= 0 ? a : b;
}
template <class T, bool ftz>
T selected_by(T a, T b, float c) {
    return (ftz ? flushed(c) : c) >= 0 ? a : b;
}

void decode_slct(Decoding &d) {
    const Type type = d.take_type(), by = d.take_type();
    classify(d, Class::integer);
    if (by != Type::s32 && by != Type::f32) d.refuse("has no such type");
    const bool ftz = by == Type::f32 && d.take("ftz");
    operands(d, type, {type, type, by});
    d.insn.run = for_bits(d, bits_of(type), [&](auto zero) {
        using T = decltype(zero);
        return by == Type::s32 ? each<selected<T>>
               : ftz           ? each<selected_by<T, true>>
                               : each<selected_by<T, false>>;
    });
}

RegisterDecoder setp{"setp", decode_setp}, set{"set", decode_set}, selp{"selp", decode_selp},
    slct{"slct", decode_slct};

}  // namespace
