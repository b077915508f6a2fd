// How sums of products are rounded in matrix instructions.  PTX leaves it open.
//
// Products are exact.  By default (KAIROS_PTX_SEED = 0) they are added to the accumulator in double
// precision, and the sum is rounded once an instruction, to the nearest.  Tensor cores are coarser:
// they truncate, and add up a part of the products at a time.  Other seeds do one of these, or both, in
// all instructions of the process.
#pragma once

#include "../machine/random.h"
#include "formats.h"

struct Rounding {
    bool truncates;  // sums in single precision are rounded towards zero
    bool in_halves;  // the second half of the products is added to the rounded sum of the first
};

inline Rounding rounding() {
    static const uint64_t seed = ptx_seed(), drawn = Random(seed).next() % 3 + 1;
    return seed == 0 ? Rounding{false, false} : Rounding{(drawn & 1) != 0, (drawn & 2) != 0};
}

inline float rounded_sum(double sum, bool truncates) {
    if (truncates) sum = double_of(bits_of(sum) & ~((1ull << 29) - 1));
    return canonical((float)sum);
}
