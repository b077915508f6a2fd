#include "support/mixture_network.h"

#include "support/files.h"
#include "support/images.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/philox.h"
#include "io/file.h"
#include "layout.h"
#include "support/tensors.h"

enum { IMAGE_LIMIT = 1024, DATA_DRAW = 7, DATA_SEED = 90000 };

/* ---- one image ----------------------------------------------------------------------------------- */

static double width_of(const MixtureNetwork *net) { return net->along.width; }

/* x's component along m. */
static double component(const MixtureNetwork *net, const float *x) {
    double sum = 0;
    for (int i = 0; i < network_values(&net->base); ++i) sum += net->direction[i] * x[i];
    return sum;
}

/* out = keep (x - t e) + along e, with x's component t along m and the direction e of m. */
static void rebuild(const MixtureNetwork *net, const float *x, double t, double keep, double along,
                    double *out) {
    for (int i = 0; i < network_values(&net->base); ++i)
        out[i] = keep * (x[i] - t * net->direction[i]) + along * net->direction[i];
}

void mixture_network_denoise(const MixtureNetwork *net, const float *x, double sigma, int label,
                             double *denoised) {
    const double t = component(net, x), own = width_of(net) * width_of(net);
    const double keep = own / (own + sigma * sigma);
    const double along = label < 0 ? mixture_denoise(&net->along, t, sigma)
                                   : net->along.centre[label] + keep * (t - net->along.centre[label]);
    rebuild(net, x, t, keep, along, denoised);
}

double mixture_network_error(const MixtureNetwork *net, double sigma, int label) {
    const double own = width_of(net) * width_of(net), noise = sigma * sigma;
    const double gaussian = own * noise / (own + noise);
    const double along = label < 0 ? mixture_squared_error(&net->along, sigma) : gaussian;
    return (network_values(&net->base) - 1) * gaussian + along;
}

void mixture_network_transport(const MixtureNetwork *net, const float *x, double sigma, int label,
                               double *out) {
    const double t = component(net, x), own = width_of(net) * width_of(net);
    const double keep = sqrt(own / (own + sigma * sigma));
    Mixture noisy = net->along;
    noisy.width = sqrt(own + sigma * sigma);
    const double along = label < 0 ? mixture_quantile(&net->along, mixture_cdf(&noisy, t))
                                   : net->along.centre[label] + keep * (t - net->along.centre[label]);
    rebuild(net, x, t, keep, along, out);
}

void mixture_network_image(const MixtureNetwork *net, int i, float *image) {
    const double centre = net->along.centre[i % 2];
    for (int k = 0; k < network_values(&net->base); ++k)
        image[k] = (float)(centre * net->direction[k] +
                           width_of(net) * random_normal(DATA_SEED + i, DATA_DRAW, k));
}

/* ---- the network --------------------------------------------------------------------------------- */

/* F = (D - c_skip x) / c_out, which the engine turns into D again. */
static void raw_output(const MixtureNetwork *net, const float *x, double sigma, int label, float *f) {
    double d[IMAGE_LIMIT];
    const double sd = net->base.sigma_data, variance = sigma * sigma + sd * sd;
    mixture_network_denoise(net, x, sigma, label, d);
    for (int i = 0; i < network_values(&net->base); ++i)
        f[i] = (float)((d[i] - sd * sd / variance * x[i]) * sqrt(variance) / (sigma * sd));
}

static bool fails(MixtureNetwork *net, int n) {
    net->images += n;
    return net->fails_at >= 0 && net->images > net->fails_at;
}

static Tensor forward(const Network *base, Arena *arena, Tensor x, const float *sigma,
                      const int32_t *labels) {
    const MixtureNetwork *net = (const MixtureNetwork *)base;
    Tensor f = arena_take(arena, base->ctx, F32, x.n, x.h, x.w, x.c);
    if (arena->base == NULL) return f; /* planning: there are no values */
    if (fails((MixtureNetwork *)net, x.n)) {
        context_fail(base->ctx, "the mixture network was told to fail");
        return f;
    }
    const int values = network_values(base);
    float *images = tensor_download(base->ctx, x), *level = calloc(x.n, sizeof *level);
    int32_t *label = calloc(x.n, sizeof *label);
    assert_true(level != NULL && label != NULL);
    device_download(base->ctx, level, sigma, x.n * sizeof *level);
    device_download(base->ctx, label, labels, x.n * sizeof *label);
    for (int i = 0; i < x.n && context_ok(base->ctx); ++i)
        raw_output(net, images + i * values, level[i], label[i], images + i * values);
    tensor_upload(base->ctx, f, images);
    free(images), free(level), free(label);
    return f;
}

/* The u for which the weighted loss is the exact error of images without labels. */
static Tensor logvar(const Network *base, Arena *arena, int n, const float *sigma) {
    const MixtureNetwork *net = (const MixtureNetwork *)base;
    Tensor out = arena_take(arena, base->ctx, F32, n, 1, 1, 1);
    if (arena->base == NULL) return out;
    float *values = calloc(n, sizeof *values);
    assert_non_null(values);
    device_download(base->ctx, values, sigma, n * sizeof *values);
    for (int i = 0; i < n; ++i) {
        const double s = values[i], sd = base->sigma_data;
        values[i] = (float)log(mixture_network_error(net, s, -1) * (s * s + sd * sd) /
                               (network_values(base) * s * s * sd * sd));
    }
    tensor_upload(base->ctx, out, values);
    free(values);
    return out;
}

static json_t *describe(const Network *base) {
    return json_pack("{sf}", "width", width_of((const MixtureNetwork *)base));
}

static void destroy(Network *base) {
    free(((MixtureNetwork *)base)->direction);
    free(base);
}

/* A direction in which no two values of an image have the same part. */
static double *direction_of(int values) {
    double *e = malloc(values * sizeof *e), squares = 0;
    assert_non_null(e);
    for (int i = 0; i < values; ++i) e[i] = 1.5 + sin(2.4 * i + 0.3);
    for (int i = 0; i < values; ++i) squares += e[i] * e[i];
    for (int i = 0; i < values; ++i) e[i] /= sqrt(squares);
    return e;
}

MixtureNetwork *mixture_network_create(Context *ctx, int h, int w, int c, double distance, double width,
                                       int label_dim) {
    MixtureNetwork *net = calloc(1, sizeof *net);
    assert_non_null(net);
    assert_true(h * w * c <= IMAGE_LIMIT && (label_dim == 0 || label_dim == 2));
    net->base = (Network){.ctx = ctx,
                          .architecture = "mixture",
                          .h = h,
                          .w = w,
                          .c = c,
                          .label_dim = label_dim,
                          .sigma_data = 0.5,
                          .dtype = F32,
                          .forward = forward,
                          .logvar = logvar,
                          .describe = describe,
                          .destroy = destroy};
    net->along = (Mixture){.components = 2, .width = width, .centre = {-distance, distance}};
    net->direction = direction_of(h * w * c);
    net->fails_at = -1;
    return net;
}

/* ---- its data ------------------------------------------------------------------------------------ */

const char *mixture_network_data(const MixtureNetwork *net, const char *name, int images) {
    const Network *base = &net->base;
    const size_t values = network_values(base);
    Error error = {""};
    const char *folder = test_path(name);
    json_t *labels = json_array(), *document = json_object();
    assert_true(make_directories(folder, &error));
    for (int i = 0; i < images; ++i) {
        float image[IMAGE_LIMIT], planes[IMAGE_LIMIT];
        uint8_t bytes[sizeof planes + 256];
        char file[32];
        mixture_network_image(net, i, image);
        planes_from_pixels(image, 1, base->h, base->w, base->c, planes);
        snprintf(file, sizeof file, "%05d.npy", i);
        put_file(folder, file, bytes,
                 make_npy(bytes, "<f4", base->c, base->h, base->w, planes, values * sizeof *planes));
        json_array_append_new(labels, json_pack("[si]", file, i % 2));
    }
    json_object_set_new(document, "labels", labels);
    char *text = json_dumps(document, 0);
    if (base->label_dim > 0) put_file(folder, "dataset.json", text, strlen(text));
    free(text);
    json_decref(document);
    return folder;
}
