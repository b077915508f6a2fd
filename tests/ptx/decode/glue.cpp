// Instructions that no statement says: they fit registers to the types of operands.
#include "../machine/block.h"
#include "function_decoder.h"

namespace {

void run_truncate(Warp &w, const Insn &insn) {
    const uint64_t *from = w.at<uint64_t>(insn.ops[1]);
    w.set<uint32_t>(insn.ops[0], [=](int l) { return (uint32_t)from[l]; });
}

// From: how the value is read; To: the register, which holds what is `Width` bits wide.
template <class From, class To, class Width>
void run_extend(Warp &w, const Insn &insn) {
    const uint32_t *from = w.at<uint32_t>(insn.ops[1]);
    w.set<To>(insn.ops[0], [=](int l) { return (To)(Width)(From)from[l]; });
}

template <class From>
Handler extend_to(int bits) {
    if (bits == 64) return run_extend<From, uint64_t, uint64_t>;
    if (bits == 32) return run_extend<From, uint32_t, uint32_t>;
    return run_extend<From, uint32_t, uint16_t>;
}

template <class T>
void run_shared_address(Warp &w, const Insn &insn) {
    const T address = w.block->shared_base() | (uint32_t)insn.imm;
    w.set<T>(insn.ops[0], [=](int) { return address; });
}

}  // namespace

Handler truncating_handler() { return run_truncate; }

Handler extending_handler(Type type, int to_bits) {
    const bool sign = is_signed(type);
    switch (bits_of(type)) {
        case 8:
            return sign ? extend_to<int8_t>(to_bits) : extend_to<uint8_t>(to_bits);
        case 16:
            return sign ? extend_to<int16_t>(to_bits) : extend_to<uint16_t>(to_bits);
        default:
            return sign ? extend_to<int32_t>(to_bits) : extend_to<uint32_t>(to_bits);
    }
}

Handler shared_address_handler(bool wide) {
    return wide ? run_shared_address<uint64_t> : run_shared_address<uint32_t>;
}
