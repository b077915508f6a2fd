// mov: registers, constants, addresses, and parts of registers put together or taken apart; cvta.
#include "../machine/block.h"
#include "../memory/memory.h"
#include "lanes.h"

// decodes mov from a special register: special_registers.cpp
void decode_special_register(Decoding &d, Type type);

namespace {

template <class T>
T copied(T a) {
    return a;
}

// Wide registers: their 64-bit halves stand one behind the other.  Both are read first, for the
// registers may overlap.
void run_copy_128(Warp &w, const Insn &insn) {
    uint64_t both[2 * LANES];
    std::memcpy(both, w.at<uint64_t>(insn.ops[1]), sizeof both);
    uint64_t *to = w.at<uint64_t>(insn.ops[0]);
    for (int half = 0; half < 2; ++half)
        for (int l = 0; l < LANES; ++l)
            if (w.exec >> l & 1) to[half * LANES + l] = both[half * LANES + l];
}

void run_move_pred(Warp &w, const Insn &insn) {
    w.set_pred(insn.ops[0], w.pred(insn.ops[1], insn.ops[2]));
}

template <class T>
void run_add_offset(Warp &w, const Insn &insn) {
    const T *a = w.at<T>(insn.ops[1]);
    const T offset = insn.imm;
    w.set<T>(insn.ops[0], [=](int l) { return a[l] + offset; });
}

// ---- vectors ----

uint64_t join_words(uint32_t low, uint32_t high) { return low | (uint64_t)high << 32; }
uint32_t join_halves(uint16_t low, uint16_t high) { return low | (uint32_t)high << 16; }

// The bits that lane l's register of `width` bits has from bit `at` on.
uint64_t part_of(const Warp &w, int32_t op, int width, int at, int bits, int l) {
    uint64_t value;
    if (width <= 32)
        value = w.at<uint32_t>(op)[l];
    else
        value = w.at<uint64_t>(op)[l + (at >= 64 ? LANES : 0)];
    value >>= at % 64;
    return bits == 64 ? value : value & ((1ull << bits) - 1);
}

// Elements of insn.bytes bytes, insn.count of them, first to last in ops[1...]; ops[0] the whole.
void run_pack(Warp &w, const Insn &insn) {
    const int bits = 8 * insn.bytes, width = bits * insn.count;
    uint64_t whole[2][LANES] = {};
    for (int i = 0; i < insn.count; ++i)
        for (int l = 0; l < LANES; ++l)
            whole[i * bits / 64][l] |= part_of(w, insn.ops[1 + i], bits, 0, bits, l) << i * bits % 64;
    if (width <= 32) {
        w.set<uint32_t>(insn.ops[0], [&](int l) { return (uint32_t)whole[0][l]; });
        return;
    }
    for (int half = 0; half < (width + 63) / 64; ++half) {
        uint64_t *to = w.at<uint64_t>(insn.ops[0]) + half * LANES;
        for (int l = 0; l < LANES; ++l) to[l] = w.exec >> l & 1 ? whole[half][l] : to[l];
    }
}

// ops[0...] the elements, then the whole.  The whole is read first: an element may be stored over it.
void run_unpack(Warp &w, const Insn &insn) {
    const int bits = 8 * insn.bytes, width = bits * insn.count;
    uint64_t parts[16][LANES];
    for (int i = 0; i < insn.count; ++i)
        for (int l = 0; l < LANES; ++l)
            parts[i][l] = part_of(w, insn.ops[insn.count], width, i * bits, bits, l);
    for (int i = 0; i < insn.count; ++i) {
        if (bits == 64)
            w.set<uint64_t>(insn.ops[i], [&](int l) { return parts[i][l]; });
        else
            w.set<uint32_t>(insn.ops[i], [&](int l) { return (uint32_t)parts[i][l]; });
    }
}
// Two elements of 32 or 16 bits.
template <class Whole, class Part>
void run_split(Warp &w, const Insn &insn) {
    const Whole *from = w.at<Whole>(insn.ops[2]);
    uint32_t high[LANES];
    for (int l = 0; l < LANES; ++l) high[l] = from[l] >> (8 * sizeof(Part));
    w.set<uint32_t>(insn.ops[0], [=](int l) { return (Part)from[l]; });
    w.set<uint32_t>(insn.ops[1], [&](int l) { return high[l]; });
}

Type untyped(const Decoding &d, int bits) {
    switch (bits) {
        case 8:
            return Type::b8;
        case 16:
            return Type::b16;
        case 32:
            return Type::b32;
        case 64:
            return Type::b64;
        default:
            d.refuse("a vector of elements that do not fit");
    }
}

void decode_vector(Decoding &d, Type type, bool packs) {
    const Operand &to = d.operand(0), &from = d.operand(1);
    const Operand &vector = packs ? from : to;
    const int count = vector.parts.size(), bits = count == 0 ? 0 : bits_of(type) / count;
    if (count < 2 || count > 16) d.refuse("a vector of so many elements");
    const Type part = untyped(d, bits);
    d.insn.bytes = bits / 8;
    d.insn.count = count;
    if (packs) {
        d.write(to, type);
        d.read_vector(from, part, count);
        d.insn.run = count == 2 && bits == 32   ? each<join_words>
                     : count == 2 && bits == 16 ? each<join_halves>
                                                : run_pack;
    } else {
        d.write_vector(to, part, count);
        d.read(from, type);
        d.insn.run = count == 2 && bits == 32   ? run_split<uint64_t, uint32_t>
                     : count == 2 && bits == 16 ? run_split<uint32_t, uint16_t>
                                                : run_unpack;
    }
}

void decode_mov(Decoding &d) {
    const Type type = d.take_type();
    classify(d, Class::integer);
    if (d.operands() != 2) d.refuse("has another number of operands");
    const Operand &to = d.operand(0), &from = d.operand(1);
    if (from.kind == Operand::name && from.text[0] == '%') return decode_special_register(d, type);
    if (type == Type::pred) {
        d.write_pred(to);
        d.read_pred(from);
        d.insn.run = run_move_pred;
        return;
    }
    if (to.kind == Operand::vector && from.kind == Operand::vector) d.refuse("two vectors");
    if (to.kind == Operand::vector || from.kind == Operand::vector)
        return decode_vector(d, type, from.kind == Operand::vector);
    d.write(to, type);
    if (from.kind == Operand::name && from.offset != 0) {
        Operand base = from;
        base.offset = 0;
        d.read(base, type);
        d.insn.imm = from.offset;
        d.insn.run = bits_of(type) == 64 ? run_add_offset<uint64_t> : run_add_offset<uint32_t>;
        return;
    }
    d.read(from, type);
    if (type == Type::b128)
        d.insn.run = run_copy_128;
    else
        d.insn.run = for_bits(d, bits_of(type), [](auto zero) { return each<copied<decltype(zero)>>; });
}

// ---- cvta ----

// Parameters of the entry have no address before the launch.
template <bool to_generic>
void run_parameter(Warp &w, const Insn &insn) {
    const uint64_t *a = w.at<uint64_t>(insn.ops[1]);
    const uint64_t base = (uint64_t)w.block->launch->params.data() + insn.imm;
    w.set<uint64_t>(insn.ops[0], [=](int l) { return to_generic ? a[l] + base : a[l] - base; });
}

void decode_cvta(Decoding &d) {
    const bool from_generic = d.take("to");
    const std::string space = d.take_one_of({"global", "const", "local", "shared", "shared::cta",
                                             "shared::cluster", "param", "param::entry"});
    if (space.empty()) d.refuse("no space");
    const Type type = d.take_type();
    classify(d, Class::integer);
    if (type != Type::u64) d.refuse("addresses of 32 bits");
    d.write(d.operand(0), type);
    Operand from = d.operand(1);
    const int64_t offset = from.kind == Operand::name ? std::exchange(from.offset, 0) : 0;
    d.read(from, type);
    if (d.operands() != 2) d.refuse("has another number of operands");
    const uint64_t window = space.starts_with("shared") ? SHARED_WINDOW
                            : space == "local"          ? LOCAL_WINDOW
                                                        : 0;
    d.insn.imm = (from_generic ? -window : window) + offset;
    if (space.starts_with("param")) {
        d.insn.run = from_generic ? run_parameter<false> : run_parameter<true>;
        return;
    }
    d.insn.run = d.insn.imm == 0 ? each<copied<uint64_t>> : run_add_offset<uint64_t>;
}

RegisterDecoder mov{"mov", decode_mov}, cvta{"cvta", decode_cvta};

}  // namespace
