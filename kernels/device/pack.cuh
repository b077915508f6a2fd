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

// A pack of 16 bytes or more, as the words that move at once.
template <typename T, int V>
struct Words {
    static constexpr int COUNT = sizeof(Pack<T, V>) / 16, ELEMENTS = 16 / sizeof(T);
    uint4 at[COUNT];
};

// `data` is aligned to V elements or 16 bytes, whichever is less.
template <int V, typename T>
__device__ inline Floats<V> load(const T *data) {
    Pack<T, V> pack;
    if constexpr (sizeof pack >= 16) {
        using W = Words<T, V>;
        W words;
        unrolled<W::COUNT>([&](int i) { words.at[i] = load_16(data + i * W::ELEMENTS); });
        memcpy(&pack, &words, sizeof pack);
    } else {
        pack = *reinterpret_cast<const Pack<T, V> *>(data);
    }
    Floats<V> values;
    unrolled<V>([&](int i) { values.at[i] = to_float(pack.at[i]); });
    return values;
}

// The same, and `data` is in global memory.
template <int V, typename T>
__device__ inline void store(T *data, const Floats<V> &values) {
    Pack<T, V> pack;
    unrolled<V>([&](int i) { pack.at[i] = from_float<T>(values.at[i]); });
    if constexpr (sizeof pack >= 16) {
        using W = Words<T, V>;
        W words;
        memcpy(&words, &pack, sizeof pack);
        unrolled<W::COUNT>([&](int i) { store_16(data + i * W::ELEMENTS, words.at[i]); });
    } else {
        *reinterpret_cast<Pack<T, V> *>(data) = pack;
    }
}
