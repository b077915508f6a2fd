// Products of tiles with 8 columns, and the accumulators that they are added to.
#pragma once

#include "mma_fragments.h"

constexpr int TILE = 8;  // columns

// sums += a b.  `a` has m (8 or 16) rows of k elements, `b` k rows.
void add_product(const double *a, const double (*b)[TILE], int m, int k, double (*sums)[TILE]);
void add_product(const int32_t *a, const int32_t (*b)[TILE], int m, int k, int32_t (*sums)[TILE]);

enum class Accumulator : uint8_t { f32, f16, s32, s32_saturating };

// Registers of a tile of 8 rows.
constexpr int registers_of(Accumulator type) { return type == Accumulator::f16 ? 1 : 2; }

// sums = the accumulators (of integers: 0), from the registers ops[0], ops[1], ...
void read_accumulators(const Warp &w, const int32_t *ops, Accumulator type, int m,
                       double (*sums)[TILE]);
void read_accumulators(const Warp &w, const int32_t *ops, Accumulator type, int m,
                       int32_t (*sums)[TILE]);
// The sums, rounded, into the registers of the executing lanes.  Integers are added to what the
// registers `from` hold (null: 0): the whole sum, of more than 32 bits, is cut or clamped.
void write_accumulators(Warp &w, const int32_t *ops, const int32_t *from, Accumulator type, int m,
                        const double (*sums)[TILE]);
void write_accumulators(Warp &w, const int32_t *ops, const int32_t *from, Accumulator type, int m,
                        const int32_t (*sums)[TILE]);

// The unit that multiplies elements of this type.
Unit tensor_unit(Type element);
