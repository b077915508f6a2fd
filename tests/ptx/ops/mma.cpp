// mma.sync of floating-point types.
#include <cstring>

#include "../decode/decode.h"
#include "collective.h"
#include "mma_fragments.h"
#include "mma_rounding.h"

void decode_integer_mma(Decoding &d, int m, int k, Type a, Type b);
void decode_bit_mma(Decoding &d, int m, int k);

namespace {

constexpr int N = 8, MOST_K = 32;

struct Form {
    int m, k, width;
    Unpack<double> a, b;
    int a_registers, b_registers, d_registers;
};

using Eight = double __attribute__((vector_size(64)));

// sums += a b, of the columns of A from `begin` to `end`.
void add_products(const double *a, const double (*b)[N], int m, int k, int begin, int end,
                  Eight *sums) {
    for (int row = 0; row < m; row += 8) {
        Eight s[8];
        for (int r = 0; r < 8; ++r) s[r] = sums[row + r];
        for (int i = begin; i < end; ++i) {
            Eight column;
            std::memcpy(&column, b[i], sizeof column);
            for (int r = 0; r < 8; ++r) s[r] += a[(row + r) * k + i] * column;
        }
        for (int r = 0; r < 8; ++r) sums[row + r] = s[r];
    }
}

void multiply(const double *a, const double (*b)[N], int m, int k, double (*sums)[N]) {
    const Rounding how = rounding();
    Eight s[16];
    std::memcpy(s, sums, sizeof(Eight) * m);
    if (!how.in_halves) {
        add_products(a, b, m, k, 0, k, s);
        std::memcpy(sums, s, sizeof(Eight) * m);
        return;
    }
    add_products(a, b, m, k, 0, k / 2, s);
    std::memcpy(sums, s, sizeof(Eight) * m);
    for (int r = 0; r < m; ++r)
        for (int n = 0; n < N; ++n) sums[r][n] = rounded_sum(sums[r][n], how.truncates);
    std::memcpy(s, sums, sizeof(Eight) * m);
    add_products(a, b, m, k, k / 2, k, s);
    std::memcpy(sums, s, sizeof(Eight) * m);
}

// ---- accumulators ----

void read_f32(const Warp &w, const int32_t *ops, int m, double (*c)[N]) {
    double *to = c[0];
    for (int h = 0; h < m / 8; ++h, to += 64) {
        const float *even = w.at<float>(ops[2 * h]), *odd = w.at<float>(ops[2 * h + 1]);
        for (int l = 0; l < LANES; ++l) to[2 * l] = even[l], to[2 * l + 1] = odd[l];
    }
}

void read_f16(const Warp &w, const int32_t *ops, int m, double (*c)[N]) {
    for (int h = 0; h < m / 8; ++h) unpack<ElementF16, double>(w.at<uint32_t>(ops[h]), c[8 * h], N);
}

void write_f32(Warp &w, const int32_t *ops, int m, const double (*sums)[N]) {
    const bool truncates = rounding().truncates;
    for (int h = 0; h < m / 8; ++h) {
        const double *from = sums[8 * h];
        w.set<float>(ops[2 * h], [&](int l) { return rounded_sum(from[2 * l], truncates); });
        w.set<float>(ops[2 * h + 1], [&](int l) { return rounded_sum(from[2 * l + 1], truncates); });
    }
}

void write_f16(Warp &w, const int32_t *ops, int m, const double (*sums)[N]) {
    for (int h = 0; h < m / 8; ++h) {
        const double *from = sums[8 * h];
        w.set<uint32_t>(ops[h], [&](int l) {
            return F16::narrow(from[2 * l]) | (uint32_t)F16::narrow(from[2 * l + 1]) << 16;
        });
    }
}

// ops: d, a, b, c
template <bool c_is_half, bool d_is_half>
void run_mma(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    const Form &form = *(const Form *)insn.extra;
    const int32_t *a_ops = insn.ops + form.d_registers, *b_ops = a_ops + form.a_registers;
    double a[16 * MOST_K], b[MOST_K][N], sums[16][N];
    unpack_a<double>(w, a_ops, form.a, form.width, form.m, form.k, a);
    unpack_b<double>(w, b_ops, form.b, form.width, form.k, b);
    (c_is_half ? read_f16 : read_f32)(w, b_ops + form.b_registers, form.m, sums);
    multiply(a, b, form.m, form.k, sums);
    (d_is_half ? write_f16 : write_f32)(w, insn.ops, form.m, sums);
}

// Double precision: a chain of fused multiply-adds, each rounded to the nearest (.rn is the only mode
// here).
void run_mma_f64(Warp &w, const Insn &insn) {
    if (!gather_warp(w, insn)) return;
    const Form &form = *(const Form *)insn.extra;
    const int32_t *a_ops = insn.ops + form.d_registers, *b_ops = a_ops + form.a_registers;
    const int32_t *c_ops = b_ops + form.b_registers;
    double a[16 * MOST_K], b[MOST_K][N], sums[16][N];
    unpack_a<double>(w, a_ops, form.a, form.width, form.m, form.k, a);
    unpack_b<double>(w, b_ops, form.b, form.width, form.k, b);
    for (int j = 0; j < form.m / 4; ++j) {
        const double *c = w.at<double>(c_ops[j]);
        for (int l = 0; l < LANES; ++l) sums[j / 2 * 8 + l / 4][l % 4 * 2 + j % 2] = c[l];
    }
    for (int r = 0; r < form.m; ++r)
        for (int i = 0; i < form.k; ++i)
            for (int n = 0; n < N; ++n) sums[r][n] = std::fma(a[r * form.k + i], b[i][n], sums[r][n]);
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
            return unpack<ElementF64, double>;
    }
}

Unit unit_of(Type type) {
    switch (type) {
        case Type::f16:
            return Unit::tensor_f16;
        case Type::bf16:
            return Unit::tensor_bf16;
        case Type::tf32:
            return Unit::tensor_tf32;
        case Type::f64:
            return Unit::tensor_f64;
        default:
            return Unit::tensor_f8;
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
    d.insn.unit = unit_of(a);
    const bool c16 = c == Type::f16, d16 = result == Type::f16;
    d.insn.run = f64   ? run_mma_f64
                 : c16 ? d16 ? run_mma<true, true> : run_mma<true, false>
                 : d16 ? run_mma<false, true>
                       : run_mma<false, false>;
}

void decode_mma(Decoding &d) {
    const bool sync = d.take("sync");
    if (d.take("sp") || d.take("sp::ordered_metadata")) d.refuse("sparse matrices are not there");
    if (!d.take("aligned") || !sync) d.refuse(".sync.aligned is expected");
    if (d.take("block_scale")) d.refuse("scaled blocks (.block_scale) are not there");
    if (d.take("kind::f8f6f4")) d.refuse(".kind::f8f6f4 is not there");
    int m = 0, n = 0, k = 0;
    const std::string shape = d.take_any();
    if (std::sscanf(shape.c_str(), "m%dn%dk%d", &m, &n, &k) != 3 || n != N || (m != 8 && m != 16))
        d.refuse("m8n8 and m16n8 are the shapes that are there");
    const bool row = d.take("row");
    if (!d.take("col") || !row)
        d.refuse(".row.col is expected: other layouts have only m8n8k4, which is not there");
    const Type result = d.take_type(), a = d.take_type(), b = d.take_type(), c = d.take_type();
    if (a == Type::f16 && m == 8) d.refuse("m8n8k4 of f16 is not there");
    d.meets();
    d.insn.cls = Class::matrix;
    d.insn.flops = 2 * m * n * k;
    if (result != Type::s32) return decode_float_mma(d, m, k, a, b, c, result);
    if (c != Type::s32) d.refuse("accumulators of .s32 are expected");
    if (a == Type::b1 && b == Type::b1) return decode_bit_mma(d, m, k);
    decode_integer_mma(d, m, k, a, b);
}

RegisterDecoder mma{"mma", decode_mma};

}  // namespace
