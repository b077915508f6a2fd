// Functions of one value that several operations share.
#pragma once

#include "pack.cuh"

// Magnitude-preserving SiLU (Karras et al. 2024, Eq. 81).
__device__ inline float mp_silu(float v) { return v * (1 / 0.596f) / (1 + __expf(-v)); }

template <int V>
__device__ inline Floats<V> mp_silu(Floats<V> v) {
    unrolled<V>([&](int i) { v.at[i] = mp_silu(v.at[i]); });
    return v;
}

// Clamps to [-bound, bound]; NaN stays NaN, unlike with fminf.
__device__ inline float clamp(float v, float bound) {
    v = bound < v ? bound : v;
    return v < -bound ? -bound : v;
}

template <int V>
__device__ inline Floats<V> clamp(Floats<V> v, float bound) {
    unrolled<V>([&](int i) { v.at[i] = clamp(v.at[i], bound); });
    return v;
}
