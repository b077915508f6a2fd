// The squared error of each image, straight from the network's output.
#include <type_traits>

#include "device/elements.cuh"
#include "device/prediction.cuh"
#include "device/reduce.cuh"

template <typename T>
struct ErrorOf {
    NetworkOutput<T> output;
    const float *x, *x0;
    double *squared;
    float *planes;
    Split split;
    int channels, pixels;
};

// A block takes whole images, so that an image's sum is the same in any batch and grid.
template <bool STORE, typename T>
__global__ void squared_error_kernel(ErrorOf<T> error) {
    SHARED_ARRAY(double, shared, BLOCK_WARPS);
    const Range share = block_range(error.split);
    const int size = error.channels * error.pixels;
    for (long long image = share.begin; image < share.end; ++image) {
        const Preconditioning c = preconditioning(error.output, image);
        const long long first = image * size;
        double sum = 0;
        for (int i = threadIdx.x; i < size; i += BLOCK) {
            const float x0 = error.x0[first + i], noise = error.x[first + i] - x0;
            const float e =
                c.rest * x0 - c.skip * noise - c.out * guided_output(error.output, first + i);
            sum += (double)e * e;
            if constexpr (STORE)
                error.planes[first + channels_first(i, error.channels, error.pixels)] = e;
        }
        sum = block_sum(sum, shared);
        if (threadIdx.x == 0) error.squared[image] = sum;
    }
}

static bool check(Context *ctx, Tensor x, Tensor x0, const Prediction *prediction,
                  const double *squared, Tensor planes) {
    const char *name = "squared_error";
    if (!check_shape(ctx, name, "x", x, F32, x.n, x.h, x.w, x.c) ||
        !check_shape(ctx, name, "x0", x0, F32, x.n, x.h, x.w, x.c) ||
        !check_prediction(ctx, name, *prediction, x))
        return false;
    if ((long long)x.h * x.w * x.c > 1 << 30)
        return context_fail(ctx, "%s: an image is [%d,%d,%d], expected at most 2^30 values", name, x.h,
                            x.w, x.c);
    if (planes.data != NULL && !check_shape(ctx, name, "planes", planes, F32, x.n, x.c, x.h, x.w))
        return false;
    if (!ctx->planning && x.n > 0 && squared == NULL)
        return context_fail(ctx, "%s: no place for the squared errors", name);
    return true;
}

void squared_error(Context *ctx, Tensor x, Tensor x0, const Prediction *prediction, double *squared,
                   Tensor planes) {
    if (!check(ctx, x, x0, prediction, squared, planes) || !context_runs(ctx) || x.n == 0) return;
    with_type(prediction->f.dtype, [&](auto zero) {
        using T = decltype(zero);
        const auto kernel =
            planes.data != NULL ? squared_error_kernel<true, T> : squared_error_kernel<false, T>;
        const Grid grid = grid_for(ctx, kernel, x.n, 1);
        const ErrorOf<T> error = {network_output<T>(*prediction),
                                  (const float *)x.data,
                                  (const float *)x0.data,
                                  squared,
                                  (float *)planes.data,
                                  grid.split,
                                  x.c,
                                  x.h * x.w};
        LAUNCH(kernel, grid.blocks, BLOCK, 0, ctx->stream, error);
    });
    check_launch(ctx, "squared_error");
}
