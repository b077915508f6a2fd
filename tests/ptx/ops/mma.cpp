// mma.sync of floating-point types.
#include <cstring>

#include "../decode/decode.h"
#include "collective.h"
#include "mma_product.h"

void decode_integer_mma(Decoding &d, int m, int k, Type a, Type b);
void decode_bit_mma(Decoding &d, int m, int k);

namespace {

constexpr int MOST_K = 32;

struct Form {
    int m, k, width;
    Unpack<double> a, b;
    int a_registers, b_registers, d_registers;
    Accumulator c, d;
};

// ops: d, a, b, c
void run_mma(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    const Form &form = *(const Form *)insn.extra;
    const int32_t *a_ops = insn.ops + form.d_registers, *b_ops = a_ops + form.a_registers;
    double a[16 * MOST_K], b[MOST_K][TILE], sums[16][TILE];
    unpack_a<double>(w, a_ops, form.a, form.width, form.m, form.k, a);
    unpack_b<double>(w, b_ops, form.b, form.width, form.k, b);
    read_accumulators(w, b_ops + form.b_registers, form.c, form.m, sums);
    add_product(a, b, form.m, form.k, sums);
    write_accumulators(w, insn.ops, nullptr, form.d, form.m, sums);
}

// Double precision: a chain of fused multiply-adds, each rounded to the nearest (.rn is the only mode
// here).
void run_mma_f64(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    const Form &form = *(const Form *)insn.extra;
    const int32_t *a_ops = insn.ops + form.d_registers, *b_ops = a_ops + form.a_registers;
    const int32_t *c_ops = b_ops + form.b_registers;
    double a[16 * MOST_K], b[MOST_K][TILE], sums[16][TILE];
    unpack_a<double>(w, a_ops, form.a, form.width, form.m, form.k, a);
    unpack_b<double>(w, b_ops, form.b, form.width, form.k, b);
    for (int j = 0; j < form.m / 4; ++j) {
        const double *c = w.at<double>(c_ops[j]);
        for (int l = 0; l < LANES; ++l) sums[j / 2 * 8 + l / 4][l % 4 * 2 + j % 2] = c[l];
    }
    for (int r = 0; r < form.m; ++r)
        for (int i = 0; i < form.k; ++i)
            for (int n = 0; n < TILE; ++n)
                sums[r][n] = std::fma(a[r * form.k + i], b[i][n], sums[r][n]);
    for (int j = 0; j < form.m / 4; ++j)
        w.set<double>(insn.ops[j], [&](int l) { return sums[j / 2 * 8 + l / 4][l % 4 * 2 + j % 2]; });
}

// ---- decoding ----

Unpack<double> unpack_of(Type type) {
    switch (type) {
        case Type::f16:
            return unpack<ElementF16, double>;
        case Type::bf16:
            return unpack<ElementBF16, double>;
        case Type::tf32:
            return unpack<ElementTF32, double>;
        case Type::e4m3:
            return unpack<ElementE4M3, double>;
        case Type::e5m2:
            return unpack<ElementE5M2, double>;
        default:
            return unpack_f64;
    }
}

bool exists(int m, int k, Type a, Type b, Type c, Type d) {
    const bool eight_bits = a == Type::e4m3 || a == Type::e5m2;
    if (eight_bits ? b != Type::e4m3 && b != Type::e5m2 : a != b) return false;
    if (a == Type::f64) return c == a && d == a && (m == 8 ? k == 4 : k == 4 || k == 8 || k == 16);
    const auto half_or_single = [](Type type) { return type == Type::f16 || type == Type::f32; };
    if (m != 16 || !half_or_single(c) || !half_or_single(d)) return false;
    if (a == Type::f16) return k == 16 || (k == 8 && c == d);
    if (eight_bits) return c == d && (k == 16 || k == 32);
    if (c != Type::f32 || d != Type::f32) return false;
    return a == Type::bf16 ? k == 8 || k == 16 : a == Type::tf32 && (k == 4 || k == 8);
}

void decode_float_mma(Decoding &d, int m, int k, Type a, Type b, Type c, Type result) {
    if (!exists(m, k, a, b, c, result)) d.refuse("no such combination of shape and types");
    Form *form = d.keep(Form{});
    d.insn.extra = form;
    const bool f64 = a == Type::f64;
    form->m = m, form->k = k, form->width = block_width(bits_of(a));
    form->a = unpack_of(a), form->b = unpack_of(b);
    form->b_registers = k / form->width;
    form->a_registers = m / 8 * form->b_registers;
    const auto registers = [m](Type type) { return type == Type::f16 ? m / 8 : m / 4; };
    const auto packed = [](Type type) { return type == Type::f16 ? Type::b32 : type; };
    form->d_registers = registers(result);
    d.write_vector(d.operand(0), packed(result), form->d_registers);
    d.read_vector(d.operand(1), f64 ? Type::f64 : Type::b32, form->a_registers);
    d.read_vector(d.operand(2), f64 ? Type::f64 : Type::b32, form->b_registers);
    d.read_vector(d.operand(3), packed(c), registers(c));
    form->c = c == Type::f16 ? Accumulator::f16 : Accumulator::f32;
    form->d = result == Type::f16 ? Accumulator::f16 : Accumulator::f32;
    d.insn.run = f64 ? run_mma_f64 : run_mma;
}

void decode_mma(Decoding &d) {
    const bool sync = d.take("sync");
    if (d.take("sp") || d.take("sp::ordered_metadata")) d.refuse("sparse matrices are not there");
    if (!d.take("aligned") || !sync) d.refuse(".sync.aligned is expected");
    if (d.take("block_scale")) d.refuse("scaled blocks (.block_scale) are not there");
    if (d.take("kind::f8f6f4")) d.refuse(".kind::f8f6f4 is not there");
    int m = 0, n = 0, k = 0;
    const std::string shape = d.take_any();
    if (std::sscanf(shape.c_str(), "m%dn%dk%d", &m, &n, &k) != 3 || n != TILE || (m != 8 && m != 16))
        d.refuse("m8n8 and m16n8 are the shapes that are there");
    const bool row = d.take("row");
    if (!d.take("col") || !row)
        d.refuse(".row.col is expected: other layouts have only m8n8k4, which is not there");
    const Type result = d.take_type(), a = d.take_type(), b = d.take_type(), c = d.take_type();
    if (a == Type::f16 && m == 8) d.refuse("m8n8k4 of f16 is not there");
    d.meets();
    d.insn.cls = Class::matrix;
    d.insn.unit = tensor_unit(a);
    d.insn.flops = 2 * m * n * k;
    if (result != Type::s32) return decode_float_mma(d, m, k, a, b, c, result);
    if (c != Type::s32) d.refuse("accumulators of .s32 are expected");
    if (a == Type::b1 && b == Type::b1) return decode_bit_mma(d, m, k);
    decode_integer_mma(d, m, k, a, b);
}

RegisterDecoder mma{"mma", decode_mma};

}  // namespace
