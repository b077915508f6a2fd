// The types of PTX, and what they say of a register.
#pragma once

#include <cstdint>
#include <string>

enum class Type : uint8_t {
    none,
    pred,
    b8,
    u8,
    s8,
    b16,
    u16,
    s16,
    f16,
    bf16,
    e4m3x2,
    e5m2x2,
    b32,
    u32,
    s32,
    f32,
    tf32,
    f16x2,
    bf16x2,
    b64,
    u64,
    s64,
    f64,
    f32x2,
    b128,
    e4m3,
    e5m2,
    s4,
    u4,
    b1  // of matrix instructions: elements packed in .b32 registers
};

// `none` if the text names no type.
Type type_of(const std::string &text);
const char *name_of(Type type);
int bits_of(Type type);  // of a value in memory; pred: 1
bool is_signed(Type type);
bool is_float(Type type);  // f16, bf16, their pairs, f32, tf32, f64
