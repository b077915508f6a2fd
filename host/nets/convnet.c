#include "nets/convnet.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/json.h"

enum { MOST_LAYERS = 64, MOST_CHANNELS = 8192, MOST_PIXELS = 4096 /* of a side */ };

typedef struct {
    int cin, cout, stride;
    Filter *filter;
    float *bias; /* device [cout] */
} Layer;

typedef struct {
    FeatureNet base;
    int h, w, c; /* of the images */
    int layers;
    Layer layer[MOST_LAYERS];
} ConvNet;

/* ---- the description ----------------------------------------------------------------------------- */

static bool in_range(const json_t *value, int low, int high) {
    return json_is_integer(value) && json_integer_value(value) >= low &&
           json_integer_value(value) <= high;
}

static bool read_layer(ConvNet *net, const json_t *entry, int i, const char *where, Error *error) {
    const json_t *cin = json_array_get(entry, 0), *cout = json_array_get(entry, 1);
    const json_t *stride = json_array_get(entry, 2);
    if (json_array_size(entry) != 3 || !in_range(cin, 1, MOST_CHANNELS) ||
        !in_range(cout, 1, MOST_CHANNELS) || !in_range(stride, 1, 2))
        return fail(error,
                    "%s: entry %d is not [input channels, output channels, stride], with 1 to %d "
                    "channels and a stride of 1 or 2",
                    where, i, MOST_CHANNELS);
    net->layer[i] = (Layer){.cin = (int)json_integer_value(cin),
                            .cout = (int)json_integer_value(cout),
                            .stride = (int)json_integer_value(stride)};
    const int before = i == 0 ? net->c : net->layer[i - 1].cout;
    return net->layer[i].cin == before || fail(error, "%s: entry %d takes %d channels, expected %d",
                                               where, i, net->layer[i].cin, before);
}

static bool read_layers(ConvNet *net, const char *text, const char *path, Error *error) {
    char where[PATH_MAX + 32];
    snprintf(where, sizeof where, "%s: layers", path);
    if (text == NULL) return fail(error, "%s: no \"layers\" in the file's metadata", path);
    json_t *list = json_parse_text(text, strlen(text), where, error);
    if (list == NULL) return false;
    const size_t count = json_array_size(list);
    bool ok = (count >= 1 && count <= MOST_LAYERS) ||
              fail(error, "%s: expected an array of 1 to %d layers", where, MOST_LAYERS);
    for (size_t i = 0; ok && i < count; i++)
        ok = read_layer(net, json_array_get(list, i), (int)i, where, error);
    net->layers = ok ? (int)count : 0;
    json_decref(list);
    return ok;
}

static bool read_input(ConvNet *net, const char *text, const char *path, Error *error) {
    int used = 0;
    if (text != NULL &&
        sscanf(text, "%4dx%4dx%4d in [-1,1]%n", &net->c, &net->h, &net->w, &used) == 3 && used > 0 &&
        text[used] == '\0' && net->c >= 1 && net->h >= 1 && net->w >= 1 && net->h <= MOST_PIXELS &&
        net->w <= MOST_PIXELS)
        return true;
    return fail(error,
                "%s: input is \"%s\" in the file's metadata, expected channels, height and width "
                "(sides up to %d) as in \"1x32x32 in [-1,1]\"",
                path, text != NULL ? text : "not stated", MOST_PIXELS);
}

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
    Layer *layer = &net->layer[i];
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
        layer->filter = filter_create(ctx, values + count, layer->cout, 3, layer->cin, F32);
    }
    if (ok && (ok = safetensors_read_floats(file, bias, values, layer->cout, error))) {
        layer->bias = device_alloc(ctx, layer->cout * sizeof *values);
        device_upload(ctx, layer->bias, values, layer->cout * sizeof *values);
    }
    free(values);
    return ok && (context_ok(ctx) || fail(error, "%s", context_error(ctx)->text));
}

/* ---- the network --------------------------------------------------------------------------------- */

static bool accepts(const FeatureNet *base, int h, int w, int c, Error *error) {
    const ConvNet *net = (const ConvNet *)base;
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
    for (int i = 0; i < net->layers; i++) {
        const Layer *layer = &net->layer[i];
        const Tensor y = arena_take(arena, ctx, F32, x.n, x.h, x.w, layer->cout);
        conv2d(ctx, x, layer->filter, 0, y);
        arena_release(arena, x);
        x = y;
        if (layer->stride > 1)
            x = arena_take(arena, ctx, F32, y.n, (y.h - 1) / layer->stride + 1,
                           (y.w - 1) / layer->stride + 1, y.c);
        bias_relu(ctx, y, layer->bias, layer->stride, x);
        if (layer->stride > 1) arena_release(arena, y);
    }
    channel_mean(ctx, x, out);
    arena_release(arena, x);
}

static void destroy(FeatureNet *base) {
    ConvNet *net = (ConvNet *)base;
    for (int i = 0; i < net->layers; i++) {
        filter_destroy(net->layer[i].filter);
        device_free(base->ctx, net->layer[i].bias);
    }
    free(net);
}

FeatureNet *convnet_create(Context *ctx, const Safetensors *file, Error *error) {
    const char *path = safetensors_name(file);
    ConvNet *net = calloc(1, sizeof *net);
    if (net == NULL) {
        fail(error, "out of memory");
        return NULL;
    }
    net->base = (FeatureNet){.ctx = ctx, .accepts = accepts, .forward = forward, .destroy = destroy};
    bool ok = read_input(net, safetensors_metadata(file, "input"), path, error) &&
              read_layers(net, safetensors_metadata(file, "layers"), path, error);
    for (int i = 0; ok && i < net->layers; i++) ok = load_layer(net, i, file, error);
    if (ok) {
        net->base.features = net->layer[net->layers - 1].cout;
        return &net->base;
    }
    destroy(&net->base);
    return NULL;
}
