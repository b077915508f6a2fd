// Loads and stores of V neighbouring elements at once, which are float32 in registers.
#pragma once

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

// `data` is aligned to V elements or 16 bytes, whichever is less.
template <int V, typename T>
__device__ inline Floats<V> load(const T *data) {
    const Pack<T, V> pack = *reinterpret_cast<const Pack<T, V> *>(data);
    Floats<V> values;
    unrolled<V>([&](int i) { values.at[i] = to_float(pack.at[i]); });
    return values;
}

template <int V, typename T>
__device__ inline void store(T *data, const Floats<V> &values) {
    Pack<T, V> pack;
    unrolled<V>([&](int i) { pack.at[i] = from_float<T>(values.at[i]); });
    *reinterpret_cast<Pack<T, V> *>(data) = pack;
}
