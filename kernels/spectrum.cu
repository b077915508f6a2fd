// The power of images in each Fourier direction, by cuFFT.
#include <cufft.h>

#include <new>

#include "device/elements.cuh"

struct Transform {
    cufftHandle plan;
    size_t plan_bytes;  // of cuFFT's own workspace
    int n, c, h, w;
};

static long long directions_of(const Transform *t) { return (long long)t->c * t->h * (t->w / 2 + 1); }

// The result of cuFFT, in front of its workspace.
static size_t result_bytes(const Transform *t) {
    const size_t bytes = t->n * directions_of(t) * sizeof(float2);
    return (bytes + 255) / 256 * 256;
}

// Adds each image's value to the sum of its direction, rounded after each, so that no compiler makes
// the result depend on how many there are.
template <bool AMPLITUDE>
__global__ void spectrum_kernel(const float2 *half, int images, long long directions, Split split,
                                double scale, double *sum) {
    const Range share = block_range(split);
    for (long long i = share.begin + threadIdx.x; i < share.end; i += BLOCK) {
        double total = sum[i];
        for (int image = 0; image < images; ++image) {
            const float2 v = half[image * directions + i];
            const double power = ((double)v.x * v.x + (double)v.y * v.y) * scale;
            total = __dadd_rn(total, AMPLITUDE ? sqrt(power) : power);
        }
        sum[i] = total;
    }
}

__global__ void planes_kernel(const float *x, Split split, int channels, int pixels, float *planes) {
    Range share = block_range(split);
    const long long size = (long long)channels * pixels;
    while (share.begin < share.end) {
        const ImagePart part = next_part(&share, channels, pixels);
        const long long first = part.image * size;
        for (long long i = part.begin + threadIdx.x; i < part.end; i += BLOCK)
            planes[first + channels_first(i, channels, pixels)] = x[first + i];
    }
}

static bool check_cufft(Context *ctx, cufftResult status, const char *what) {
    if (status == CUFFT_SUCCESS) return true;
    return context_fail(ctx, "%s failed on device %d: %s (cuFFT error %d)", what, ctx->device,
                        status == CUFFT_ALLOC_FAILED   ? "out of memory"
                        : status == CUFFT_INVALID_SIZE ? "sizes that it does not support"
                                                       : "see cufftResult in its documentation",
                        (int)status);
}

// Planes lie one behind the other, and so do their transforms.
static bool make_plan(Context *ctx, Transform *t) {
    int size[2] = {t->h, t->w}, to[2] = {t->h, t->w / 2 + 1};
    return check_cufft(ctx, cufftSetAutoAllocation(t->plan, 0), "cufftSetAutoAllocation") &&
           check_cufft(ctx,
                       cufftMakePlanMany(t->plan, 2, size, size, 1, t->h * t->w, to, 1, to[0] * to[1],
                                         CUFFT_R2C, t->n * t->c, &t->plan_bytes),
                       "cufftMakePlanMany") &&
           check_cufft(ctx, cufftSetStream(t->plan, ctx->stream), "cufftSetStream");
}

Transform *transform_create(Context *ctx, int n, int c, int h, int w) {
    if (!context_ok(ctx)) return NULL;
    if (n < 1 || c < 1 || h < 1 || w < 1 || (double)n * c * h * (w + 2) > 1 << 30) {
        context_fail(ctx,
                     "transform: %d images of [%d,%d,%d], expected sizes of at least 1 and at most "
                     "2^30 values",
                     n, c, h, w);
        return NULL;
    }
    Transform *t = new (std::nothrow) Transform();
    if (t == NULL) {
        context_fail(ctx, "out of memory");
        return NULL;
    }
    t->n = n, t->c = c, t->h = h, t->w = w;
    if (!check_cufft(ctx, cufftCreate(&t->plan), "cufftCreate")) {
        delete t;
        return NULL;
    }
    if (make_plan(ctx, t)) return t;
    transform_destroy(t);
    return NULL;
}

void transform_destroy(Transform *transform) {
    if (transform == NULL) return;
    cufftDestroy(transform->plan);
    delete transform;
}

void spectrum_add(Context *ctx, const Transform *t, Tensor planes, int images, SpectrumValue value,
                  double *sum) {
    if (t == NULL || !context_ok(ctx)) return;
    if (!check_shape(ctx, "spectrum_add", "planes", planes, F32, t->n, t->c, t->h, t->w)) return;
    if (images < 0 || images > t->n) {
        context_fail(ctx, "spectrum_add: %d images, expected 0 to %d", images, t->n);
        return;
    }
    context_plan_add(ctx, 0, result_bytes(t) + t->plan_bytes);
    if (!context_runs(ctx) || images == 0) return;
    if (ctx->workspace_bytes < result_bytes(t) + t->plan_bytes) {
        context_fail(ctx, "spectrum_add: needs more workspace than was planned");
        return;
    }
    float2 *half = (float2 *)ctx->workspace;
    void *work = (char *)ctx->workspace + result_bytes(t);
    if (!check_cufft(ctx, cufftSetWorkArea(t->plan, work), "cufftSetWorkArea") ||
        !check_cufft(ctx, cufftExecR2C(t->plan, (float *)planes.data, half), "cufftExecR2C"))
        return;
    const long long directions = directions_of(t);
    const auto kernel = value == SPECTRUM_POWER ? spectrum_kernel<false> : spectrum_kernel<true>;
    const Grid grid = grid_for(ctx, kernel, directions, BLOCK);
    LAUNCH(kernel, grid.blocks, BLOCK, 0, ctx->stream, half, images, directions, grid.split,
           1.0 / ((double)t->h * t->w), sum);
    check_launch(ctx, "spectrum_add");
}

void image_planes(Context *ctx, Tensor x, Tensor planes) {
    if (!check_shape(ctx, "image_planes", "x", x, F32, x.n, x.h, x.w, x.c) ||
        !check_shape(ctx, "image_planes", "planes", planes, F32, x.n, x.c, x.h, x.w))
        return;
    if (!context_runs(ctx) || x.n == 0) return;
    const Grid grid = pixel_grid_for(ctx, planes_kernel, x);
    LAUNCH(planes_kernel, grid.blocks, BLOCK, 0, ctx->stream, (const float *)x.data, grid.split, x.c,
           x.h * x.w, (float *)planes.data);
    check_launch(ctx, "image_planes");
}
