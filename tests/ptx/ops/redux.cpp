// redux.sync: one value out of those of all lanes.
#include <algorithm>
#include <cmath>

#include "../decode/decode.h"
#include "collective.h"

namespace {

constexpr uint32_t NOT_A_NUMBER = 0x7fffffff;

struct Add {
    static uint32_t of(uint32_t a, uint32_t b) { return a + b; }
};
struct And {
    static uint32_t of(uint32_t a, uint32_t b) { return a & b; }
};
struct Or {
    static uint32_t of(uint32_t a, uint32_t b) { return a | b; }
};
struct Xor {
    static uint32_t of(uint32_t a, uint32_t b) { return a ^ b; }
};
template <class T>
struct Min {
    static uint32_t of(uint32_t a, uint32_t b) { return std::min((T)a, (T)b); }
};
template <class T>
struct Max {
    static uint32_t of(uint32_t a, uint32_t b) { return std::max((T)a, (T)b); }
};

// Bits of floats in the order of their values, -0 before +0.
int32_t rank(uint32_t bits) { return (int32_t)bits < 0 ? (int32_t)(bits ^ 0x7fffffff) : (int32_t)bits; }

// Not-a-numbers lose against numbers; `strict`: they win.
template <bool greatest, bool absolute, bool strict>
struct Extreme {
    static uint32_t of(uint32_t a, uint32_t b) {
        const bool no_a = (a & 0x7fffffff) > 0x7f800000, no_b = (b & 0x7fffffff) > 0x7f800000;
        if (no_a || no_b) return (no_a && no_b) || strict ? NOT_A_NUMBER : no_a ? b : a;
        return (rank(a) < rank(b)) != greatest ? a : b;
    }
    static uint32_t prepared(uint32_t a) {
        if (absolute) a &= 0x7fffffff;
        return (a & 0x7fffffff) > 0x7f800000 ? NOT_A_NUMBER : a;
    }
};

template <class Op>
uint32_t prepared(uint32_t a) {
    if constexpr (requires { Op::prepared(a); })
        return Op::prepared(a);
    else
        return a;
}

template <class Op>
uint32_t reduced(const uint32_t *a, Mask lanes) {
    uint32_t result = prepared<Op>(a[first_lane(lanes)]);
    for (Mask rest = lanes & (lanes - 1); rest != 0; rest &= rest - 1)
        result = Op::of(result, prepared<Op>(a[first_lane(rest)]));
    return result;
}

// ops: d, a, mask
template <class Op>
void run_redux(Warp &w, const Insn &insn) {
    Peers peers;
    if (!gather(w, insn, insn.ops[2], peers)) return;
    const uint32_t *a = w.at<uint32_t>(insn.ops[1]);
    uint32_t result[LANES] = {};
    for (Mask rest = w.exec; rest != 0; rest &= rest - 1) {
        const int lane = first_lane(rest), before = first_lane(w.exec);
        const Mask here = peers.of(w, lane);
        if (here == 0) continue;  // found out: the lane is not in its mask
        result[lane] = lane != before && peers.masks == nullptr ? result[before] : reduced<Op>(a, here);
    }
    w.set<uint32_t>(insn.ops[0], [&](int l) { return result[l]; });
}

template <bool greatest>
Handler extreme(bool absolute, bool strict) {
    if (absolute)
        return strict ? run_redux<Extreme<greatest, true, true>>
                      : run_redux<Extreme<greatest, true, false>>;
    return strict ? run_redux<Extreme<greatest, false, true>>
                  : run_redux<Extreme<greatest, false, false>>;
}

Handler handler_of(Decoding &d, const std::string &op, Type type) {
    if (type == Type::b32)
        return op == "and"   ? run_redux<And>
               : op == "or"  ? run_redux<Or>
               : op == "xor" ? run_redux<Xor>
                             : nullptr;
    if (type == Type::f32) {
        const bool absolute = d.take("abs"), strict = d.take("NaN");
        return op == "min"   ? extreme<false>(absolute, strict)
               : op == "max" ? extreme<true>(absolute, strict)
                             : nullptr;
    }
    if (type != Type::u32 && type != Type::s32) return nullptr;
    if (op == "add") return run_redux<Add>;
    if (op == "min") return type == Type::u32 ? run_redux<Min<uint32_t>> : run_redux<Min<int32_t>>;
    if (op == "max") return type == Type::u32 ? run_redux<Max<uint32_t>> : run_redux<Max<int32_t>>;
    return nullptr;
}

void decode_redux(Decoding &d) {
    if (!d.take("sync")) d.refuse("redux.sync is expected");
    const std::string op = d.take_one_of({"add", "min", "max", "and", "or", "xor"});
    const Type type = d.take_type();
    d.insn.run = handler_of(d, op, type);
    if (d.insn.run == nullptr) d.refuse("this operation does not exist for this type");
    d.write(d.operand(0), type);
    d.read(d.operand(1), type);
    d.read(d.operand(2), Type::u32);
    d.meets();
    d.insn.cls = Class::warp;
}

RegisterDecoder redux{"redux", decode_redux};

}  // namespace
