// __half: IEEE 754 binary16.  Conversions are branch-free, so that loops over them vectorize.
#pragma once

#include "cuda_runtime.h"

struct __half_raw {
    unsigned short x;
};

struct alignas(2) __half {
    __half() = default;
    __half(__half_raw raw) : bits(raw.x) {}
    explicit __half(float value);
    operator float() const;
    operator __half_raw() const { return {bits}; }

private:
    unsigned short bits;
};
typedef __half half;

inline float __half2float(__half value) {
    const uint32_t bits = static_cast<__half_raw>(value).x, sign = (bits & 0x8000u) << 16;
    // The exponent's bias differs by 112; a product does that for subnormal numbers too.
    const float magnitude = simt::bits_as<float>((bits & 0x7fffu) << 13) * 0x1p112f;
    const uint32_t special = (bits & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0u;  // infinities and NaN
    return simt::bits_as<float>(simt::bits_as<uint32_t>(magnitude) | special | sign);
}

// To nearest, ties to even.
inline __half __float2half_rn(float value) {
    const uint32_t bits = simt::bits_as<uint32_t>(value), sign = (bits >> 16) & 0x8000u;
    const uint32_t magnitude = bits & 0x7fffffffu;
    const uint32_t normal = (magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    // Below 2^-14: the unit of 0.5f in the last place is that of a subnormal half, 2^-24.
    const uint32_t subnormal =
        simt::bits_as<uint32_t>(simt::bits_as<float>(magnitude) + 0.5f) - 0x3f000000u;
    uint32_t result = magnitude < 0x38800000u ? subnormal : normal;
    result = magnitude >= 0x477ff000u ? 0x7c00u : result;  // from 65520 on
    // CUDA's NaN has no sign.
    result = magnitude > 0x7f800000u ? 0x7fffu : result | sign;
    return __half_raw{static_cast<unsigned short>(result)};
}
inline __half __float2half(float value) { return __float2half_rn(value); }

inline __half::__half(float value) : __half(__float2half_rn(value)) {}
inline __half::operator float() const { return __half2float(*this); }

inline unsigned short __half_as_ushort(__half value) { return static_cast<__half_raw>(value).x; }
inline __half __ushort_as_half(unsigned short bits) { return __half_raw{bits}; }

struct alignas(4) __half2 {
    __half x, y;
};
typedef __half2 half2;

inline __half2 __floats2half2_rn(float x, float y) { return {__float2half_rn(x), __float2half_rn(y)}; }
inline __half2 __float22half2_rn(float2 v) { return __floats2half2_rn(v.x, v.y); }
inline float2 __half22float2(__half2 v) { return {__half2float(v.x), __half2float(v.y)}; }
