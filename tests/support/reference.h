/* Double-precision loops that the tests of several elementwise operations share. */
#ifndef KAIROS_TESTS_REFERENCE_H
#define KAIROS_TESTS_REFERENCE_H

#include "support/tensors.h"

#define MODES 3 /* RESAMPLE_KEEP, DOWN, UP */

/* Shapes that reach the wide, the narrow and the shared-warp paths; h and w are even. */
enum { SHAPE_COUNT = 13 };
extern const int SHAPES[SHAPE_COUNT][4];

double silu_of(double v);               /* v / (1 + exp(-v)) / 0.596 */
double clamped(double v, double bound); /* to [-bound, bound] */

Tensor resampled_shape(Tensor x, Resample mode);
/* The values of resample(clip(x)), malloc'd; x has the given shape. */
double *resampled_values(const float *values, Tensor x, double clip, Resample mode);
/* silu_of each value, malloc'd. */
double *silu_values(const double *values, size_t count);

/* Calls `check` for every type, shape and mode with random_values of that scale: without a clip,
 * with it, and, where the mode keeps the shape, with it in place (x may be overwritten). */
typedef void ResampleCheck(Context *ctx, Tensor x, const float *values, float clip, Resample mode,
                           bool in_place);
void check_resamplings(ResampleCheck *check, int seed, float scale, float clip);

#endif
