#include "support/reference.h"

#include <math.h>
#include <stdlib.h>

/* The last ones have rows that blocks do not share evenly, rows of several turns, and more rows than
 * blocks take in one turn. */
const int SHAPES[SHAPE_COUNT][4] = {{2, 4, 6, 32},  {2, 2, 2, 16},   {1, 4, 2, 8},   {2, 2, 4, 2},
                                    {1, 2, 2, 125}, {1, 2, 2, 256},  {3, 2, 4, 7},   {1, 4, 2, 392},
                                    {0, 2, 2, 16},  {3, 10, 14, 72}, {9, 34, 34, 1}, {3, 10, 12, 165},
                                    {9, 34, 34, 3}};

double silu_of(double v) { return v / (1 + exp(-v)) / 0.596; }

double clamped(double v, double bound) { return v > bound ? bound : v < -bound ? -bound : v; }

Tensor resampled_shape(Tensor x, Resample mode) {
    if (mode == RESAMPLE_KEEP) return x;
    const bool up = mode == RESAMPLE_UP;
    return shape(x.dtype, x.n, up ? 2 * x.h : x.h / 2, up ? 2 * x.w : x.w / 2, x.c);
}

double *resampled_values(const float *values, Tensor x, double clip, Resample mode) {
    const Tensor out = resampled_shape(x, mode);
    double *result = malloc((elements(out) + 1) * sizeof *result);
    const int taps = mode == RESAMPLE_DOWN ? 2 : 1;
    size_t i = 0;
    for (int n = 0; n < out.n; ++n)
        for (int y = 0; y < out.h; ++y)
            for (int column = 0; column < out.w; ++column)
                for (int c = 0; c < out.c; ++c, ++i) {
                    double sum = 0;
                    for (int dy = 0; dy < taps; ++dy)
                        for (int dx = 0; dx < taps; ++dx) {
                            const int sy = mode == RESAMPLE_UP ? y / 2 : y * taps + dy;
                            const int sx = mode == RESAMPLE_UP ? column / 2 : column * taps + dx;
                            sum += clamped(values[(((size_t)n * x.h + sy) * x.w + sx) * x.c + c], clip);
                        }
                    result[i] = sum / (taps * taps);
                }
    return result;
}

double *silu_values(const double *values, size_t count) {
    double *result = malloc((count + 1) * sizeof *result);
    for (size_t i = 0; i < count; ++i) result[i] = silu_of(values[i]);
    return result;
}

static void check_resampling(Context *ctx, ResampleCheck *check, Tensor like, const float *values,
                             float clip, Resample mode) {
    const Tensor x = tensor_of(ctx, like.dtype, like.n, like.h, like.w, like.c, values);
    check(ctx, x, values, INFINITY, mode, false);
    check(ctx, x, values, clip, mode, false);
    if (mode == RESAMPLE_KEEP) check(ctx, x, values, clip, mode, true);
    tensor_free(ctx, x);
}

void check_resamplings(ResampleCheck *check, int seed, float scale, float clip) {
    Context *ctx = test_context();
    for (int t = 0; t < 3; ++t)
        for (int i = 0; i < SHAPE_COUNT; ++i) {
            const int *d = SHAPES[i];
            const Tensor like = shape(DTYPES[t], d[0], d[1], d[2], d[3]);
            float *values = random_values(elements(like), seed + i, scale, DTYPES[t]);
            for (int mode = 0; mode < MODES; ++mode)
                check_resampling(ctx, check, like, values, clip, mode);
            free(values);
        }
    test_context_close(ctx);
}
