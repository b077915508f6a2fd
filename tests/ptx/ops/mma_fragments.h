// Matrices as warps hold them for mma and wgmma, and as plain arrays.
//
// A register of 32 bits, in all lanes, is a block of 8 rows: lane l holds row l / 4 and the elements
// that lie at place l % 4 of 4.  So the 32 values, one after another, are the block, row by row.
// Fragments are made of such blocks:
//   A (M x K)   register i: rows 8 (i % (M / 8)), columns i / (M / 8) times a block's width
//   B (K x N)   register i, transposed (a block's row is a column of B): rows i times a block's width
//   C, D        registers 2i and 2i + 1 hold columns 2 (l % 4) and the next one of rows 8i + l / 4
//   (f32, s32, f64);
//               of f16 register i holds both
#pragma once

#include <cstring>

#include "../machine/warp.h"
#include "formats.h"

// Writes a block's 8 rows, each at `stride` from the one before.  `registers`: 32 values.
template <class T>
using Unpack = void (*)(const void *registers, T *to, int stride);

// How many elements a row of a block has.
constexpr int block_width(int bits) { return bits == 64 ? 4 : 4 * 32 / bits; }

// The lowest 13 bits do not take part.
inline float from_tf32(uint32_t x) { return float_of(x & 0xffffe000); }

template <float (*F)(uint8_t)>
const float *table_of_bytes() {
    static const struct Table {
        float values[256];
        Table() {
            for (int i = 0; i < 256; ++i) values[i] = F(i);
        }
    } table;
    return table.values;
}

struct ElementF16 {
    using Stored = uint16_t;
    static double wide(uint16_t x) { return from_half(x); }
};
struct ElementBF16 {
    using Stored = uint16_t;
    static double wide(uint16_t x) { return float_of((uint32_t)x << 16); }
};
struct ElementTF32 {
    using Stored = uint32_t;
    static double wide(uint32_t x) { return from_tf32(x); }
};
struct ElementE4M3 {
    using Stored = uint8_t;
    static double wide(uint8_t x) { return table_of_bytes<from_e4m3>()[x]; }
};
struct ElementE5M2 {
    using Stored = uint8_t;
    static double wide(uint8_t x) { return table_of_bytes<from_e5m2>()[x]; }
};
struct ElementF64 {
    using Stored = double;
    static double wide(double x) { return x; }
};
struct ElementS8 {
    using Stored = int8_t;
    static int32_t wide(int8_t x) { return x; }
};
struct ElementU8 {
    using Stored = uint8_t;
    static int32_t wide(uint8_t x) { return x; }
};
struct ElementB1 {  // 32 at once
    using Stored = uint32_t;
    static int32_t wide(uint32_t x) { return x; }
};

// `count` elements, one after another.
template <class T>
using Widen = void (*)(const void *from, T *to, int count);

template <class Element, class T>
void widen(const void *from, T *to, int count) {
    const auto *elements = (const typename Element::Stored *)from;
    for (int i = 0; i < count; ++i) to[i] = Element::wide(elements[i]);
}

template <class Element, class T>
void unpack(const void *registers, T *to, int stride) {
    using Stored = typename Element::Stored;
    constexpr int width = 4 * (sizeof(Stored) == 8 ? 1 : 4 / sizeof(Stored));
    T wide[8 * width];
    widen<Element, T>(registers, wide, 8 * width);
    for (int r = 0; r < 8; ++r) std::memcpy(to + r * stride, wide + r * width, sizeof(T) * width);
}

// 4 bits, the low half of a byte first.
template <bool is_signed>
void unpack_nibbles(const void *registers, int32_t *to, int stride) {
    const uint8_t *from = (const uint8_t *)registers;
    for (int r = 0; r < 8; ++r)
        for (int c = 0; c < 32; ++c) {
            const int32_t value = from[r * 16 + c / 2] >> c % 2 * 4 & 15;
            to[r * stride + c] = is_signed ? (value ^ 8) - 8 : value;
        }
}

// A: M rows of k elements, from the registers ops[0], ops[1], ...
template <class T>
void unpack_a(const Warp &w, const int32_t *ops, Unpack<T> unpack, int width, int m, int k, T *a) {
    const int halves = m / 8;
    for (int i = 0; i < halves * (k / width); ++i)
        unpack(w.at<uint32_t>(ops[i]), a + (i % halves * 8) * k + i / halves * width, k);
}

// B: k rows of 8 elements.
template <class T>
void unpack_b(const Warp &w, const int32_t *ops, Unpack<T> unpack, int width, int k, T (*b)[8]) {
    T columns[8 * 256 / 4];
    for (int i = 0; i < k / width; ++i) unpack(w.at<uint32_t>(ops[i]), columns + i * width, k);
    for (int i = 0; i < k; ++i)
        for (int n = 0; n < 8; ++n) b[i][n] = columns[n * k + i];
}
