// Loads and stores of V neighbouring elements at once, which are float32 in registers.
#pragma once

#include <string.h>

#include "types.cuh"

// Calls body(0) ... body(V - 1).  For V = 1 there is no loop, as even one of a single turn would keep
// the loop around it from being vectorized.
template <int V, typename Body>
__device__ inline void unrolled(const Body &body) {
    if constexpr (V == 1) {
        body(0);
    } else {
#pragma unroll
        for (int i = 0; i < V; ++i) body(i);
    }
}

template <int V>
struct Floats {
    float at[V];
};

template <typename T, int V>
struct alignas(sizeof(T) * V < 16 ? sizeof(T) * V : 16) Pack {
    T at[V];
};

// Calls body(first) for the first element of each 16 bytes of a pack.
template <typename T, int V, typename Body>
__device__ inline void for_words(const Body &body) {
    constexpr int ELEMENTS = 16 / sizeof(T);
    unrolled<V / ELEMENTS>([&](int i) { body(i * ELEMENTS); });
}

// `data` is aligned to V elements or 16 bytes, whichever is less.
template <int V, typename T>
__device__ inline Floats<V> load(const T *data) {
    Pack<T, V> pack;
    if constexpr (sizeof pack % 16 == 0)
        for_words<T, V>([&](int first) {
            const uint4 words = load_16(data + first);
            memcpy(pack.at + first, &words, sizeof words);
        });
    else
        pack = *reinterpret_cast<const Pack<T, V> *>(data);
    Floats<V> values;
    unrolled<V>([&](int i) { values.at[i] = to_float(pack.at[i]); });
    return values;
}

// The same, and `data` is in global memory.
template <int V, typename T>
__device__ inline void store(T *data, const Floats<V> &values) {
    Pack<T, V> pack;
    unrolled<V>([&](int i) { pack.at[i] = from_float<T>(values.at[i]); });
    if constexpr (sizeof pack % 16 == 0)
        for_words<T, V>([&](int first) {
            uint4 words;
            memcpy(&words, pack.at + first, sizeof words);
            store_16(data + first, words);
        });
    else
        *reinterpret_cast<Pack<T, V> *>(data) = pack;
}
