#include "nets/features.h"

#include <string.h>

#include "io/hash.h"
#include "nets/convnet.h"

enum { IMAGES_PER_PROCESSOR = 16 };

static FeatureNet *load(Context *ctx, const Safetensors *file, Error *error) {
    const char *architecture = safetensors_metadata(file, "architecture");
    if (architecture != NULL && strcmp(architecture, "convnet") == 0)
        return convnet_create(ctx, file, error);
    fail(error, "%s: architecture is \"%s\", expected a feature network: \"convnet\"",
         safetensors_name(file), architecture != NULL ? architecture : "not stated");
    return NULL;
}

/* The network does not know its file. */
static bool check_size(const Features *f, const char *path, Error *error) {
    Error reason = {""};
    return f->net->accepts(f->net, f->h, f->w, f->c, &reason) ||
           fail(error, "%s: %.900s", path, reason.text);
}

static size_t image_bytes(const Features *f) { return (size_t)f->h * f->w * f->c; }

static void take_memory(Features *f) {
    const Tensor out = {NULL, F32, f->pass, 1, 1, f->net->features};
    Arena arena = {0};
    context_plan_begin(f->ctx);
    f->net->forward(f->net, &arena, NULL, f->h, f->w, f->c, out);
    context_reserve_workspace(f->ctx, context_plan_end(f->ctx).workspace_bytes);
    f->arena = (Arena){.base = device_alloc(f->ctx, arena.peak), .size = arena.peak};
    f->pixels = device_alloc(f->ctx, f->batch * image_bytes(f));
    f->images = (Tensor){NULL, F32, f->batch, f->h, f->w, f->c};
    f->images.data = device_alloc(f->ctx, tensor_bytes(f->images));
    f->out = (Tensor){NULL, F32, f->batch, 1, 1, f->net->features};
    f->out.data = device_alloc(f->ctx, tensor_bytes(f->out));
}

bool features_create(Features *features, Context *ctx, const char *path, int h, int w, int c, int batch,
                     Error *error) {
    *features = (Features){.ctx = ctx, .h = h, .w = w, .c = c, .batch = batch};
    features->pass = context_pass(ctx, IMAGES_PER_PROCESSOR, batch);
    Safetensors *file = safetensors_open(path, error);
    if (file == NULL) return false;
    features->net = load(ctx, file, error);
    features->hash = hash_tensors(HASH_START, file);
    safetensors_close(file);
    bool ok = features->net != NULL && check_size(features, path, error);
    if (ok) {
        take_memory(features);
        ok = context_ok(ctx) || fail(error, "%s", context_error(ctx)->text);
    }
    if (!ok) features_destroy(features);
    return ok;
}

void features_destroy(Features *f) {
    void *memory[] = {f->arena.base, f->pixels, f->images.data, f->out.data};
    for (int i = 0; i < 4; i++) device_free(f->ctx, memory[i]);
    if (f->net != NULL) f->net->destroy(f->net);
    *f = (Features){.net = NULL};
}

void features_of(Features *f, Tensor x, float *values) {
    if (x.n > f->batch || x.h != f->h || x.w != f->w || x.c != f->c) {
        context_fail(f->ctx, "features: %d images of [%d,%d,%d], expected at most %d of [%d,%d,%d]",
                     x.n, x.h, x.w, x.c, f->batch, f->h, f->w, f->c);
        return;
    }
    Tensor out = f->out;
    out.n = x.n;
    to_pixels(f->ctx, x, f->pixels);
    for (int i = 0; i < x.n && context_ok(f->ctx); i += f->pass) {
        Tensor part = out;
        part.n = x.n - i < f->pass ? x.n - i : f->pass;
        part.data = (float *)out.data + (size_t)i * out.c;
        f->net->forward(f->net, &f->arena, f->pixels + i * image_bytes(f), f->h, f->w, f->c, part);
    }
    device_download(f->ctx, values, out.data, tensor_bytes(out));
}

void features_of_host(Features *f, const float *images, int n, float *values) {
    Tensor x = f->images;
    x.n = n;
    if (n <= f->batch) device_upload(f->ctx, x.data, images, tensor_bytes(x));
    features_of(f, x, values);
}
