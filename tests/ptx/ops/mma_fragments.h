// Matrices as warps hold them for mma and wgmma, and as plain arrays.
//
// A register of 32 bits, in all lanes, is a block of 8 rows: lane l holds row l / 4 and the elements
// that lie at place l % 4 of 4.  So the 32 values, one after another, are the block, row by row.
// Fragments are made of such blocks:
//   A (M x K)   register i: rows 8 (i % (M / 8)), columns i / (M / 8) times a block's width
//   B (K x N)   register i, transposed (a block's row is a column of B): rows i times a block's width
//   C, D        f32, s32, f64: registers 2i and 2i + 1 hold columns 2 (l % 4) and the next one of
//               rows 8i + l / 4; f16: register i holds both
#pragma once

#include <cstring>

#include "../machine/warp.h"
#include "formats.h"

// Writes a block's 8 rows, each at `stride` from the one before.  `registers`: 32 values.
template <class T>
using Unpack = void (*)(const void *registers, T *to, int stride);

// How many elements a row of a block has.
constexpr int block_width(int bits) { return bits == 64 ? 4 : 4 * 32 / bits; }

// Formats of elements: from their bits to numbers.
struct ElementF16 {
    using Stored = uint16_t;
    static float wide(uint32_t bits) { return from_half(bits); }
};
struct ElementBF16 {
    using Stored = uint16_t;
    static float wide(uint32_t bits) { return float_of(bits << 16); }
};
struct ElementTF32 {  // the lowest 13 bits do not take part
    using Stored = uint32_t;
    static float wide(uint32_t bits) { return float_of(bits & 0xffffe000); }
};
struct ElementE4M3 {
    using Stored = uint8_t;
    static float wide(uint32_t bits) { return from_e4m3(bits); }
};
struct ElementE5M2 {
    using Stored = uint8_t;
    static float wide(uint32_t bits) { return from_e5m2(bits); }
};
struct ElementS8 {
    using Stored = int8_t;
    static int32_t wide(uint32_t bits) { return (int8_t)bits; }
};
struct ElementU8 {
    using Stored = uint8_t;
    static int32_t wide(uint32_t bits) { return (int32_t)bits; }
};
struct ElementB1 {  // 32 at once
    using Stored = uint32_t;
    static int32_t wide(uint32_t bits) { return (int32_t)bits; }
};

// `count` elements, at most 256, one after another.
template <class T>
using Widen = void (*)(const void *from, T *to, int count);

template <class Element, class T>
void widen(const void *from, T *to, int count) {
    const auto *elements = (const typename Element::Stored *)from;
    // The loops are separate because loops over types of one size vectorize.
    uint32_t bits[256];
    decltype(Element::wide(0)) wide[256];
    for (int i = 0; i < count; ++i) bits[i] = elements[i];
    for (int i = 0; i < count; ++i) wide[i] = Element::wide(bits[i]);
    for (int i = 0; i < count; ++i) to[i] = wide[i];
}

template <class T>
void place_rows(const T *wide, int width, T *to, int stride) {
    for (int r = 0; r < 8; ++r) std::memcpy(to + r * stride, wide + r * width, sizeof(T) * width);
}

template <class Element, class T>
void unpack(const void *registers, T *to, int stride) {
    constexpr int width = 16 / sizeof(typename Element::Stored);
    T wide[8 * width];
    widen<Element, T>(registers, wide, 8 * width);
    place_rows(wide, width, to, stride);
}

inline void unpack_f64(const void *registers, double *to, int stride) {
    place_rows((const double *)registers, 4, to, stride);
}

// 4 bits, the low half of a byte first.
template <bool is_signed>
void unpack_nibbles(const void *registers, int32_t *to, int stride) {
    const uint8_t *from = (const uint8_t *)registers;
    int32_t bytes[128], wide[256];
    for (int i = 0; i < 128; ++i) bytes[i] = from[i];
    for (int i = 0; i < 128; ++i) {
        const int32_t low = bytes[i] & 15, high = bytes[i] >> 4;
        wide[2 * i] = is_signed ? (low ^ 8) - 8 : low;
        wide[2 * i + 1] = is_signed ? (high ^ 8) - 8 : high;
    }
    place_rows(wide, 32, to, stride);
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
