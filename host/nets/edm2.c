#include "nets/edm2.h"

#include <math.h>
#include <stdlib.h>

/* A block's output before its closing clamp: whoever reads it clamps. */
typedef struct {
    Tensor t;
    float clip;
    bool waits; /* as a skip for the decoder, too: not to be released by its next reader */
} Feature;

/* Factors of mp_sum(a, b, t) (Eq. 88).  b's is baked into the filter that makes b. */
static float mp_sum_keep(double t) { return (float)((1 - t) / sqrt((1 - t) * (1 - t) + t * t)); }

static Tensor take_like(const Edm2 *net, Arena *arena, Tensor t, Resample mode, int channels) {
    const int h = mode == RESAMPLE_DOWN ? t.h / 2 : mode == RESAMPLE_UP ? t.h * 2 : t.h;
    const int w = mode == RESAMPLE_DOWN ? t.w / 2 : mode == RESAMPLE_UP ? t.w * 2 : t.w;
    return arena_take(arena, net->base.ctx, net->base.dtype, t.n, h, w, channels);
}

static Tensor convolve(const Edm2 *net, Arena *arena, Tensor x, const Filter *filter, int channels) {
    Tensor y = take_like(net, arena, x, RESAMPLE_KEEP, channels);
    conv2d(net->base.ctx, x, filter, 0, y);
    return y;
}

/* What the two branches of a block start from: r, the residual, and s, the input of conv_res0. */
typedef struct {
    Tensor r, s;
} Branches;

static Branches enter_encoder_block(const Edm2 *net, Arena *arena, const BlockLayout *block,
                                    const Edm2Block *weights, Feature x) {
    Branches out;
    out.r = take_like(net, arena, x.t, block->mode, block->cout);
    if (weights->conv_skip != NULL) {
        Tensor clipped = take_like(net, arena, x.t, block->mode, block->cin);
        resample(net->base.ctx, x.t, x.clip, block->mode, clipped);
        conv2d(net->base.ctx, clipped, weights->conv_skip, 0, out.r);
        arena_release(arena, clipped);
        x = (Feature){out.r, INFINITY, true};
    }
    const Resample mode = weights->conv_skip != NULL ? RESAMPLE_KEEP : block->mode;
    out.s = take_like(net, arena, out.r, RESAMPLE_KEEP, block->cout);
    norm_silu(net->base.ctx, x.t, x.clip, mode, out.r, out.s);
    return out;
}

/* Releases what it read. */
static Branches enter_decoder_block(const Edm2 *net, Arena *arena, const BlockLayout *block, Feature x,
                                    Feature skip) {
    Branches out;
    out.r = take_like(net, arena, x.t, block->mode, block->cin);
    out.s = take_like(net, arena, x.t, block->mode, block->cin);
    if (block->skip > 0) {
        const float balance = (float)net->config.concat_balance;
        cat_silu(net->base.ctx, x.t, x.clip, skip.t, skip.clip, balance, out.r, out.s);
        arena_release(arena, skip.t);
    } else {
        resample_silu(net->base.ctx, x.t, x.clip, block->mode, out.r, out.s);
    }
    if (!x.waits) arena_release(arena, x.t);
    return out;
}

/* x = mp_sum(x, attn_proj(attention(attn_qkv(x))), attn_balance), in place. */
static void attend(const Edm2 *net, Arena *arena, const BlockLayout *block, const Edm2Block *weights,
                   Tensor x) {
    Tensor qkv = convolve(net, arena, x, weights->attn_qkv, 3 * x.c);
    Tensor mixed = take_like(net, arena, x, RESAMPLE_KEEP, x.c);
    attention(net->base.ctx, qkv, block->heads, mixed);
    arena_release(arena, qkv);
    conv2d(net->base.ctx, mixed, weights->attn_proj, mp_sum_keep(net->config.attn_balance), x);
    arena_release(arena, mixed);
}

/* One block of Fig. 21; emb: the scales of all blocks. */
static Feature run_block(const Edm2 *net, Arena *arena, int index, Feature x, Feature skip,
                         Tensor emb) {
    const BlockLayout *block = &net->layout.block[index];
    const Edm2Block *weights = &net->block[index];
    Branches in = block->decoder ? enter_decoder_block(net, arena, block, x, skip)
                                 : enter_encoder_block(net, arena, block, weights, x);
    Tensor y = convolve(net, arena, in.s, weights->conv_res0, block->cout);
    arena_release(arena, in.s);
    scale_silu(net->base.ctx, y, emb, block->emb_offset);
    if (block->decoder && weights->conv_skip != NULL) {
        Tensor r = convolve(net, arena, in.r, weights->conv_skip, block->cout);
        arena_release(arena, in.r);
        in.r = r;
    }
    conv2d(net->base.ctx, y, weights->conv_res1, mp_sum_keep(net->config.res_balance), in.r);
    arena_release(arena, y);
    if (block->heads > 0) attend(net, arena, block, weights, in.r);
    return (Feature){in.r, (float)net->config.clip_act, !block->decoder};
}

/* The embedding of noise level and label, through every block's emb_linear: [n,1,1,emb_total]. */
static Tensor embed(const Edm2 *net, Arena *arena, int n, const float *sigma, const int32_t *labels) {
    const Edm2Layout *layout = &net->layout;
    Tensor fourier = arena_take(arena, net->base.ctx, F32, n, 1, 1, layout->fourier_channels);
    fourier_embedding(net->base.ctx, sigma, net->freqs, net->phases, fourier);
    Tensor noise = arena_take(arena, net->base.ctx, F32, n, 1, 1, layout->emb_channels);
    linear(net->base.ctx, fourier, net->emb_noise, noise);
    arena_release(arena, fourier);
    label_embedding(net->base.ctx, noise, net->emb_label, net->config.label_dim, labels,
                    (float)net->config.label_balance);
    Tensor scales = arena_take(arena, net->base.ctx, F32, n, 1, 1, layout->emb_total);
    linear(net->base.ctx, noise, net->emb_linear, scales);
    arena_release(arena, noise);
    return scales;
}

/* The scaled image and a channel of ones, through the first convolution. */
static Tensor enter(const Edm2 *net, Arena *arena, Tensor x, const float *sigma) {
    Tensor input = take_like(net, arena, x, RESAMPLE_KEEP, x.c + 1);
    precondition_ones(net->base.ctx, x, sigma, (float)net->config.sigma_data, input);
    Tensor first = convolve(net, arena, input, net->conv_in, net->layout.fourier_channels);
    arena_release(arena, input);
    return first;
}

static Tensor forward(const Network *base, Arena *arena, Tensor x, const float *sigma,
                      const int32_t *labels) {
    const Edm2 *net = (const Edm2 *)base;
    const Edm2Layout *layout = &net->layout;
    const Feature none = {{0}, 0, false};
    Feature skips[EDM2_MAX_SKIPS]; /* encoder outputs wait for the decoder on a stack */
    int count = 0;
    Tensor emb = embed(net, arena, x.n, sigma, labels);

    Feature feature = {enter(net, arena, x, sigma), INFINITY, true};
    skips[count++] = feature;
    for (int i = 0; i < layout->encoder_blocks; i++) {
        feature = run_block(net, arena, i, feature, none, emb);
        skips[count++] = feature;
    }
    for (int i = layout->encoder_blocks; i < layout->blocks; i++) {
        const bool takes_skip = layout->block[i].skip > 0;
        feature = run_block(net, arena, i, feature, takes_skip ? skips[--count] : none, emb);
    }
    arena_release(arena, emb);

    resample(net->base.ctx, feature.t, feature.clip, RESAMPLE_KEEP, feature.t);
    Tensor out = convolve(net, arena, feature.t, net->conv_out, net->config.img_channels);
    arena_release(arena, feature.t);
    return out;
}

static Tensor logvar(const Network *base, Arena *arena, int n, const float *sigma) {
    const Edm2 *net = (const Edm2 *)base;
    Tensor fourier = arena_take(arena, net->base.ctx, F32, n, 1, 1, net->config.logvar_channels);
    fourier_embedding(net->base.ctx, sigma, net->logvar_freqs, net->logvar_phases, fourier);
    Tensor out = arena_take(arena, net->base.ctx, F32, n, 1, 1, 1);
    linear(net->base.ctx, fourier, net->logvar_linear, out);
    arena_release(arena, fourier);
    return out;
}

/* What `Network` does not say already. */
static json_t *describe(const Network *base) {
    static const char *const said[] = {"img_resolution", "img_channels", "label_dim", "sigma_data"};
    json_t *config = edm2_config_write(&((const Edm2 *)base)->config);
    for (int i = 0; config != NULL && i < 4; i++) json_object_del(config, said[i]);
    return config;
}

static void destroy(Network *base) {
    Edm2 *net = (Edm2 *)base;
    edm2_unload(net);
    edm2_layout_free(&net->layout);
    free(net);
}

static Network network_of(Context *ctx, const Edm2Config *config, DType dtype) {
    return (Network){.ctx = ctx,
                     .architecture = "edm2",
                     .h = config->img_resolution,
                     .w = config->img_resolution,
                     .c = config->img_channels,
                     .label_dim = config->label_dim,
                     .sigma_data = config->sigma_data,
                     .dtype = dtype,
                     .forward = forward,
                     .logvar = logvar,
                     .describe = describe,
                     .destroy = destroy};
}

Network *edm2_create(Context *ctx, json_t *config, const char *where, DType dtype, WeightSource *source,
                     Error *error) {
    Edm2Config read;
    if (!edm2_config_read(&read, config, where, error)) return NULL;
    Edm2 *net = calloc(1, sizeof *net);
    if (net == NULL) {
        fail(error, "out of memory");
        return NULL;
    }
    *net = (Edm2){.base = network_of(ctx, &read, dtype), .config = read};
    if (edm2_layout_make(&net->layout, &read, error) && edm2_load(net, source, error))
        return &net->base;
    destroy(&net->base);
    return NULL;
}
