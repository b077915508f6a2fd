/* kairos denoise: one evaluation of a model on given inputs. */
#include <math.h>
#include <stdlib.h>

#include "commands/commands.h"
#include "commands/session.h"
#include "denoiser.h"
#include "io/file.h"
#include "io/outputs.h"
#include "io/safetensors.h"
#include "layout.h"

typedef struct {
    Session session;
    const char *in, *out;
    int batch;
    double guidance;
    bool force;
} Denoise;

/* The inputs and results of all n images, as in the files: x, denoised [n,c,h,w], the rest [n]. */
typedef struct {
    int n, h, w, c;
    float *x, *sigma, *denoised, *logvar, *pixels;
    int64_t *labels64;
    int32_t *labels;
} Images;

static const OptionsUsage usage = {
    .command = "kairos denoise",
    .summary =
        "Evaluates D(x; sigma) and the uncertainty u(sigma).  --in holds x [N,C,H,W] F32, sigma [N] "
        "F32 and\n"
        "perhaps labels [N] I64 (-1 = the zero label); --out gets denoised [N,C,H,W] and logvar [N].",
    .examples =
        "kairos denoise --net weights/fashion-mnist-edm2.safetensors --in x.safetensors --out "
        "d.safetensors\n"};

static int parse(Denoise *d, int count, char **arguments) {
    Option options[] = {
        SESSION_OPTION_NET(d->session),
        {.name = "in",
         .kind = OPTION_TEXT,
         .value = &d->in,
         .argument = "FILE",
         .required = true,
         .help = "safetensors file with x, sigma and perhaps labels"},
        {.name = "out",
         .kind = OPTION_TEXT,
         .value = &d->out,
         .argument = "FILE",
         .required = true,
         .help = "safetensors file for denoised, and logvar if the network makes one"},
        {.name = "batch",
         .kind = OPTION_INT,
         .value = &d->batch,
         .argument = "N",
         .low = 1,
         .high = 1 << 20,
         .help = "most images at once"},
        SESSION_OPTION_GNET(d->session),
        {.name = "guidance",
         .kind = OPTION_DOUBLE,
         .value = &d->guidance,
         .argument = "W",
         .low = -1e6,
         .high = 1e6,
         .help = "D = D_ref + W (D - D_ref); 1 = no guidance"},
        SESSION_OPTION_PRECISION(d->session),
        SESSION_OPTION_ENGINE(d->session),
        SESSION_OPTION_DEVICE(d->session),
        OUTPUTS_OPTION_FORCE(d->force),
    };
    return options_parse(&usage, options, sizeof options / sizeof *options, count, arguments);
}

static bool prepare_file(const Denoise *d, Error *error) {
    const char *const inputs[] = {d->in, d->session.net, d->session.gnet};
    return outputs_check(&d->out, 1, inputs, sizeof inputs / sizeof *inputs, d->force, error) &&
           prepare_output(d->out, error);
}

static size_t value_count(const Images *images) {
    return (size_t)images->n * images->h * images->w * images->c;
}

static bool allocate(Images *images, Error *error) {
    const size_t n = images->n, values = value_count(images);
    images->x = malloc(values * sizeof(float));
    images->pixels = malloc(values * sizeof(float));
    images->denoised = malloc(values * sizeof(float));
    images->sigma = malloc(n * sizeof(float));
    images->logvar = malloc(n * sizeof(float));
    images->labels = malloc(n * sizeof(int32_t));
    images->labels64 = malloc(n * sizeof(int64_t));
    return (images->x && images->pixels && images->denoised && images->sigma && images->logvar &&
            images->labels && images->labels64) ||
           fail(error, "out of memory for %d images on the host", images->n);
}

static void release(Images *images) {
    void *memory[] = {images->x,      images->sigma,  images->denoised, images->logvar,
                      images->pixels, images->labels, images->labels64};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) free(memory[i]);
}

static bool read_labels(Images *images, const Safetensors *file, int label_dim, Error *error) {
    const int64_t shape[1] = {images->n};
    for (int i = 0; i < images->n; i++) images->labels64[i] = -1;
    if (safetensors_find(file, "labels") != NULL &&
        (safetensors_expect(file, "labels", 1, shape, error) == NULL ||
         !safetensors_read_integers(file, "labels", images->labels64, images->n, error)))
        return false;
    for (int i = 0; i < images->n; i++) {
        if (images->labels64[i] < -1 || images->labels64[i] >= label_dim)
            return fail(error, "%s: labels[%d] is %lld, expected -1 (none) to %d",
                        safetensors_name(file), i, (long long)images->labels64[i], label_dim - 1);
        images->labels[i] = (int32_t)images->labels64[i];
    }
    return true;
}

static bool read_sigma(Images *images, const Safetensors *file, Error *error) {
    const int64_t shape[1] = {images->n};
    if (safetensors_expect(file, "sigma", 1, shape, error) == NULL ||
        !safetensors_read_floats(file, "sigma", images->sigma, images->n, error))
        return false;
    for (int i = 0; i < images->n; i++)
        if (!(images->sigma[i] > 0 && isfinite(images->sigma[i])))
            return fail(error, "%s: sigma[%d] is %g, expected a positive number",
                        safetensors_name(file), i, images->sigma[i]);
    return true;
}

static bool read_x(Images *images, const Safetensors *file, Error *error) {
    const size_t values = value_count(images), image = values / images->n;
    if (!safetensors_read_floats(file, "x", images->x, values, error)) return false;
    for (size_t i = 0; i < values; i++)
        if (!isfinite(images->x[i]))
            return fail(error, "%s: image %zu of x has the value %g, expected finite numbers",
                        safetensors_name(file), i / image, images->x[i]);
    return true;
}

static bool read_inputs(Images *images, const char *path, const Network *net, Error *error) {
    Safetensors *file = safetensors_open(path, error);
    if (file == NULL) return false;
    const int64_t shape[4] = {-1, net->c, net->h, net->w};
    const SafetensorsTensor *x = safetensors_expect(file, "x", 4, shape, error);
    bool ok = x != NULL;
    if (ok && (x->shape[0] < 1 || x->shape[0] > 1 << 24))
        ok = fail(error, "%s: x holds %lld images, expected 1 to %d", path, (long long)x->shape[0],
                  1 << 24);
    if (ok) {
        *images = (Images){.n = (int)x->shape[0], .h = net->h, .w = net->w, .c = net->c};
        ok = allocate(images, error) && read_x(images, file, error) &&
             read_sigma(images, file, error) && read_labels(images, file, net->label_dim, error);
    }
    safetensors_close(file);
    return ok;
}

/* Images i .. i + n - 1. */
static void run_batch(Denoiser *denoiser, Images *images, Tensor x, int i) {
    Context *ctx = denoiser->ctx;
    const size_t image = value_count(images) / images->n;
    float *pixels = images->pixels + i * image;
    device_upload(ctx, x.data, pixels, tensor_bytes(x));
    denoiser_set_labels(denoiser, images->labels + i, x.n);
    denoiser_set_sigma(denoiser, images->sigma + i, x.n);
    denoiser_step(denoiser, x, (SolverStep){.b = 1}, x);
    device_download(ctx, pixels, x.data, tensor_bytes(x));
    if (denoiser->net->logvar != NULL)
        denoiser_logvar(denoiser, images->sigma + i, x.n, images->logvar + i);
}

static bool check_results(const Images *images, bool has_logvar, const char *advice, Error *error) {
    const size_t values = value_count(images), image = values / images->n;
    for (size_t i = 0; i < values; i++)
        if (!isfinite(images->denoised[i]))
            return fail(error, "image %zu of x, sigma %g: its denoised image has the value %g: %s",
                        i / image, images->sigma[i / image], images->denoised[i], advice);
    for (int i = 0; has_logvar && i < images->n; i++)
        if (!isfinite(images->logvar[i]))
            return fail(error, "sigma[%d], %g: the uncertainty is %g: %s", i, images->sigma[i],
                        images->logvar[i], advice);
    return true;
}

static bool run(const Denoise *d, Images *images, Error *error) {
    const Session *s = &d->session;
    const int batch = images->n < d->batch ? images->n : d->batch;
    const int h = images->h, w = images->w, c = images->c;
    Denoiser denoiser;
    if (!denoiser_create(&denoiser, s->ctx, s->model.net, s->gmodel.net, (float)d->guidance, batch,
                         error))
        return false;
    Tensor x = network_images(s->model.net, batch);
    x.data = device_alloc(s->ctx, tensor_bytes(x));
    pixels_from_planes(images->x, images->n, h, w, c, images->pixels);
    for (int i = 0; i < images->n && context_ok(s->ctx); i += batch)
        run_batch(&denoiser, images, tensor_images(x, 0, images->n - i < batch ? images->n - i : batch),
                  i);
    planes_from_pixels(images->pixels, images->n, h, w, c, images->denoised);
    const bool ok = context_ok(s->ctx) ? check_results(images, s->model.net->logvar != NULL,
                                                       denoiser_overflow_advice(&denoiser), error)
                                       : fail(error, "%s", context_error(s->ctx)->text);
    device_free(s->ctx, x.data);
    denoiser_destroy(&denoiser);
    return ok;
}

static bool write_results(const Denoise *d, const Images *images, Error *error) {
    const int64_t n = images->n, c = images->c, h = images->h, w = images->w;
    const int count = d->session.model.net->logvar != NULL ? 2 : 1;
    const SafetensorsTensor tensors[] = {
        {"denoised", SAFETENSORS_F32, 4, {n, c, h, w}, images->denoised},
        {"logvar", SAFETENSORS_F32, 1, {n}, images->logvar}};
    return safetensors_write(d->out, tensors, count, NULL, 0, error);
}

int command_denoise(int count, char **arguments) {
    Denoise d = {.session = session_defaults(), .batch = 32, .guidance = 1};
    Images images = {0};
    Error error = {""};
    const int status = parse(&d, count, arguments);
    if (status >= 0) return status;
    if (!session_check_guidance_usage(&d.session, d.guidance, &error)) {
        session_fail("denoise", &error);
        return 2;
    }
    const bool ok = prepare_file(&d, &error) && session_open(&d.session, &error) &&
                    session_check_guidance(&d.session, d.guidance, &error) &&
                    read_inputs(&images, d.in, d.session.model.net, &error) &&
                    run(&d, &images, &error) && write_results(&d, &images, &error);
    release(&images);
    session_close(&d.session);
    return ok ? 0 : session_fail("denoise", &error);
}
