/* What the tests of kernels share: deterministic random tensors, rounding to an element type (written
 * here, so that it does not depend on the code under test), upload and download, and comparison. */
#ifndef KAIROS_TESTS_TENSORS_H
#define KAIROS_TESTS_TENSORS_H

/* First: cmocka's macro `fail` hides the function that error.h declares. */
#include "kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h> /* needs the three above */

extern const DType DTYPES[3]; /* to iterate over */
const char *dtype_label(DType dtype);
double dtype_epsilon(DType dtype); /* of rounding to nearest: 2^-24, 2^-11, 2^-8 */

/* `v` rounded to the element type, and back. */
float rounded(float v, DType dtype);

/* A context of the native engine, or of `engine`; fails the test if there is none. */
Context *test_context(void);
Context *test_context_of(Engine engine);
/* Fails the test if the context has an error; then closes it. */
void test_context_close(Context *ctx);
/* The context has an error that contains `text`; clears it. */
void expect_error(Context *ctx, const char *text);

/* Values with mean 0 and variance 1, as a function of `seed` alone.  malloc'd. */
float *random_floats(size_t count, unsigned seed);
float *zero_floats(size_t count);
/* random_floats, multiplied by `scale` and rounded to `dtype`. */
float *random_values(size_t count, unsigned seed, float scale, DType dtype);

Tensor shape(DType dtype, int n, int h, int w, int c); /* without data: for planning and errors */
size_t elements(Tensor t);
/* Allocates on the device. */
Tensor tensor_new(Context *ctx, DType dtype, int n, int h, int w, int c);
void tensor_free(Context *ctx, Tensor t);
/* Copies elements(t) values to or from the device, converted from or to t.dtype. */
void tensor_upload(Context *ctx, Tensor t, const float *values);
Tensor tensor_of(Context *ctx, DType dtype, int n, int h, int w, int c, const float *values);
float *tensor_download(Context *ctx, Tensor t); /* malloc'd */
void *bytes_to_device(Context *ctx, const void *bytes, size_t count);

/* Fails the test, naming the element of the largest error, unless
 * |actual[i] - expected[i]| <= relative |expected[i]| + absolute for every i (NaN matches NaN). */
void expect_close(const char *what, const float *actual, const double *expected, size_t count,
                  double relative, double absolute);
/* Fails the test unless the bytes are the same. */
void expect_same(const char *what, const float *actual, const float *expected, size_t count);

#endif
