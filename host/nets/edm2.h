/* The EDM2 denoiser network (Karras et al., "Analyzing and Improving the Training Dynamics of Diffusion
 * Models", CVPR 2024; equation and figure numbers below are that paper's). */
#ifndef KAIROS_EDM2_H
#define KAIROS_EDM2_H

#include "nets/edm2_config.h"
#include "nets/edm2_layout.h"
#include "nets/network.h"
#include "nets/weights.h"

typedef struct {
    Filter *conv_res0, *conv_res1;
    Filter *conv_skip;            /* NULL if cin == cout */
    Filter *attn_qkv, *attn_proj; /* NULL without attention */
} Edm2Block;

typedef struct {
    Network base;
    Edm2Config config;
    Edm2Layout layout;

    float *freqs, *phases; /* device [fourier_channels] */
    Filter *emb_noise;     /* F32, as all embeddings */
    float *emb_label;      /* device [label_dim][emb_channels]; NULL = unconditional */
    Filter *emb_linear;    /* of all blocks, one below the other: one product a pass */
    Filter *conv_in, *conv_out;
    Edm2Block *block; /* [layout.blocks] */

    float *logvar_freqs, *logvar_phases; /* device [logvar_channels] */
    Filter *logvar_linear;
} Edm2;

/* Builds the network on the context's device from its configuration, as a model file states it (`where`
 * stands for that place in errors).  Weights, gains and constant factors are baked into plain filters.
 * Returns NULL with `error` filled. */
Network *edm2_create(Context *ctx, json_t *config, const char *where, DType dtype, WeightSource *source,
                     Error *error);

/* edm2_weights.c: fills the filters and vectors of a network that has its layout, or fails part of the
 * way; frees what is there. */
bool edm2_load(Edm2 *net, WeightSource *source, Error *error);
void edm2_unload(Edm2 *net);

#endif
