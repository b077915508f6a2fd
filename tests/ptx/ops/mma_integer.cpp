// mma.sync of integers (8 and 4 bits) and of single bits.
#include <bit>
#include <cstring>

#include "../decode/decode.h"
#include "collective.h"
#include "mma_product.h"

namespace {

constexpr int MOST_K = 64;

struct Form {
    int m, k, width;
    Unpack<int32_t> a, b;
    int a_registers, b_registers, d_registers;
    Accumulator type;
};

// ops: d, a, b, c
void run_mma(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    const Form &form = *(const Form *)insn.extra;
    const int32_t *a_ops = insn.ops + form.d_registers, *b_ops = a_ops + form.a_registers;
    int32_t a[16 * MOST_K], b[MOST_K][TILE], sums[16][TILE] = {};
    unpack_a<int32_t>(w, a_ops, form.a, form.width, form.m, form.k, a);
    unpack_b<int32_t>(w, b_ops, form.b, form.width, form.k, b);
    add_product(a, b, form.m, form.k, sums);
    write_accumulators(w, insn.ops, b_ops + form.b_registers, form.type, form.m, sums);
}

// Elements are words of 32 bits here, and `k` counts those.
template <bool exclusive>
void run_bits(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    const Form &form = *(const Form *)insn.extra;
    const int32_t *a_ops = insn.ops + form.d_registers, *b_ops = a_ops + form.a_registers;
    int32_t a[16 * 8], b[8][TILE], sums[16][TILE] = {};
    unpack_a<int32_t>(w, a_ops, form.a, form.width, form.m, form.k, a);
    unpack_b<int32_t>(w, b_ops, form.b, form.width, form.k, b);
    for (int r = 0; r < form.m; ++r)
        for (int i = 0; i < form.k; ++i)
            for (int n = 0; n < TILE; ++n) {
                const uint32_t x = a[r * form.k + i], y = b[i][n];
                sums[r][n] += std::popcount(exclusive ? x ^ y : x & y);
            }
    write_accumulators(w, insn.ops, b_ops + form.b_registers, form.type, form.m, sums);
}

Form *read_operands(Decoding &d, int m, int k, int width) {
    Form *form = d.keep(Form{});
    d.insn.extra = form;
    form->m = m, form->k = k, form->width = width;
    form->type = Accumulator::s32;
    form->b_registers = k / width;
    form->a_registers = m / 8 * form->b_registers;
    form->d_registers = m / 4;
    d.write_vector(d.operand(0), Type::s32, form->d_registers);
    d.read_vector(d.operand(1), Type::b32, form->a_registers);
    d.read_vector(d.operand(2), Type::b32, form->b_registers);
    d.read_vector(d.operand(3), Type::s32, form->d_registers);
    return form;
}

Unpack<int32_t> unpack_of(Type type) {
    switch (type) {
        case Type::s8:
            return unpack<ElementS8, int32_t>;
        case Type::u8:
            return unpack<ElementU8, int32_t>;
        case Type::s4:
            return unpack_nibbles<true>;
        case Type::u4:
            return unpack_nibbles<false>;
        default:
            return nullptr;
    }
}

}  // namespace

void decode_integer_mma(Decoding &d, int m, int k, Type a, Type b) {
    const Unpack<int32_t> unpack_a = unpack_of(a), unpack_b = unpack_of(b);
    const int bits = bits_of(a), least = 128 / bits;
    if (unpack_a == nullptr || unpack_b == nullptr || bits != bits_of(b)) d.refuse("no such types");
    if (k != least && (m == 8 || k != 2 * least)) d.refuse("no such combination of shape and types");
    Form *form = read_operands(d, m, k, block_width(bits));
    form->a = unpack_a, form->b = unpack_b;
    if (d.take("satfinite")) form->type = Accumulator::s32_saturating;
    d.insn.run = run_mma;
}

void decode_bit_mma(Decoding &d, int m, int k) {
    if (k != 128 && (m == 8 || k != 256)) d.refuse("no such combination of shape and types");
    const std::string op = d.take_one_of({"xor", "and"});
    if (!d.take("popc") || op.empty()) d.refuse(".xor.popc or .and.popc is expected");
    Form *form = read_operands(d, m, k / 32, 4);
    form->a = form->b = unpack<ElementB1, int32_t>;
    d.insn.run = op == "xor" ? run_bits<true> : run_bits<false>;
}
