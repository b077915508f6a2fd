// A few neighbouring floats as one value, and products that are summed in registers.
#pragma once

#include "launch.cuh"

#ifdef __CUDACC__
constexpr int VECTOR_LANES = 4;
constexpr int VECTOR_REGISTERS = 64;  // that a thread may spend on vectors

struct Vector {
    float at[VECTOR_LANES];
};
__device__ inline Vector operator*(float factor, Vector v) {
    return {factor * v.at[0], factor * v.at[1], factor * v.at[2], factor * v.at[3]};
}
__device__ inline Vector operator+(Vector a, Vector b) {
    return {a.at[0] + b.at[0], a.at[1] + b.at[1], a.at[2] + b.at[2], a.at[3] + b.at[3]};
}
__device__ inline Vector operator-(Vector a, Vector b) { return a + -1 * b; }
// At an address of any alignment.
__device__ inline Vector load_vector(const float *from) { return {from[0], from[1], from[2], from[3]}; }
__device__ inline void store_vector(float *to, Vector v) {
    to[0] = v.at[0], to[1] = v.at[1], to[2] = v.at[2], to[3] = v.at[3];
}
#else
#include "../simt/vector.h"  // the same names
#endif

// sum[r] += row r of x [ROWS][depth] times w [depth][VECTORS * VECTOR_LANES], which may begin anywhere.
// Strides are elements from a row to the next.
template <int ROWS, int VECTORS>
__device__ __forceinline__ void multiply_tile(const float *x, long long x_stride, const float *w,
                                              int w_stride, int depth, Vector (&sum)[ROWS][VECTORS]) {
#pragma unroll 2  // more of it at once would spill on GPUs
    for (int k = 0; k < depth; ++k, w += w_stride) {
        Vector row[VECTORS];
        UNROLL
        for (int v = 0; v < VECTORS; ++v) row[v] = load_vector(w + v * VECTOR_LANES);
        UNROLL
        for (int r = 0; r < ROWS; ++r) {
            const float factor = x[r * x_stride + k];
            UNROLL
            for (int v = 0; v < VECTORS; ++v) sum[r][v] = sum[r][v] + factor * row[v];
        }
    }
}
