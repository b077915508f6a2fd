#include "nets/convnet.h"

#include <stdio.h>
#include <stdlib.h>

#include "nets/convnet_config.h"

typedef struct {
    FeatureNet base;
    ConvNetConfig config;
    Filter *filter[CONVNET_LAYERS];
    float *bias[CONVNET_LAYERS]; /* device [cout] */
} ConvNet;

/* ---- the weights --------------------------------------------------------------------------------- */

/* [cout][cin][3][3] as [cout][3][3][cin] */
static void channels_last(const float *weights, int cout, int cin, float *out) {
    for (int o = 0; o < cout; o++)
        for (int c = 0; c < cin; c++)
            for (int tap = 0; tap < 9; tap++)
                out[((size_t)o * 9 + tap) * cin + c] = weights[((size_t)o * cin + c) * 9 + tap];
}

static bool load_layer(ConvNet *net, int i, const Safetensors *file, Error *error) {
    Context *ctx = net->base.ctx;
    const ConvNetLayer *layer = &net->config.layer[i];
    const int64_t shape[4] = {layer->cout, layer->cin, 3, 3};
    const size_t count = (size_t)layer->cout * layer->cin * 9;
    char weight[32], bias[32];
    snprintf(weight, sizeof weight, "conv.%d.weight", i);
    snprintf(bias, sizeof bias, "conv.%d.bias", i);
    /* Checked before any memory is taken for what the metadata claims. */
    if (safetensors_expect(file, weight, 4, shape, error) == NULL ||
        safetensors_expect(file, bias, 1, shape, error) == NULL)
        return false;
    float *values = malloc(2 * count * sizeof *values);
    bool ok = values != NULL || fail(error, "out of memory for %s", weight);
    if (ok && (ok = safetensors_read_floats(file, weight, values, count, error))) {
        channels_last(values, layer->cout, layer->cin, values + count);
        net->filter[i] = filter_create(ctx, values + count, layer->cout, 3, layer->cin, F32);
    }
    if (ok && (ok = safetensors_read_floats(file, bias, values, layer->cout, error))) {
        net->bias[i] = device_alloc(ctx, layer->cout * sizeof *values);
        device_upload(ctx, net->bias[i], values, layer->cout * sizeof *values);
    }
    free(values);
    return ok && (context_ok(ctx) || fail(error, "%s", context_error(ctx)->text));
}

/* ---- the network --------------------------------------------------------------------------------- */

static bool accepts(const FeatureNet *base, int h, int w, int c, Error *error) {
    const ConvNetConfig *net = &((const ConvNet *)base)->config;
    return (h == net->h && w == net->w && c == net->c) ||
           fail(error,
                "the feature network takes images of %dx%d with %d channels, these are %dx%d with %d",
                net->h, net->w, net->c, h, w, c);
}

static void forward(const FeatureNet *base, Arena *arena, const uint8_t *pixels, int h, int w, int c,
                    Tensor out) {
    const ConvNet *net = (const ConvNet *)base;
    Context *ctx = base->ctx;
    Tensor x = arena_take(arena, ctx, F32, out.n, h, w, c);
    from_pixels(ctx, pixels, x);
    for (int i = 0; i < net->config.layers; i++) {
        const ConvNetLayer *layer = &net->config.layer[i];
        const Tensor y = arena_take(arena, ctx, F32, x.n, x.h, x.w, layer->cout);
        conv2d(ctx, x, net->filter[i], 0, y);
        arena_release(arena, x);
        x = y;
        if (layer->stride > 1)
            x = arena_take(arena, ctx, F32, y.n, (y.h - 1) / layer->stride + 1,
                           (y.w - 1) / layer->stride + 1, y.c);
        bias_relu(ctx, y, net->bias[i], layer->stride, x);
        if (layer->stride > 1) arena_release(arena, y);
    }
    channel_mean(ctx, x, out);
    arena_release(arena, x);
}

static void destroy(FeatureNet *base) {
    ConvNet *net = (ConvNet *)base;
    for (int i = 0; i < net->config.layers; i++) {
        filter_destroy(net->filter[i]);
        device_free(base->ctx, net->bias[i]);
    }
    free(net);
}

FeatureNet *convnet_create(Context *ctx, const Safetensors *file, Error *error) {
    ConvNet *net = calloc(1, sizeof *net);
    if (net == NULL) {
        fail(error, "out of memory");
        return NULL;
    }
    net->base = (FeatureNet){.ctx = ctx, .accepts = accepts, .forward = forward, .destroy = destroy};
    bool ok = convnet_config_read(&net->config, file, error);
    for (int i = 0; ok && i < net->config.layers; i++) ok = load_layer(net, i, file, error);
    if (ok) {
        net->base.features = net->config.layer[net->config.layers - 1].cout;
        return &net->base;
    }
    destroy(&net->base);
    return NULL;
}
