/* The weights of an EDM2 network: reads the published tensors and bakes them.  A layer applies
 *   w * gain / sqrt(fan_in) / (1e-4 + RMS of each output's weights)         (Eq. 47, eval mode)
 * and constant factors of what follows it (mp_sum) are folded in as well. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "nets/edm2.h"

typedef struct {
    Edm2 *net;
    WeightSource *source;
    Error *error;
} Loader;

typedef struct {
    float *values; /* [cout][size][size][cin] */
    int cout, size, cin;
} Baked;

static bool read_tensor(Loader *l, const char *prefix, const char *name, int rank, const int64_t *shape,
                        float *values) {
    char full[160];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return l->source->read(l->source, full, rank, shape, values, l->error);
}

static bool read_scalar(Loader *l, const char *prefix, const char *name, float *value) {
    l->net->base.parameters++;
    return read_tensor(l, prefix, name, 0, NULL, value);
}

/* Normalizes one output's weights [cin][taps] into [taps][cin]. */
static void bake_row(const float *row, int cin, int taps, double factor, float *out) {
    const int fan_in = cin * taps;
    double squares = 0;
    for (int i = 0; i < fan_in; i++) squares += (double)row[i] * row[i];
    const double scale = factor / sqrt(fan_in) / (1e-4 + sqrt(squares / fan_in));
    for (int c = 0; c < cin; c++)
        for (int tap = 0; tap < taps; tap++)
            out[(size_t)tap * cin + c] = (float)(scale * row[(size_t)c * taps + tap]);
}

/* Reads PREFIX.weight, [cout,cin,size,size] ([cout,cin] for a fully connected layer, size 0), and
 * bakes it with `factor`.  The caller frees values. */
static bool bake(Loader *l, const char *prefix, int cout, int size, int cin, double factor,
                 Baked *baked) {
    const int taps = size == 0 ? 1 : size * size;
    const int64_t shape[4] = {cout, cin, size, size};
    const size_t count = (size_t)cout * cin * taps;
    float *raw = malloc(count * sizeof *raw);
    *baked = (Baked){malloc(count * sizeof(float)), cout, size == 0 ? 1 : size, cin};
    bool ok = raw != NULL && baked->values != NULL;
    if (!ok) fail(l->error, "out of memory for %s", prefix);
    ok = ok && read_tensor(l, prefix, ".weight", size == 0 ? 2 : 4, shape, raw);
    const int rows = ok ? cout : 0;
#pragma omp parallel for
    for (int o = 0; o < rows; o++) {
        const size_t row = (size_t)o * cin * taps;
        bake_row(raw + row, cin, taps, factor, baked->values + row);
    }
    l->net->base.parameters += (long long)count;
    free(raw);
    if (!ok) free(baked->values);
    return ok;
}

/* Hands the baked weights to the device and frees them. */
static bool make_filter(Loader *l, Baked baked, DType dtype, Filter **filter) {
    *filter = filter_create(l->net->base.ctx, baked.values, baked.cout, baked.size, baked.cin, dtype);
    free(baked.values);
    return *filter != NULL || fail(l->error, "%s", context_error(l->net->base.ctx)->text);
}

static bool load_filter(Loader *l, const char *prefix, int cout, int size, int cin, double factor,
                        DType dtype, Filter **filter) {
    Baked baked;
    return bake(l, prefix, cout, size, cin, factor, &baked) && make_filter(l, baked, dtype, filter);
}

/* Factor of b in mp_sum(a, b, t) (Eq. 88). */
static double mp_sum_add(double t) { return t / sqrt((1 - t) * (1 - t) + t * t); }

/* Copies rows from the published order [head][channel][q,k,v] to [q,k,v][head][channel]. */
static bool load_qkv(Loader *l, const char *prefix, int channels, Filter **filter) {
    Baked baked;
    if (!bake(l, prefix, 3 * channels, 1, channels, 1, &baked)) return false;
    float *ordered = malloc((size_t)3 * channels * channels * sizeof *ordered);
    if (ordered == NULL) {
        free(baked.values);
        return fail(l->error, "out of memory for %s", prefix);
    }
    for (int row = 0; row < channels; row++)
        for (int part = 0; part < 3; part++)
            for (int c = 0; c < channels; c++)
                ordered[((size_t)part * channels + row) * channels + c] =
                    baked.values[((size_t)row * 3 + part) * channels + c];
    free(baked.values);
    baked.values = ordered;
    return make_filter(l, baked, l->net->base.dtype, filter);
}

static bool upload(Loader *l, const float *values, size_t count, float **device) {
    Context *ctx = l->net->base.ctx;
    *device = device_alloc(ctx, count * sizeof **device);
    device_upload(ctx, *device, values, count * sizeof **device);
    return context_ok(ctx) || fail(l->error, "%s", context_error(ctx)->text);
}

/* The frequencies and phases of an MPFourier (Eq. 75). */
static bool load_fourier(Loader *l, const char *prefix, int channels, float **freqs, float **phases) {
    const int64_t shape[1] = {channels};
    float *values = malloc(2 * (size_t)channels * sizeof *values);
    bool ok = values != NULL || fail(l->error, "out of memory for %s", prefix);
    ok = ok && read_tensor(l, prefix, ".freqs", 1, shape, values) &&
         read_tensor(l, prefix, ".phases", 1, shape, values + channels) &&
         upload(l, values, channels, freqs) && upload(l, values + channels, channels, phases);
    free(values);
    return ok;
}

/* The label embedding, transposed: a label picks a row. */
static bool load_labels(Loader *l) {
    const int classes = l->net->config.label_dim, channels = l->net->layout.emb_channels;
    Baked baked;
    if (classes == 0) return true;
    if (!bake(l, "unet.emb_label", channels, 0, classes, 1, &baked)) return false;
    float *rows = malloc((size_t)classes * channels * sizeof *rows);
    bool ok = rows != NULL || fail(l->error, "out of memory for the label embedding");
    for (int i = 0; ok && i < classes; i++)
        for (int c = 0; c < channels; c++)
            rows[(size_t)i * channels + c] = baked.values[(size_t)c * classes + i];
    ok = ok && upload(l, rows, (size_t)classes * channels, &l->net->emb_label);
    free(rows);
    free(baked.values);
    return ok;
}

/* The emb_linear layers of all blocks, with their gains, one below the other. */
static bool load_emb_linear(Loader *l) {
    const Edm2Layout *layout = &l->net->layout;
    const int cin = layout->emb_channels;
    Baked all = {malloc((size_t)layout->emb_total * cin * sizeof(float)), layout->emb_total, 1, cin};
    bool ok = all.values != NULL || fail(l->error, "out of memory for the embedding layers");
    for (int i = 0; ok && i < layout->blocks; i++) {
        const BlockLayout *block = &layout->block[i];
        char prefix[96];
        float gain;
        Baked one;
        snprintf(prefix, sizeof prefix, "unet.%s", block->name);
        ok = read_scalar(l, prefix, ".emb_gain", &gain);
        snprintf(prefix, sizeof prefix, "unet.%s.emb_linear", block->name);
        ok = ok && bake(l, prefix, block->cout, 0, cin, gain, &one);
        if (!ok) break;
        float *rows = all.values + (size_t)block->emb_offset * cin;
        for (size_t k = 0; k < (size_t)block->cout * cin; k++) rows[k] = one.values[k];
        free(one.values);
    }
    if (ok) return make_filter(l, all, F32, &l->net->emb_linear);
    free(all.values);
    return false;
}

static bool load_block(Loader *l, const BlockLayout *block, Edm2Block *weights) {
    const Edm2Config *config = &l->net->config;
    const DType dtype = l->net->base.dtype;
    const int cin = block->cin, cout = block->cout;
    char prefix[96];
#define NAME(layer) (snprintf(prefix, sizeof prefix, "unet.%s." layer, block->name), prefix)
    bool ok = load_filter(l, NAME("conv_res0"), cout, 3, block->decoder ? cin : cout, 1, dtype,
                          &weights->conv_res0) &&
              load_filter(l, NAME("conv_res1"), cout, 3, cout, mp_sum_add(config->res_balance), dtype,
                          &weights->conv_res1);
    if (ok && cin != cout)
        ok = load_filter(l, NAME("conv_skip"), cout, 1, cin, 1, dtype, &weights->conv_skip);
    if (ok && block->heads > 0)
        ok = load_qkv(l, NAME("attn_qkv"), cout, &weights->attn_qkv) &&
             load_filter(l, NAME("attn_proj"), cout, 1, cout, mp_sum_add(config->attn_balance), dtype,
                         &weights->attn_proj);
#undef NAME
    return ok;
}

static bool load_ends(Loader *l) {
    Edm2 *net = l->net;
    const Edm2Config *config = &net->config;
    const int width = net->layout.fourier_channels;
    char prefix[96];
    float gain;
    snprintf(prefix, sizeof prefix, "unet.%s", net->layout.conv_name);
    return load_filter(l, prefix, width, 3, config->img_channels + 1, 1, net->base.dtype,
                       &net->conv_in) &&
           read_scalar(l, "unet", ".out_gain", &gain) &&
           load_filter(l, "unet.out_conv", config->img_channels, 3, net->layout.out_channels, gain,
                       net->base.dtype, &net->conv_out);
}

static bool load_embeddings(Loader *l) {
    Edm2 *net = l->net;
    const int width = net->layout.fourier_channels, features = net->config.logvar_channels;
    return load_fourier(l, "unet.emb_fourier", width, &net->freqs, &net->phases) &&
           load_filter(l, "unet.emb_noise", net->layout.emb_channels, 0, width, 1, F32,
                       &net->emb_noise) &&
           load_labels(l) && load_emb_linear(l) &&
           load_fourier(l, "logvar_fourier", features, &net->logvar_freqs, &net->logvar_phases) &&
           load_filter(l, "logvar_linear", 1, 0, features, 1, F32, &net->logvar_linear);
}

bool edm2_load(Edm2 *net, WeightSource *source, Error *error) {
    Loader l = {net, source, error};
    net->block = calloc(net->layout.blocks, sizeof *net->block);
    if (net->block == NULL) return fail(error, "out of memory");
    bool ok = load_ends(&l) && load_embeddings(&l);
    for (int i = 0; ok && i < net->layout.blocks; i++)
        ok = load_block(&l, &net->layout.block[i], &net->block[i]);
    return ok && source->finish(source, error);
}

static void release_block(Edm2Block *block) {
    filter_destroy(block->conv_res0);
    filter_destroy(block->conv_res1);
    filter_destroy(block->conv_skip);
    filter_destroy(block->attn_qkv);
    filter_destroy(block->attn_proj);
}

void edm2_unload(Edm2 *net) {
    for (int i = 0; net->block != NULL && i < net->layout.blocks; i++) release_block(&net->block[i]);
    Filter *filters[] = {net->emb_noise, net->emb_linear, net->conv_in, net->conv_out,
                         net->logvar_linear};
    float *vectors[] = {net->freqs, net->phases, net->emb_label, net->logvar_freqs, net->logvar_phases};
    for (int i = 0; i < 5; i++) {
        filter_destroy(filters[i]);
        device_free(net->base.ctx, vectors[i]);
    }
    free(net->block);
}
