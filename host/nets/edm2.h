/* The EDM2 denoiser network (Karras et al., "Analyzing and Improving the Training Dynamics of Diffusion
 * Models", CVPR 2024; equation and figure numbers below are that paper's). */
#ifndef KAIROS_EDM2_H
#define KAIROS_EDM2_H

#include "arena.h"
#include "kernels.h"
#include "nets/edm2_config.h"
#include "nets/edm2_layout.h"
#include "nets/weights.h"

typedef struct {
    Filter *conv_res0, *conv_res1;
    Filter *conv_skip;            /* NULL if cin == cout */
    Filter *attn_qkv, *attn_proj; /* NULL without attention */
} Edm2Block;

typedef struct {
    Context *ctx;
    DType dtype;
    Edm2Config config;
    Edm2Layout layout;
    long long parameters;

    float *freqs, *phases; /* device [fourier_channels] */
    Filter *emb_noise;     /* F32, as all embeddings */
    float *emb_label;      /* device [label_dim][emb_channels]; NULL = unconditional */
    Filter *emb_linear;    /* of all blocks, one below the other: one product a pass */
    Filter *conv_in, *conv_out;
    Edm2Block *block; /* [layout.blocks] */

    float *logvar_freqs, *logvar_phases; /* device [logvar_channels] */
    Filter *logvar_linear;
} Edm2;

/* Builds the network on the context's device.  Weights, gains and constant factors are baked into
 * plain filters.  Returns NULL with `error` filled. */
Edm2 *edm2_create(Context *ctx, const Edm2Config *config, DType dtype, WeightSource *source,
                  Error *error);
void edm2_destroy(Edm2 *net);

/* The raw network F(c_in x; c_noise, label).  x: precondition()'s output, [n,r,r,img_channels + 1] of
 * the network's dtype; sigma: device [n]; labels: device [n], -1 = the zero label.  Returns
 * [n,r,r,img_channels], taken from the arena; the caller releases it. Errors are kept in the context.
 */
Tensor edm2_forward(const Edm2 *net, Arena *arena, Tensor x, const float *sigma, const int32_t *labels);

/* u(sigma) of Eq. 21, [n,1,1,1] F32: the log of the expected weighted loss per dimension. */
Tensor edm2_logvar(const Edm2 *net, Arena *arena, int n, const float *sigma);

#endif
