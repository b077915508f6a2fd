// The element types of tensors, and how a launcher picks a kernel for one.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <type_traits>

#include "kernels.h"
#include "launch.cuh"

__device__ inline float to_float(float v) { return v; }
__device__ inline float to_float(__half v) { return __half2float(v); }
__device__ inline float to_float(__nv_bfloat16 v) { return __bfloat162float(v); }

// Rounds to nearest, ties to even.
template <typename T>
__device__ inline T from_float(float v);
template <>
__device__ inline float from_float(float v) {
    return v;
}
template <>
__device__ inline __half from_float(float v) {
    return __float2half_rn(v);
}
template <>
__device__ inline __nv_bfloat16 from_float(float v) {
    return __float2bfloat16_rn(v);
}

// Calls launch(zero), whose argument has the element type that `dtype` names.
template <typename Launch>
void with_type(DType dtype, Launch &&launch) {
    switch (dtype) {
        case F32:
            return launch(float());
        case F16:
            return launch(__half());
        case BF16:
            return launch(__nv_bfloat16());
    }
}

// Calls launch(zero, width): `width` is an integral_constant, the elements that a thread moves at
// once.  16 bytes where the channels divide by that, else one element.
template <typename Launch>
void with_width(DType dtype, int channels, Launch &&launch) {
    with_type(dtype, [&](auto zero) {
        constexpr int wide = PACK<decltype(zero)>;
        if (channels % wide == 0)
            launch(zero, std::integral_constant<int, wide>());
        else
            launch(zero, std::integral_constant<int, 1>());
    });
}

// Calls launch(mode), an integral_constant.
template <typename Launch>
void with_mode(Resample mode, Launch &&launch) {
    switch (mode) {
        case RESAMPLE_KEEP:
            return launch(std::integral_constant<Resample, RESAMPLE_KEEP>());
        case RESAMPLE_DOWN:
            return launch(std::integral_constant<Resample, RESAMPLE_DOWN>());
        case RESAMPLE_UP:
            return launch(std::integral_constant<Resample, RESAMPLE_UP>());
    }
}
