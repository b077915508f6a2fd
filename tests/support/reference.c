#include "support/reference.h"

#include <math.h>
#include <stdlib.h>

const int SHAPES[5][4] = {{2, 4, 6, 32}, {1, 2, 2, 256}, {3, 2, 4, 7}, {1, 4, 2, 392}, {0, 2, 2, 16}};

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
