// What follows a network: its output, guided and preconditioned to D(x; sigma).
#pragma once

#include "checks.cuh"
#include "types.cuh"

// A Prediction as kernels see it.
template <typename T>
struct NetworkOutput {
    const T *f, *f_ref;  // f_ref NULL = no guidance
    const float *sigma;
    float guidance, sigma_data;
};

template <typename T>
NetworkOutput<T> network_output(const Prediction &p) {
    return {(const T *)p.f.data, (const T *)p.f_ref.data, p.sigma, p.guidance, p.sigma_data};
}

// The output for value `at` of the batch.  Both networks see the same x, so that
// D_ref + guidance (D - D_ref) is the same blend of f.
template <typename T>
__device__ inline float guided_output(const NetworkOutput<T> &output, long long at) {
    const float f = to_float(output.f[at]);
    if (output.f_ref == NULL) return f;
    const float f_ref = to_float(output.f_ref[at]);
    return f_ref + output.guidance * (f - f_ref);
}

struct Preconditioning {
    float skip, out;  // D = skip x + out f
    float rest;       // 1 - skip, without cancellation
};

template <typename T>
__device__ inline Preconditioning preconditioning(const NetworkOutput<T> &output, int image) {
    const float s = output.sigma[image], sd = output.sigma_data, variance = s * s + sd * sd;
    return {sd * sd / variance, s * sd / sqrtf(variance), s * s / variance};
}

// True if the prediction is one for x.
inline bool check_prediction(Context *ctx, const char *operation, const Prediction &p, Tensor x) {
    if (!check_shape(ctx, operation, "f", p.f, p.f.dtype, x.n, x.h, x.w, x.c)) return false;
    return p.f_ref.data == NULL ||
           check_shape(ctx, operation, "f_ref", p.f_ref, p.f.dtype, x.n, x.h, x.w, x.c);
}
