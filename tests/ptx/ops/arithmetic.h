// Arithmetic by the type of its operands: each file decodes the opcodes of arithmetic.cpp for its
// types.
#pragma once

#include <string>

#include "formats.h"
#include "lanes.h"

void decode_integer(Decoding &d, Type type);
void decode_integer_pair(Decoding &d, bool is_signed);  // .u16x2, .s16x2
void decode_float(Decoding &d, Type type);              // f32, f64, f32x2
void decode_half(Decoding &d, Type type);               // f16, bf16 and their pairs
bool decode_approximate(Decoding &d, Type type);  // true: the statement is one of the approximations

enum class RoundMode : uint8_t { rn, rz, rm, rp, none };
RoundMode take_rounding(Decoding &d);  // none: the statement has none
// While it lives, the machine rounds floating-point operations in another way.
struct RoundingScope {
    explicit RoundingScope(RoundMode mode);
    ~RoundingScope();
};
// Like `each`, with the rounding that insn.imm says.
template <auto F>
void each_rounded(Warp &w, const Insn &insn) {
    const RoundingScope scope((RoundMode)insn.imm);
    Each<F>::run(w, insn);
}

// Flags for which the templates of floating-point functions are instantiated.
enum : int { FTZ = 1, SAT = 2 };
template <int flags>
float operand(float x) {
    return flags & FTZ ? flushed(x) : x;
}
template <int flags>
double operand(double x) {
    return x;
}
template <int flags>
float result(float x) {
    if (flags & FTZ) x = flushed(x);
    return flags & SAT ? saturated(x) : canonical(x);
}
template <int flags>
double result(double x) {
    return x;
}
