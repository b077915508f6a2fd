#include "support/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const DType DTYPES[3] = {F32, F16, BF16};

const char *dtype_label(DType dtype) { return dtype == F32 ? "F32" : dtype == F16 ? "F16" : "BF16"; }

double dtype_epsilon(DType dtype) { return dtype == F32 ? 0x1p-24 : dtype == F16 ? 0x1p-11 : 0x1p-8; }

/* ---- element types --------------------------------------------------------------------------------
 */

static uint32_t bits_of(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint16_t to_half(float v) {
    const uint16_t sign = bits_of(v) >> 31 << 15;
    const double magnitude = fabs((double)v);
    int exponent;
    if (isnan(v)) return sign | 0x7e00;
    if (magnitude >= 65520) return sign | 0x7c00;
    frexp(magnitude, &exponent); /* magnitude < 2^exponent */
    const int unit = exponent < -13 ? -24 : exponent - 11;
    const int count = (int)nearbyint(ldexp(magnitude, -unit));
    return sign | (unit == -24 ? count : count - 1024 + ((unit + 25) << 10));
}

static float from_half(uint16_t bits) {
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    const float sign = bits >> 15 ? -1.0f : 1.0f;
    if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * ldexpf(mantissa, -24);
    return sign * ldexpf(1024 + mantissa, exponent - 25);
}

static uint16_t to_bfloat(float v) {
    if (isnan(v)) return 0x7fc0;
    const uint32_t bits = bits_of(v), upper = bits >> 16, rest = bits & 0xffff;
    return upper + (rest > 0x8000 || (rest == 0x8000 && (upper & 1)));
}

static float from_bfloat(uint16_t bits) { return float_of((uint32_t)bits << 16); }

float rounded(float v, DType dtype) {
    return dtype == F32 ? v : dtype == F16 ? from_half(to_half(v)) : from_bfloat(to_bfloat(v));
}

/* ---- contexts -------------------------------------------------------------------------------------
 */

Context *test_context_of(Engine engine) {
    Error error = {""};
    Context *ctx = context_create(0, engine, &error);
    if (ctx == NULL) fail_msg("no context: %s", error.text);
    return ctx;
}

Context *test_context(void) { return test_context_of(ENGINE_NATIVE); }

void test_context_close(Context *ctx) {
    device_synchronize(ctx);
    if (!context_ok(ctx)) fail_msg("the context has an error: %s", context_error(ctx)->text);
    context_destroy(ctx);
}

void expect_error(Context *ctx, const char *text) {
    if (strstr(context_error(ctx)->text, text) == NULL)
        fail_msg("the error is \"%s\", expected one with \"%s\"", context_error(ctx)->text, text);
    context_clear_error(ctx);
}

/* ---- values ---------------------------------------------------------------------------------------
 */

static void *allocate(size_t bytes) {
    void *memory = calloc(1, bytes > 0 ? bytes : 1);
    if (memory == NULL) fail_msg("no memory for %zu bytes", bytes);
    return memory;
}

float *zero_floats(size_t count) { return allocate(count * sizeof(float)); }

/* The sum of 12 uniform numbers of a 64-bit linear congruential generator, less 6. */
float *random_floats(size_t count, unsigned seed) {
    float *values = zero_floats(count);
    uint64_t state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    for (size_t i = 0; i < count; ++i) {
        double sum = -6;
        for (int j = 0; j < 12; ++j) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            sum += (double)(state >> 40) * 0x1p-24;
        }
        values[i] = (float)sum;
    }
    return values;
}

float *random_values(size_t count, unsigned seed, float scale, DType dtype) {
    float *values = random_floats(count, seed);
    for (size_t i = 0; i < count; ++i) values[i] = rounded(values[i] * scale, dtype);
    return values;
}

/* ---- tensors --------------------------------------------------------------------------------------
 */

Tensor shape(DType dtype, int n, int h, int w, int c) { return (Tensor){NULL, dtype, n, h, w, c}; }

size_t elements(Tensor t) { return (size_t)t.n * t.h * t.w * t.c; }

Tensor tensor_new(Context *ctx, DType dtype, int n, int h, int w, int c) {
    Tensor t = shape(dtype, n, h, w, c);
    t.data = device_alloc(ctx, tensor_bytes(t));
    if (t.data == NULL) fail_msg("%s", context_error(ctx)->text);
    return t;
}

void tensor_free(Context *ctx, Tensor t) { device_free(ctx, t.data); }

void tensor_upload(Context *ctx, Tensor t, const float *values) {
    const size_t count = elements(t);
    if (t.dtype == F32) {
        device_upload(ctx, t.data, values, tensor_bytes(t));
        return;
    }
    uint16_t *raw = allocate(count * sizeof *raw);
    for (size_t i = 0; i < count; ++i)
        raw[i] = t.dtype == F16 ? to_half(values[i]) : to_bfloat(values[i]);
    device_upload(ctx, t.data, raw, tensor_bytes(t));
    free(raw);
}

Tensor tensor_of(Context *ctx, DType dtype, int n, int h, int w, int c, const float *values) {
    const Tensor t = tensor_new(ctx, dtype, n, h, w, c);
    tensor_upload(ctx, t, values);
    return t;
}

float *tensor_download(Context *ctx, Tensor t) {
    const size_t count = elements(t);
    float *values = zero_floats(count);
    if (t.dtype == F32) {
        device_download(ctx, values, t.data, tensor_bytes(t));
        return values;
    }
    uint16_t *raw = allocate(count * sizeof *raw);
    device_download(ctx, raw, t.data, tensor_bytes(t));
    for (size_t i = 0; i < count; ++i)
        values[i] = t.dtype == F16 ? from_half(raw[i]) : from_bfloat(raw[i]);
    free(raw);
    return values;
}

void *bytes_to_device(Context *ctx, const void *bytes, size_t count) {
    void *data = device_alloc(ctx, count);
    if (data == NULL) fail_msg("%s", context_error(ctx)->text);
    device_upload(ctx, data, bytes, count);
    return data;
}

/* ---- comparison -----------------------------------------------------------------------------------
 */

void expect_close(const char *what, const float *actual, const double *expected, size_t count,
                  double relative, double absolute) {
    size_t worst = 0;
    double worst_ratio = 0; /* error / bound */
    for (size_t i = 0; i < count; ++i) {
        const double error = fabs(actual[i] - expected[i]);
        const double bound = relative * fabs(expected[i]) + absolute;
        double ratio = error <= bound  ? error / (bound > 0 ? bound : 1)
                       : error > bound ? error / bound
                                       : INFINITY;
        if (isnan(actual[i]) && isnan(expected[i])) ratio = 0;
        if (ratio > worst_ratio) worst = i, worst_ratio = ratio;
    }
    if (worst_ratio > 1)
        fail_msg("%s: element %zu of %zu is %.9g, expected %.9g: %.3g times the allowed error", what,
                 worst, count, actual[worst], expected[worst], worst_ratio);
}

void expect_same(const char *what, const float *actual, const float *expected, size_t count) {
    for (size_t i = 0; i < count; ++i)
        if (memcmp(&actual[i], &expected[i], sizeof(float)) != 0)
            fail_msg("%s: element %zu of %zu is %.9g, expected exactly %.9g", what, i, count, actual[i],
                     expected[i]);
}
