// The embeddings of the noise level and of the class.
#include <math.h>

#include "device/activation.cuh"
#include "device/checks.cuh"

// Here and below a block takes one embedding at a time.
__global__ void fourier_kernel(const float *sigma, const float *freqs, const float *phases, Split split,
                               int channels, float *out) {
    const Range share = block_range(split);
    for (long long n = share.begin; n < share.end; ++n) {
        const float noise = logf(sigma[n]) / 4;
        VECTOR_LOOP
        for (int c = threadIdx.x; c < channels; c += BLOCK)
            out[n * channels + c] = 1.41421356f * cosf(noise * freqs[c] + phases[c]);
    }
}

void fourier_embedding(Context *ctx, const float *sigma, const float *freqs, const float *phases,
                       Tensor out) {
    if (!check_shape(ctx, "fourier_embedding", "out", out, F32, out.n, 1, 1, out.c)) return;
    if (!context_runs(ctx) || out.n == 0) return;
    const Grid grid = grid_for(ctx, fourier_kernel, out.n, 1);
    LAUNCH(fourier_kernel, grid.blocks, BLOCK, 0, ctx->stream, sigma, freqs, phases, grid.split, out.c,
           (float *)out.data);
    check_launch(ctx, "fourier_embedding");
}

// SiLU of the sum of the noise embedding and the label's row of weights, in place.
__global__ void label_kernel(float *noise, const float *weights, int label_dim, const int32_t *labels,
                             float noise_scale, float label_scale, Split split, int channels) {
    const Range share = block_range(split);
    for (long long n = share.begin; n < share.end; ++n) {
        const int label = weights != NULL ? labels[n] : -1;
        const float *row =
            label >= 0 && label < label_dim ? weights + (long long)label * channels : NULL;
        VECTOR_LOOP
        for (int c = threadIdx.x; c < channels; c += BLOCK) {
            float v = noise_scale * noise[n * channels + c];
            if (row != NULL) v += label_scale * row[c];
            noise[n * channels + c] = mp_silu<float>(v);
        }
    }
}

void label_embedding(Context *ctx, Tensor noise, const float *weights, int label_dim,
                     const int32_t *labels, float balance) {
    if (!check_shape(ctx, "label_embedding", "noise", noise, F32, noise.n, 1, 1, noise.c)) return;
    if (!context_runs(ctx) || noise.n == 0) return;
    if (weights != NULL && (labels == NULL || label_dim < 1)) {
        context_fail(ctx,
                     "label_embedding: %d classes %s labels, expected labels of at least one class",
                     label_dim, labels == NULL ? "without" : "with");
        return;
    }
    const double t = balance, norm = sqrt((1 - t) * (1 - t) + t * t);
    const bool conditional = weights != NULL;
    const float noise_scale = conditional ? (1 - t) / norm : 1;
    const float label_scale = conditional ? t / norm * sqrt(label_dim) : 0;
    const Grid grid = grid_for(ctx, label_kernel, noise.n, 1);
    LAUNCH(label_kernel, grid.blocks, BLOCK, 0, ctx->stream, (float *)noise.data, weights, label_dim,
           labels, noise_scale, label_scale, grid.split, noise.c);
    check_launch(ctx, "label_embedding");
}
