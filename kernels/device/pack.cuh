// Loads and stores of V neighbouring elements at once, which are float32 in registers.
#pragma once

#include "types.cuh"

template <int V>
struct Floats {
    float at[V];
};

template <typename T, int V>
struct alignas(sizeof(T) * V) Pack {
    T at[V];
};

// `data` is aligned to V elements.
template <int V, typename T>
__device__ inline Floats<V> load(const T *data) {
    const Pack<T, V> pack = *reinterpret_cast<const Pack<T, V> *>(data);
    Floats<V> values;
#pragma unroll
    for (int i = 0; i < V; ++i) values.at[i] = to_float(pack.at[i]);
    return values;
}

template <int V, typename T>
__device__ inline void store(T *data, const Floats<V> &values) {
    Pack<T, V> pack;
#pragma unroll
    for (int i = 0; i < V; ++i) pack.at[i] = from_float<T>(values.at[i]);
    *reinterpret_cast<Pack<T, V> *>(data) = pack;
}
