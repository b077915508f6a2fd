// A block is one thread and a warp one lane, so that synchronizing is nothing and exchanging
// values is the identity, and a kernel's strided loops become plain loops that vectorize.
#pragma once

constexpr uint3 threadIdx = {0, 0, 0};
constexpr uint3 blockDim = {1, 1, 1};
constexpr int warpSize = 1;

inline void __syncthreads() {}
inline int __syncthreads_or(int predicate) { return predicate != 0; }
inline int __syncthreads_and(int predicate) { return predicate != 0; }
inline int __syncthreads_count(int predicate) { return predicate != 0; }
inline void __syncwarp(unsigned int = 1) {}

template <typename T>
inline T __shfl_sync(unsigned int, T value, int, int = 1) {
    return value;
}
template <typename T>
inline T __shfl_xor_sync(unsigned int, T value, int, int = 1) {
    return value;
}
template <typename T>
inline T __shfl_up_sync(unsigned int, T value, unsigned int, int = 1) {
    return value;
}
template <typename T>
inline T __shfl_down_sync(unsigned int, T value, unsigned int, int = 1) {
    return value;
}
inline unsigned int __ballot_sync(unsigned int, int predicate) { return predicate != 0; }
inline int __any_sync(unsigned int, int predicate) { return predicate != 0; }
inline int __all_sync(unsigned int, int predicate) { return predicate != 0; }
inline unsigned int __activemask() { return 1; }
