// The CPU's vectors of floats.
#pragma once

#if defined __AVX512F__
constexpr int VECTOR_LANES = 16;
#elif defined __AVX__
constexpr int VECTOR_LANES = 8;
#else
constexpr int VECTOR_LANES = 4;
#endif
#if defined __AVX512F__ || defined __aarch64__
constexpr int VECTOR_REGISTERS = 32;
#else
constexpr int VECTOR_REGISTERS = 16;
#endif

typedef float Vector __attribute__((vector_size(VECTOR_LANES * sizeof(float))));

inline Vector load_vector(const float *from) {
    Vector v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}
inline void store_vector(float *to, Vector v) { __builtin_memcpy(to, &v, sizeof v); }
