// The embeddings of the noise level and of the class.
#include <math.h>

#include "device/activation.cuh"
#include "device/checks.cuh"
#include "device/rows.cuh"

__global__ void fourier_kernel(const float *sigma, const float *freqs, const float *phases, Rows rows,
                               int channels, float *out) {
    const Range share = block_range(rows.split);
    const Team team = team_of(rows);
    for (long long n = share.begin + team.row; n < share.end; n += team.rows) {
        const float noise = logf(sigma[n]) / 4;
        VECTOR_LOOP
        for (int c = team.lane; c < channels; c += team.lanes)
            out[n * channels + c] = 1.41421356f * cosf(noise * freqs[c] + phases[c]);
    }
}

void fourier_embedding(Context *ctx, const float *sigma, const float *freqs, const float *phases,
                       Tensor out) {
    if (!check_shape(ctx, "fourier_embedding", "out", out, F32, out.n, 1, 1, out.c)) return;
    if (!context_runs(ctx) || out.n == 0) return;
    const RowGrid grid = row_grid_for<1>(ctx, fourier_kernel, out.n, out.c);
    LAUNCH(fourier_kernel, grid.blocks, BLOCK, 0, ctx->stream, sigma, freqs, phases, grid.rows, out.c,
           (float *)out.data);
    check_launch(ctx, "fourier_embedding");
}

// Of the sum of the noise embedding and the label's row of weights.
__global__ void label_kernel(float *noise, const float *weights, int label_dim, const int32_t *labels,
                             float noise_scale, float label_scale, Rows rows, int channels) {
    const Range share = block_range(rows.split);
    const Team team = team_of(rows);
    for (long long n = share.begin + team.row; n < share.end; n += team.rows) {
        const int label = weights != NULL ? labels[n] : -1;
        const float *row =
            label >= 0 && label < label_dim ? weights + (long long)label * channels : NULL;
        VECTOR_LOOP
        for (int c = team.lane; c < channels; c += team.lanes) {
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
    const RowGrid grid = row_grid_for<1>(ctx, label_kernel, noise.n, noise.c);
    LAUNCH(label_kernel, grid.blocks, BLOCK, 0, ctx->stream, (float *)noise.data, weights, label_dim,
           labels, noise_scale, label_scale, grid.rows, noise.c);
    check_launch(ctx, "label_embedding");
}
