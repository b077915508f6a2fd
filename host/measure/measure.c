#include "measure/measure.h"

#include <math.h>
#include <stdlib.h>

#include "io/interrupt.h"
#include "io/progress.h"
#include "measure/controls.h"
#include "measure/measure_labels.h"
#include "random.h"
#include "schedule/times.h"

/* The integral of an image's own squared error from the lowest level up to the present one. */
typedef struct {
    double order;
    double *integral, *integrand; /* [batch]: the latter at the present level */
} ImageTime;

typedef struct {
    Denoiser *denoiser;
    Dataset *data;
    const MeasureOptions *options;
    MeasureSums *sums;
    Error *error;
    size_t directions;
    /* on the device */
    Tensor x0, x;              /* [batch,h,w,c] F32 */
    uint64_t *seeds;           /* [batch] */
    double *squared;           /* [batch] */
    double *power, *amplitude; /* as in the sums; NULL without a spectrum */
    /* on the host, [batch] */
    int32_t *labels;
    uint64_t *host_seeds;
    double *host_squared;
    ImageTime entropy, rescaled;
    double (*image_controls)[CONTROLS]; /* [batch] */
    Controls controls;
    double saved; /* when the state was */
    int64_t kept; /* images in it */
    Progress progress;
} Measurement;

size_t measure_directions(const Network *net) { return (size_t)net->c * net->h * (net->w / 2 + 1); }

size_t measure_spectrum_bytes(const Network *net, int levels) {
    return (levels + 1) * measure_directions(net) * sizeof(double);
}

static size_t power_values(const Measurement *m) { return m->options->levels * m->directions; }

static bool create_time(ImageTime *time, double order, int batch) {
    time->order = order;
    time->integral = calloc(batch, sizeof(double));
    time->integrand = calloc(batch, sizeof(double));
    return time->integral != NULL && time->integrand != NULL;
}

static bool allocate(Measurement *m) {
    Context *ctx = m->denoiser->ctx;
    const int batch = m->denoiser->batch;
    m->x0 = m->x = network_images(m->denoiser->net, batch);
    m->x0.data = device_alloc(ctx, tensor_bytes(m->x0));
    m->x.data = device_alloc(ctx, tensor_bytes(m->x));
    m->seeds = device_alloc(ctx, batch * sizeof *m->seeds);
    m->squared = device_alloc(ctx, batch * sizeof *m->squared);
    if (m->directions > 0) {
        m->power = device_alloc(ctx, power_values(m) * sizeof(double));
        m->amplitude = device_alloc(ctx, m->directions * sizeof(double));
    }
    m->labels = calloc(batch, sizeof *m->labels);
    m->host_seeds = calloc(batch, sizeof *m->host_seeds);
    m->host_squared = calloc(batch, sizeof *m->host_squared);
    m->image_controls = calloc(batch, sizeof *m->image_controls);
    const bool times = create_time(&m->entropy, ORDER_ENTROPIC, batch) &&
                       create_time(&m->rescaled, ORDER_RESCALED, batch);
    if (!context_ok(ctx)) return fail(m->error, "%s", context_error(ctx)->text);
    return (times && m->labels && m->host_seeds && m->host_squared && m->image_controls) ||
           fail(m->error, "out of memory for a batch of %d images on the host", batch);
}

static void release(Measurement *m) {
    Context *ctx = m->denoiser->ctx;
    void *device[] = {m->x0.data, m->x.data, m->seeds, m->squared, m->power, m->amplitude};
    void *host[] = {
        m->labels,           m->host_seeds,        m->host_squared,      m->image_controls,
        m->entropy.integral, m->entropy.integrand, m->rescaled.integral, m->rescaled.integrand};
    for (size_t i = 0; i < sizeof device / sizeof *device; i++) device_free(ctx, device[i]);
    for (size_t i = 0; i < sizeof host / sizeof *host; i++) free(host[i]);
    controls_free(&m->controls);
}

/* ---- the state ----------------------------------------------------------------------------------- */

static bool save(Measurement *m) {
    Context *ctx = m->denoiser->ctx;
    MeasureSums *sums = m->sums;
    if (m->directions > 0) {
        device_download(ctx, sums->power, m->power, power_values(m) * sizeof(double));
        device_download(ctx, sums->amplitude, m->amplitude, m->directions * sizeof(double));
        if (!context_ok(ctx)) return fail(m->error, "%s", context_error(ctx)->text);
    }
    m->saved = monotonic_seconds();
    m->kept = sums->images;
    return measure_sums_write(sums, m->options->state, m->options->settings, m->error);
}

/* Writes the state at once, so that a place where nothing can be written is known before the work. */
static bool load(Measurement *m) {
    Context *ctx = m->denoiser->ctx;
    if (!measure_sums_read(m->sums, m->options->state, m->options->settings, m->options->any_device,
                           m->error))
        return false;
    if (m->directions > 0) {
        device_upload(ctx, m->power, m->sums->power, power_values(m) * sizeof(double));
        device_upload(ctx, m->amplitude, m->sums->amplitude, m->directions * sizeof(double));
    }
    return save(m);
}

/* ---- a batch ------------------------------------------------------------------------------------- */

static bool choose_labels(Measurement *m, const int32_t *labels, int n) {
    if (!measure_labels(m->data, m->sums->images, n, labels, m->denoiser->net->label_dim, m->labels,
                        m->error))
        return false;
    denoiser_set_labels(m->denoiser, m->labels, n);
    return true;
}

/* Adds the images' control variates and their products with each other. */
static void add_controls(Measurement *m, const float *values, int n) {
    const size_t size = (size_t)m->x0.h * m->x0.w * m->x0.c;
    MeasureSums *sums = m->sums;
    const int p = sums->controls;
    for (int i = 0; i < n && p > 0; i++) {
        double *own = m->image_controls[i];
        controls_of_image(&m->controls, values + i * size, m->labels[i], own);
        for (int k = 0; k < p; k++) {
            sums->control[k] += own[k];
            for (int l = 0; l < p; l++) sums->control_product[k * p + l] += own[k] * own[l];
        }
    }
}

/* Adds the products of image i's control variates with another quantity of it. */
static void add_products(const Measurement *m, int i, double value, double *products) {
    for (int k = 0; k < m->sums->controls; k++) products[k] += m->image_controls[i][k] * value;
}

/* Leaves the images' squared errors in host_squared. */
static bool measure_level(Measurement *m, int level, int n) {
    Context *ctx = m->denoiser->ctx;
    const float sigma = (float)m->options->sigma[level];
    char title[512];
    const Tensor x0 = tensor_images(m->x0, 0, n), x = tensor_images(m->x, 0, n);
    double *power = m->power != NULL ? m->power + level * m->directions : NULL;
    noise_add(ctx, x0, m->seeds, RANDOM_NOISE_DRAW, sigma, x);
    denoiser_set_one_sigma(m->denoiser, sigma);
    denoiser_error(m->denoiser, x, x0, m->squared, power);
    device_download(ctx, m->host_squared, m->squared, n * sizeof(double));
    if (!context_ok(ctx)) return fail(m->error, "%s", context_error(ctx)->text);
    for (int i = 0; i < n; i++)
        if (!isfinite(m->host_squared[i]))
            return fail(m->error,
                        "%s: its squared error at noise level %g is %g, expected a finite number: %s",
                        dataset_title(m->data, m->sums->images + i, title), sigma, m->host_squared[i],
                        denoiser_overflow_advice(m->denoiser));
    return true;
}

/* By the trapezoid rule of err / sigma^order dsigma = err sigma^(1-order) dln sigma: unlike a
 * schedule's cubics, a sum that is linear in the errors, so that every image has its own.  sums: [2],
 * of the images' integrals and their squares; products: [controls]. */
static void add_time(const Measurement *m, ImageTime *time, int level, int n, double *sums,
                     double *products) {
    const double *sigma = m->options->sigma, weight = pow(sigma[level], 1 - time->order);
    const double half_step = level > 0 ? log(sigma[level] / sigma[level - 1]) / 2 : 0;
    for (int i = 0; i < n; i++) {
        const double integrand = weight * m->host_squared[i];
        const double step = half_step * (time->integrand[i] + integrand);
        const double integral = level > 0 ? time->integral[i] + step : 0;
        time->integrand[i] = integrand;
        time->integral[i] = integral;
        sums[0] += integral;
        sums[1] += integral * integral;
        add_products(m, i, integral, products);
    }
}

static bool measure_levels(Measurement *m, int n) {
    MeasureSums *sums = m->sums;
    const int p = sums->controls;
    for (int level = 0; level < m->options->levels; level++) {
        if (!measure_level(m, level, n)) return false;
        for (int i = 0; i < n; i++) {
            const double squared = m->host_squared[i];
            sums->sum[level] += squared;
            sums->square[level] += squared * squared;
            add_products(m, i, squared, sums->control_squared + level * p);
        }
        add_time(m, &m->entropy, level, n, sums->entropy + 2 * level,
                 sums->control_entropy + level * p);
        add_time(m, &m->rescaled, level, n, sums->rescaled + 2 * level,
                 sums->control_rescaled + level * p);
        progress_update(&m->progress, sums->images * m->options->levels + (long long)n * (level + 1));
    }
    return true;
}

static bool measure_batch(Measurement *m, const float *values, const int32_t *labels, int n) {
    Context *ctx = m->denoiser->ctx;
    MeasureSums *sums = m->sums;
    const Tensor x0 = tensor_images(m->x0, 0, n);
    for (int i = 0; i < n; i++)
        m->host_seeds[i] = m->options->seed + dataset_place(m->data, sums->images + i);
    device_upload(ctx, x0.data, values, tensor_bytes(x0));
    device_upload(ctx, m->seeds, m->host_seeds, n * sizeof *m->host_seeds);
    if (!choose_labels(m, labels, n)) return false;
    add_controls(m, values, n);
    if (!measure_levels(m, n)) return false;
    if (m->directions > 0) denoiser_amplitude(m->denoiser, x0, m->amplitude);
    sums->images += n;
    return monotonic_seconds() - m->saved < m->options->save_seconds || save(m);
}

/* ---- all batches --------------------------------------------------------------------------------- */

/* The least images of which the standard errors say something. */
static int least_images(const MeasureOptions *options) {
    return options->control_variates ? MEASURE_LEAST_CONTROLLED : MEASURE_LEAST;
}

static bool is_enough(const Measurement *m, bool *enough) {
    const MeasureSums *sums = m->sums;
    const double tolerance = m->options->tolerance;
    double relative = INFINITY;
    if (tolerance > 0 && sums->images >= least_images(m->options) &&
        !measure_relative_error(sums, &relative, m->error))
        return false;
    *enough = sums->images >= m->options->images || relative < tolerance;
    return true;
}

static bool measure_batches(Measurement *m) {
    const int64_t first = m->sums->images;
    bool enough = false;
    DatasetReader *reader =
        dataset_reader_create(m->data, first, m->options->images - first, m->denoiser->batch, m->error);
    bool ok = reader != NULL;
    while (ok && !enough) {
        const float *values;
        const int32_t *labels;
        const int n = dataset_reader_next(reader, &values, &labels, m->error);
        if (n == 0) ok = fail(m->error, "the data ends after %lld images", (long long)m->sums->images);
        ok = ok && n > 0 && measure_batch(m, values, labels, n) && is_enough(m, &enough);
    }
    dataset_reader_destroy(reader);
    return ok;
}

/* The curve of a network with classes is another one without them: not by an oversight. */
static bool check_labels(int classes, bool labels, const MeasureOptions *options, Error *error) {
    if (classes > 0 && !labels && !options->without_labels)
        return fail(error,
                    "%s has no labels (dataset.json), and the model has %d classes: add the labels, or "
                    "give --without-labels to measure the model without its classes",
                    options->name, classes);
    if (options->without_labels && classes == 0)
        return fail(error, "--without-labels: the model has no classes");
    return !(options->without_labels && labels) ||
           fail(error, "--without-labels: %s has labels", options->name);
}

static bool check_data(const Denoiser *denoiser, DatasetInfo data, const MeasureOptions *options,
                       Error *error) {
    const Network *net = denoiser->net;
    if (data.h != net->h || data.w != net->w || data.c != net->c)
        return fail(error, "%s: its images are %dx%d with %d channels, the model's %dx%d with %d",
                    options->name, data.h, data.w, data.c, net->h, net->w, net->c);
    const int least = options->control_variates ? least_images(options) : 2;
    if (options->images < least || options->images > data.images)
        return fail(error, "%s has %lld images, %lld are to be measured: expected %d or more of them%s",
                    options->name, (long long)data.images, (long long)options->images, least,
                    options->control_variates ? " for control variates" : "");
    return check_labels(net->label_dim, data.label_dim > 0, options, error);
}

/* The control variates come first, as files are read fastest in the order of names. */
static bool measure_rest(Measurement *m) {
    const MeasureOptions *options = m->options;
    if (options->control_variates &&
        !controls_create(&m->controls, m->data, options->name, m->denoiser->net->label_dim,
                         m->denoiser->batch, options->quiet, m->error))
        return false;
    if (!dataset_shuffle(m->data, options->seed, m->error)) return false;
    progress_begin(&m->progress, "measuring", "evaluations", m->sums->images * options->levels,
                   options->images * options->levels, options->quiet);
    interrupt_watch();
    const bool ok = measure_batches(m);
    interrupt_unwatch();
    progress_end(&m->progress);
    if (!ok && interrupt_name() != NULL)
        return fail(m->error,
                    "stopped by %s: the sums of %lld images are in %s, the same command resumes there",
                    interrupt_name(), (long long)m->kept, options->state);
    return ok && save(m);
}

bool measure_run(Denoiser *denoiser, Dataset *data, const MeasureOptions *options, MeasureSums *sums,
                 Error *error) {
    Measurement m = {.denoiser = denoiser,
                     .data = data,
                     .options = options,
                     .sums = sums,
                     .error = error,
                     .directions = denoiser->spectral ? measure_directions(denoiser->net) : 0};
    if (!check_data(denoiser, dataset_info(data), options, error) ||
        !measure_sums_create(sums, options->levels, m.directions,
                             options->control_variates ? CONTROLS : 0, error))
        return false;
    bool enough = false;
    bool ok = allocate(&m) && load(&m) && is_enough(&m, &enough);
    ok = ok && (enough || measure_rest(&m)) && measure_check(sums, options, error);
    release(&m);
    return ok;
}
