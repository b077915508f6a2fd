/* The C interface of the kernels: every operation that the host may call, with its shapes.
 *
 * Conventions
 * - Activations are NHWC, contiguous; Tensor.data is device memory.  A matrix [n][c] is a Tensor
 *   with h = w = 1.  Embeddings, noise levels and the sampler's state are F32 whatever the
 *   precision of the network; every sum is accumulated in float32.
 * - Operations run asynchronously on the context's stream, in order.
 * - Errors are sticky, as in CUDA: the first failure is kept in the context (context_error), and
 *   every later operation does nothing.  So a network reads as a plain sequence of calls, with one
 *   check at its end.
 * - Planning: between context_plan_begin and context_plan_end no kernel runs and no data pointer is
 *   read; operations only check shapes and count multiply-accumulates and workspace.
 * Equation numbers are those of Karras et al., "Analyzing and Improving the Training Dynamics of
 * Diffusion Models" (CVPR 2024), unless another paper is named. */
#ifndef KAIROS_KERNELS_H
#define KAIROS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { F32, F16, BF16 } DType;

typedef struct {
    void *data; /* device memory; NULL = no tensor */
    DType dtype;
    int n, h, w, c;
} Tensor;

size_t dtype_size(DType dtype); /* bytes of one element */
size_t tensor_bytes(Tensor t);
Tensor tensor_images(Tensor t, int i, int n); /* images i .. i + n - 1 */

/* ---- context.cu: the device, its stream, errors, memory -------------------------------------- */

typedef enum {
    ENGINE_NATIVE, /* our kernels */
    ENGINE_LIBRARY /* cuDNN and cuBLAS (on the CPU target oneDNN, and a product of fixed order) */
} Engine;

typedef struct Context Context; /* struct: context.h */

/* Opens device number `device`.  Returns NULL with `error` filled. */
Context *context_create(int device, Engine engine, Error *error);
void context_destroy(Context *ctx);
bool context_ok(const Context *ctx);
const Error *context_error(const Context *ctx);
void context_clear_error(Context *ctx);
/* Records the first failure; later ones are dropped.  Returns false. */
bool context_fail(Context *ctx, const char *format, ...) __attribute__((format(printf, 2, 3)));

typedef struct {
    char name[256];
    size_t memory_total, memory_free; /* bytes */
    int processors;                   /* streaming multiprocessors, or CPU threads */
    bool host_cores;                  /* the device is the host's own cores */
} DeviceInfo;
DeviceInfo context_device(Context *ctx);

/* A batch goes through a network in passes of about the same number of images, at most `per_processor`
 * for each processor: more would only push the activations of a device with few of them out of its
 * caches.  Passes of several are a multiple of 4 images, so that F32 images and bytes of each begin at
 * 16 bytes; so is per_processor. */
int context_pass(const Context *ctx, int per_processor, int batch);

typedef struct {
    long long macs;         /* multiply-accumulates of the planned operations */
    size_t workspace_bytes; /* the largest workspace that one of them needs */
} Plan;
void context_plan_begin(Context *ctx);
Plan context_plan_end(Context *ctx);

/* Gives the context the workspace that planning asked for.  It grows by itself where cuDNN wants more
 * for a smaller batch than the planned one. */
void context_reserve_workspace(Context *ctx, size_t bytes);

/* Device memory, 256-byte aligned.  NULL with the context's error set when there is not enough. */
void *device_alloc(Context *ctx, size_t bytes);
void device_free(Context *ctx, void *data);
void device_upload(Context *ctx, void *device, const void *host, size_t bytes);
/* Waits for all work before it, so the host may read the bytes at once. */
void device_download(Context *ctx, void *host, const void *device, size_t bytes);
void device_synchronize(Context *ctx);

/* ---- conv.cu (conv_native.cu, conv_library.cu, conv_winograd.cu): convolution and products ----- */

typedef struct Filter Filter; /* weights on the device, with what the engine prepared for them */

/* weights: host memory, [cout][size][size][cin]; size is 1 or 3; stored as `dtype`.
 * Returns NULL with the context's error set. */
Filter *filter_create(Context *ctx, const float *weights, int cout, int size, int cin, DType dtype);
void filter_destroy(Filter *filter);

/* How cuDNN convolves one layer for images of one shape.  In 16 bits its channels are padded. */
typedef struct {
    int n, h, w, cin, cout, padded_cin, padded_cout, size;
    DType dtype;
    const char *algorithm, *math; /* in words */
    size_t workspace_bytes;
} ConvolutionChoice;
typedef void (*ConvolutionListener)(void *user, const ConvolutionChoice *choice);
/* From now on `listener` hears of each choice once, when it has run for the first time.  NULL = nobody.
 */
void context_listen(Context *ctx, ConvolutionListener listener, void *user);

/* y = conv(x, filter) + beta y; stride 1, zero padding size/2.
 * x [n,h,w,cin], y [n,h,w,cout], all of the filter's dtype; beta = 0 never reads y.
 * With the native engine, and with the library engine of the CPU target, an image's result does
 * not depend on the others in its batch, to the last bit. */
void conv2d(Context *ctx, Tensor x, const Filter *filter, float beta, Tensor y);

/* y = x W^T.  x [n,1,1,cin], y [n,1,1,cout], filter of size 1; the same promise as conv2d. */
void linear(Context *ctx, Tensor x, const Filter *filter, Tensor y);

/* ---- attention.cu ----------------------------------------------------------------------------- */

/* Cosine attention.  qkv [n,h,w,3c], channels laid out [q,k,v][head][c/heads]; out [n,h,w,c].
 * q, k and v of each token and head are first normalized to RMS 1 (eps 1e-4, Eq. 46); scores are
 * q.k / sqrt(c/heads); softmax over the h*w keys.  Their size bounds the scores by sqrt(c/heads),
 * so that constant is the softmax's shift. */
void attention(Context *ctx, Tensor qkv, int heads, Tensor out);

/* ---- elementwise operations of a block --------------------------------------------------------
 * `clip` clamps each value read to [-clip, clip] (the end of the block that made it, Fig. 21);
 * INFINITY = none.  mp_silu(v) = v / (1 + exp(-v)) / 0.596 (Eq. 81). */

typedef enum {
    RESAMPLE_KEEP,
    RESAMPLE_DOWN, /* the mean of 2x2 pixels: half of h and w */
    RESAMPLE_UP    /* each pixel repeated 2x2: twice h and w */
} Resample;

/* resample.cu: out = resample(clip(x)).  KEEP may run in place. */
void resample(Context *ctx, Tensor x, float clip, Resample mode, Tensor out);

/* norm_silu.cu: r = x' / (1e-4 + RMS of x' over the channels), s = mp_silu(r),
 * with x' = resample(clip(x)).  r may be x itself if mode is KEEP. */
void norm_silu(Context *ctx, Tensor x, float clip, Resample mode, Tensor r, Tensor s);

/* resample_silu.cu: r = resample(clip(x)), s = mp_silu(r). */
void resample_silu(Context *ctx, Tensor x, float clip, Resample mode, Tensor r, Tensor s);

/* cat_silu.cu: r = mp_cat(clip_a(a), clip_b(b), balance) over the channels (Eq. 103), s = mp_silu(r).
 */
void cat_silu(Context *ctx, Tensor a, float clip_a, Tensor b, float clip_b, float balance, Tensor r,
              Tensor s);

/* scale_silu.cu: y = mp_silu(y * (1 + emb[n][offset + c])) in place; emb [n,1,1,>= offset + y.c] F32.
 */
void scale_silu(Context *ctx, Tensor y, Tensor emb, int offset);

/* ---- embedding.cu ----------------------------------------------------------------------------- */

/* out[n][c] = sqrt(2) cos(ln(sigma[n]) / 4 * freqs[c] + phases[c]) (Eq. 75).  All F32 on the device. */
void fourier_embedding(Context *ctx, const float *sigma, const float *freqs, const float *phases,
                       Tensor out);

/* out = mp_silu(mp_sum(noise, sqrt(L) W[label], balance)) (Eq. 88), in place on `noise` [n,1,1,c] F32.
 * weights: device [L][c], baked; labels: device [n], -1 = the zero label.
 * weights NULL (an unconditional model): out = mp_silu(noise). */
void label_embedding(Context *ctx, Tensor noise, const float *weights, int label_dim,
                     const int32_t *labels, float balance);

/* precondition_ones.cu: the input of an EDM2 network.  x [n,h,w,c] F32, sigma: device [n];
 * out [n,h,w,c+1] = x / sqrt(sigma^2 + sigma_data^2), and a last channel of ones. */
void precondition_ones(Context *ctx, Tensor x, const float *sigma, float sigma_data, Tensor out);

/* ---- sampling --------------------------------------------------------------------------------- */

/* What a network says of x: D = c_skip x + c_out f with c_skip = sd^2/(s^2+sd^2) and
 * c_out = s sd/sqrt(s^2+sd^2) (Karras et al. 2022, Table 1); with a reference network
 * D = D_ref + guidance (D - D_ref). */
typedef struct {
    Tensor f;           /* network output [n,h,w,c] */
    Tensor f_ref;       /* reference network's output; data NULL = no guidance */
    float guidance;     /* 1 = no guidance */
    const float *sigma; /* device [n] */
    float sigma_data;
} Prediction;

/* solver_step.cu: preconditioning, guidance, solver update and noise in one pass.
 * out   = a x + b D + k carry + noise * normal(seed, draw)
 * carry = carry_a x + carry_b D                 (written after it is read; k = 0: not read) */
typedef struct {
    Prediction prediction;
    float a, b, k, noise;
    float carry_a, carry_b;
    Tensor carry;          /* [n,h,w,c] F32; data NULL = neither read nor written */
    const uint64_t *seeds; /* device [n]; read if noise != 0 */
    int draw;              /* number of the draw in each seed's sequence */
} SolverStep;
void solver_step(Context *ctx, Tensor x, const SolverStep *step, Tensor out); /* out may be x */

/* fill.cu: values[i] = value, device [count]. */
void fill(Context *ctx, float *values, int count, float value);

/* noise.cu: x [n,h,w,c] F32 = scale * the normals that PyTorch's CUDA generator, seeded with the
 * image's seed mod 2^32, makes as draw number `draw` of shape [c,h,w].  seeds: device [n]. */
void noise_fill(Context *ctx, const uint64_t *seeds, int draw, float scale, Tensor x);

/* noise.cu: out = x0 + scale * the same normals; x0 and out [n,h,w,c] F32.  out may be x0. */
void noise_add(Context *ctx, Tensor x0, const uint64_t *seeds, int draw, float scale, Tensor out);

/* pixels.cu: out[n][h][w][c] (device bytes) = trunc(clip(127.5 x + 128, 0, 255)); NaN becomes 0. */
void to_pixels(Context *ctx, Tensor x, uint8_t *out);

/* nonfinite.cu: counts[n] (device) = how many values of image n of x [n,h,w,c] F32 are infinite or not
 * a number: what a network with overflowing activations leaves, and to_pixels would hide. */
void count_nonfinite(Context *ctx, Tensor x, int32_t *counts);

/* ---- feature networks ------------------------------------------------------------------------- */

/* pixels.cu: out[n][h][w][c] = pixels / 127.5 - 1; pixels: device bytes in the same order. */
void from_pixels(Context *ctx, const uint8_t *pixels, Tensor out);

/* bias_relu.cu: out[n][i][j][c] = max(0, x[n][stride i][stride j][c] + bias[c]): with conv2d before it,
 * a convolution of that stride.  bias: device [c] F32, 16-byte aligned; out [n,ceil(h/stride),
 * ceil(w/stride),c]; may be x if the stride is 1. */
void bias_relu(Context *ctx, Tensor x, const float *bias, int stride, Tensor out);

/* channel_mean.cu: out [n,1,1,c] F32 = the mean of x [n,h,w,c] over an image's pixels. */
void channel_mean(Context *ctx, Tensor x, Tensor out);

/* ---- measuring --------------------------------------------------------------------------------
 * Sums are double-precision and their order is fixed: the bytes depend neither on the batch nor on the
 * grid; a spectrum's only if cuFFT transforms a plane alike in every batch, as FFTW does.  Planes are
 * images [n,c,h,w] F32, as a Tensor {data, F32, n, c, h, w}. */

/* squared_error.cu: squared[n] = ||x0 - D||^2 over the values of image n; x, x0 [n,h,w,c] F32;
 * squared: device.  planes: the error x0 - D itself, data NULL = not stored.
 * Computed as x0 - D = (1 - c_skip) x0 - c_skip (x - x0) - c_out f, whose terms are as small as the
 * noise: at low noise levels x0 - (c_skip x + c_out f) would be the difference of two images. */
void squared_error(Context *ctx, Tensor x, Tensor x0, const Prediction *prediction, double *squared,
                   Tensor planes);

/* spectrum.cu: orthonormal 2-D Fourier transforms.  Those of real images are symmetric,
 * x^[-ky, -kx] = conj x^[ky, kx], so only columns kx = 0 ... w/2 are made: [c][h][w/2+1] directions. */
typedef struct Transform Transform; /* prepared for batches of one size */
/* Makes no use of the device's memory for images, also while planning.  NULL with the context's error.
 */
Transform *transform_create(Context *ctx, int n, int c, int h, int w);
void transform_destroy(Transform *transform);

typedef enum {
    SPECTRUM_POWER,    /* |x^|^2 */
    SPECTRUM_AMPLITUDE /* |x^| */
} SpectrumValue;
/* sum[direction] += value of each of the first `images` images, in their order.  planes: of the batch
 * size that the transform was made for, of which images beyond the first `images` may hold anything.
 * sum: device [c][h][w/2+1].  Uses workspace. */
void spectrum_add(Context *ctx, const Transform *transform, Tensor planes, int images,
                  SpectrumValue value, double *sum);

/* spectrum.cu: planes [n,c,h,w] from x [n,h,w,c] F32. */
void image_planes(Context *ctx, Tensor x, Tensor planes);

#ifdef __cplusplus
}
#endif

#endif
