// Functions of one value that several operations share.
#pragma once

#include "pack.cuh"

// Magnitude-preserving SiLU (Karras et al. 2024, Eq. 81), as exact as T, the type that stores it.
//
// In 16 bits __fdividef is enough: it is 2 instructions instead of 10, and off by 2 units in the last
// place of a float.  It gives 0 for divisors above 2^126, those of v < -87, where the result is 1e-36.
template <typename T>
__device__ inline float mp_silu(float v) {
    const float dividend = v * (1 / 0.596f), divisor = 1 + __expf(-v);
    return sizeof(T) == 2 ? __fdividef(dividend, divisor) : dividend / divisor;
}

template <typename T, int V>
__device__ inline Floats<V> mp_silu(Floats<V> v) {
    unrolled<V>([&](int i) { v.at[i] = mp_silu<T>(v.at[i]); });
    return v;
}

// Clamps to [-bound, bound]; NaN stays NaN.
__device__ inline float clamp(float v, float bound) { return max_or_nan(min_or_nan(v, bound), -bound); }

template <int V>
__device__ inline Floats<V> clamp(Floats<V> v, float bound) {
    unrolled<V>([&](int i) { v.at[i] = clamp(v.at[i], bound); });
    return v;
}
