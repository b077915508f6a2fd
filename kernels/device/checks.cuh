// What launchers check before they launch.
#pragma once

#include "context.h"

// True if `t`, the argument `name` of `operation`, can be worked on: sizes in range and, unless
// planning, 16-byte aligned data.
bool check_tensor(Context *ctx, const char *operation, const char *name, Tensor t);

// The same, and `t` has the given type and shape.
bool check_shape(Context *ctx, const char *operation, const char *name, Tensor t, DType dtype, int n,
                 int h, int w, int c);

// The same, and `t` has the type and shape of resample(x, mode).
bool check_resampled(Context *ctx, const char *operation, const char *name, Tensor t, Tensor x,
                     Resample mode);

// True if noise can be drawn for the images of `t`: seeds are given (unless planning).
bool check_noise(Context *ctx, const char *operation, Tensor t, const uint64_t *seeds, int draw);

// Rows of channels: one for each pixel.
inline int rows_of(Tensor t) { return t.n * t.h * t.w; }
