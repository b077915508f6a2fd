// Products of tiles: the arithmetic of mma and wgmma.
#include "mma_product.h"

#include <cstring>

#include "mma_rounding.h"

namespace {

using Eight = double __attribute__((vector_size(64)));
static_assert(sizeof(Eight) == sizeof(double) * TILE);

// sums += a b, of the columns of A from `begin` to `end`.
void add_part(const double *a, const double (*b)[TILE], int m, int k, int begin, int end,
              double (*sums)[TILE]) {
    for (int row = 0; row < m; row += 8) {
        Eight s[8];
        std::memcpy(s, sums[row], sizeof s);
        for (int i = begin; i < end; ++i) {
            Eight column;
            std::memcpy(&column, b[i], sizeof column);
            for (int r = 0; r < 8; ++r) s[r] += a[(row + r) * k + i] * column;
        }
        std::memcpy(sums[row], s, sizeof s);
    }
}

void read_f32(const Warp &w, const int32_t *ops, int m, double (*c)[TILE]) {
    double *to = c[0];
    for (int h = 0; h < m / 8; ++h, to += 64) {
        const float *even = w.at<float>(ops[2 * h]), *odd = w.at<float>(ops[2 * h + 1]);
        for (int l = 0; l < LANES; ++l) to[2 * l] = even[l], to[2 * l + 1] = odd[l];
    }
}

void write_f32(Warp &w, const int32_t *ops, int m, const double (*sums)[TILE]) {
    const bool truncates = rounding().truncates;
    for (int h = 0; h < m / 8; ++h) {
        const double *from = sums[8 * h];
        w.set<float>(ops[2 * h], [&](int l) { return rounded_sum(from[2 * l], truncates); });
        w.set<float>(ops[2 * h + 1], [&](int l) { return rounded_sum(from[2 * l + 1], truncates); });
    }
}

void write_f16(Warp &w, const int32_t *ops, int m, const double (*sums)[TILE]) {
    for (int h = 0; h < m / 8; ++h) {
        const double *from = sums[8 * h];
        w.set<uint32_t>(ops[h], [&](int l) {
            return F16::narrow(from[2 * l]) | (uint32_t)F16::narrow(from[2 * l + 1]) << 16;
        });
    }
}

int32_t narrowed(int64_t sum, bool saturates) {
    if (saturates) sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
    return (int32_t)sum;
}

}  // namespace

void add_product(const double *a, const double (*b)[TILE], int m, int k, double (*sums)[TILE]) {
    const Rounding how = rounding();
    if (!how.in_halves) return add_part(a, b, m, k, 0, k, sums);
    add_part(a, b, m, k, 0, k / 2, sums);
    for (int r = 0; r < m; ++r)
        for (int n = 0; n < TILE; ++n) sums[r][n] = rounded_sum(sums[r][n], how.truncates);
    add_part(a, b, m, k, k / 2, k, sums);
}

void add_product(const int32_t *a, const int32_t (*b)[TILE], int m, int k, int32_t (*sums)[TILE]) {
    for (int r = 0; r < m; ++r)
        for (int i = 0; i < k; ++i)
            for (int n = 0; n < TILE; ++n) sums[r][n] += a[r * k + i] * b[i][n];
}

void read_accumulators(const Warp &w, const int32_t *ops, Accumulator type, int m,
                       double (*sums)[TILE]) {
    if (type == Accumulator::f32) return read_f32(w, ops, m, sums);
    for (int h = 0; h < m / 8; ++h)
        unpack<ElementF16, double>(w.at<uint32_t>(ops[h]), sums[8 * h], TILE);
}

void read_accumulators(const Warp &, const int32_t *, Accumulator, int m, int32_t (*sums)[TILE]) {
    std::memset(sums, 0, sizeof(int32_t) * TILE * m);
}

void write_accumulators(Warp &w, const int32_t *ops, const int32_t *, Accumulator type, int m,
                        const double (*sums)[TILE]) {
    (type == Accumulator::f32 ? write_f32 : write_f16)(w, ops, m, sums);
}

void write_accumulators(Warp &w, const int32_t *ops, const int32_t *from, Accumulator type, int m,
                        const int32_t (*sums)[TILE]) {
    const bool saturates = type == Accumulator::s32_saturating;
    int32_t result[4][LANES];
    for (int j = 0; j < m / 4; ++j) {
        const int32_t *c = from != nullptr ? w.at<int32_t>(from[j]) : nullptr;
        for (int l = 0; l < LANES; ++l)
            result[j][l] = narrowed(
                (int64_t)(c != nullptr ? c[l] : 0) + sums[j / 2 * 8 + l / 4][l % 4 * 2 + j % 2],
                saturates);
    }
    for (int j = 0; j < m / 4; ++j) w.set<int32_t>(ops[j], [&](int l) { return result[j][l]; });
}

Unit tensor_unit(Type element) {
    switch (element) {
        case Type::f16:
            return Unit::tensor_f16;
        case Type::bf16:
            return Unit::tensor_bf16;
        case Type::tf32:
            return Unit::tensor_tf32;
        case Type::f64:
            return Unit::tensor_f64;
        case Type::e4m3:
        case Type::e5m2:
            return Unit::tensor_f8;
        default:  // integers of 8 and 4 bits, and single bits
            return Unit::tensor_s8;
    }
}
