#include "entropy/measure.h"

#include <math.h>
#include <stdlib.h>

#include "entropy/times.h"
#include "io/progress.h"
#include "random.h"

/* A tolerance counts from so many images on: of fewer, the spread says little. */
enum { LEAST_IMAGES = 32 };

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
    Tensor x0, x;              /* [batch,r,r,c] F32 */
    uint64_t *seeds;           /* [batch] */
    double *squared;           /* [batch] */
    double *power, *amplitude; /* as in the sums; NULL without a spectrum */
    /* on the host, [batch] */
    int32_t *labels;
    uint64_t *host_seeds;
    double *host_squared;
    ImageTime entropy, rescaled;
    double saved; /* when the state was */
    Progress progress;
} Measurement;

size_t measure_directions(const Edm2 *net) {
    const size_t r = net->config.img_resolution;
    return net->config.img_channels * r * (r / 2 + 1);
}

size_t measure_spectrum_bytes(const Edm2 *net, int levels) {
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
    const Edm2Config *config = &m->denoiser->net->config;
    const int r = config->img_resolution, batch = m->denoiser->batch;
    m->x0 = m->x = (Tensor){NULL, F32, batch, r, r, config->img_channels};
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
    const bool times = create_time(&m->entropy, ORDER_ENTROPIC, batch) &&
                       create_time(&m->rescaled, ORDER_RESCALED, batch);
    if (!context_ok(ctx)) return fail(m->error, "%s", context_error(ctx)->text);
    return (times && m->labels && m->host_seeds && m->host_squared) ||
           fail(m->error, "out of memory for a batch of %d images on the host", batch);
}

static void release(Measurement *m) {
    Context *ctx = m->denoiser->ctx;
    void *device[] = {m->x0.data, m->x.data, m->seeds, m->squared, m->power, m->amplitude};
    void *host[] = {m->labels,
                    m->host_seeds,
                    m->host_squared,
                    m->entropy.integral,
                    m->entropy.integrand,
                    m->rescaled.integral,
                    m->rescaled.integrand};
    for (size_t i = 0; i < sizeof device / sizeof *device; i++) device_free(ctx, device[i]);
    for (size_t i = 0; i < sizeof host / sizeof *host; i++) free(host[i]);
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

/* Labels of the data, as far as the network knows any. */
static bool choose_labels(Measurement *m, const int32_t *labels, int n) {
    const int label_dim = m->denoiser->net->config.label_dim;
    char title[512];
    for (int i = 0; i < n; i++) {
        m->labels[i] = label_dim > 0 && labels != NULL ? labels[i] : -1;
        if (m->labels[i] >= label_dim)
            return fail(m->error, "%s has the label %d, the model has %d classes",
                        dataset_title(m->data, m->sums->images + i, title), m->labels[i], label_dim);
    }
    denoiser_set_labels(m->denoiser, m->labels, n);
    return true;
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
                        "%s: its squared error at noise level %g is not a finite number: the image has "
                        "such values, or the network's activations overflow (try --precision fp32)",
                        dataset_title(m->data, m->sums->images + i, title), sigma);
    return true;
}

/* By the trapezoid rule of err / sigma^order dsigma = err sigma^(1-order) dln sigma: unlike a
 * schedule's cubics, a sum that is linear in the errors, so that every image has its own.  sums: [2],
 * of the images' integrals and their squares. */
static void add_time(const Measurement *m, ImageTime *time, int level, int n, double *sums) {
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
    }
}

static bool measure_levels(Measurement *m, int n) {
    MeasureSums *sums = m->sums;
    for (int level = 0; level < m->options->levels; level++) {
        if (!measure_level(m, level, n)) return false;
        for (int i = 0; i < n; i++) {
            const double squared = m->host_squared[i];
            sums->sum[level] += squared;
            sums->square[level] += squared * squared;
        }
        add_time(m, &m->entropy, level, n, sums->entropy + 2 * level);
        add_time(m, &m->rescaled, level, n, sums->rescaled + 2 * level);
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
    if (!choose_labels(m, labels, n) || !measure_levels(m, n)) return false;
    if (m->directions > 0) denoiser_amplitude(m->denoiser, x0, m->amplitude);
    sums->images += n;
    return monotonic_seconds() - m->saved < m->options->save_seconds || save(m);
}

/* ---- all batches --------------------------------------------------------------------------------- */

static bool enough(const Measurement *m) {
    const MeasureSums *sums = m->sums;
    return sums->images >= m->options->images ||
           (m->options->tolerance > 0 && sums->images >= LEAST_IMAGES &&
            measure_relative_error(sums) < m->options->tolerance);
}

static bool measure_batches(Measurement *m) {
    const int64_t first = m->sums->images;
    if (enough(m)) return true;
    DatasetReader *reader =
        dataset_reader_create(m->data, first, m->options->images - first, m->denoiser->batch, m->error);
    bool ok = reader != NULL;
    while (ok && !enough(m)) {
        const float *values;
        const int32_t *labels;
        const int n = dataset_reader_next(reader, &values, &labels, m->error);
        if (n == 0) ok = fail(m->error, "the data ends after %lld images", (long long)m->sums->images);
        ok = ok && n > 0 && measure_batch(m, values, labels, n);
    }
    dataset_reader_destroy(reader);
    return ok;
}

static bool check_data(const Denoiser *denoiser, DatasetInfo data, const MeasureOptions *options,
                       Error *error) {
    const Edm2Config *config = &denoiser->net->config;
    const int r = config->img_resolution, c = config->img_channels;
    if (data.h != r || data.w != r || data.c != c)
        return fail(error, "%s: its images are %dx%d with %d channels, the model's %dx%d with %d",
                    options->name, data.h, data.w, data.c, r, r, c);
    if (options->images < 2 || options->images > data.images)
        return fail(error, "%s has %lld images, %lld are to be measured: expected 2 or more of them",
                    options->name, (long long)data.images, (long long)options->images);
    return true;
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
        !dataset_shuffle(data, options->seed, error) ||
        !measure_sums_create(sums, options->levels, m.directions, error))
        return false;
    bool ok = allocate(&m) && load(&m);
    if (ok) {
        progress_begin(&m.progress, "measuring", "evaluations", sums->images * options->levels,
                       options->images * options->levels, options->quiet);
        ok = measure_batches(&m);
        progress_end(&m.progress);
        ok = ok && save(&m);
    }
    release(&m);
    return ok;
}

/* ---- results ------------------------------------------------------------------------------------- */

/* Of the mean of n values, from their sum and the sum of their squares. */
static double standard_error(double sum, double square, int64_t n) {
    const double spread = square - sum * sum / n;
    return n < 2 ? INFINITY : spread > 0 ? sqrt(spread / (n - 1) / n) : 0;
}

double measure_relative_error(const MeasureSums *sums) {
    const double *total = sums->rescaled + 2 * (sums->levels - 1);
    const double error = standard_error(total[0], total[1], sums->images);
    return error > 0 ? error / (total[0] / sums->images) : 0;
}

bool measure_curve(const MeasureSums *sums, const double *sigma, int dims, Curve *curve, Error *error) {
    if (!curve_create(curve, sums->levels, error)) return false;
    curve->dims = dims;
    curve->images = sums->images;
    for (int i = 0; i < sums->levels; i++) {
        curve->sigma[i] = sigma[i];
        curve->squared_error[i] = sums->sum[i] / sums->images;
        curve->standard_error[i] = standard_error(sums->sum[i], sums->square[i], sums->images);
        curve->entropy_error[i] =
            standard_error(sums->entropy[2 * i], sums->entropy[2 * i + 1], sums->images);
        curve->rescaled_error[i] =
            standard_error(sums->rescaled[2 * i], sums->rescaled[2 * i + 1], sums->images);
    }
    return true;
}

/* full[c][ky][kx] = half / images, of which columns beyond w/2 are those of the opposite direction. */
static void expand(const double *half, int64_t images, int c, int h, int w, float *full) {
    const int columns = w / 2 + 1;
    for (int k = 0; k < c; k++)
        for (int ky = 0; ky < h; ky++)
            for (int kx = 0; kx < w; kx++) {
                const bool there = kx < columns;
                const int row = there ? ky : (h - ky) % h, column = there ? kx : w - kx;
                *full++ = (float)(half[((size_t)k * h + row) * columns + column] / images);
            }
}

bool measure_spectrum(const MeasureSums *sums, const double *sigma, int c, int h, int w,
                      Spectrum *spectrum, Error *error) {
    const size_t directions = (size_t)c * h * w, levels = sums->levels;
    *spectrum =
        (Spectrum){.levels = sums->levels, .directions = (int)directions, .c = c, .h = h, .w = w};
    spectrum->sigma = malloc(levels * sizeof *spectrum->sigma);
    spectrum->power = malloc(levels * directions * sizeof *spectrum->power);
    spectrum->amplitude = malloc(directions * sizeof *spectrum->amplitude);
    if (spectrum->sigma == NULL || spectrum->power == NULL || spectrum->amplitude == NULL) {
        spectrum_free(spectrum);
        return fail(error, "out of memory for the spectrum");
    }
    for (size_t i = 0; i < levels; i++) {
        spectrum->sigma[i] = sigma[i];
        expand(sums->power + i * sums->directions, sums->images, c, h, w,
               spectrum->power + i * directions);
    }
    expand(sums->amplitude, sums->images, c, h, w, spectrum->amplitude);
    return true;
}

bool measure_from_logvar(Denoiser *denoiser, const double *sigma, int levels, Curve *curve,
                         Error *error) {
    Context *ctx = denoiser->ctx;
    const Edm2Config *config = &denoiser->net->config;
    const double sd = config->sigma_data;
    if (!curve_create(curve, levels, error)) return false;
    curve->dims = config->img_channels * config->img_resolution * config->img_resolution;
    for (int i = 0; i < levels; i++) {
        const float level = (float)sigma[i];
        float u = 0;
        denoiser_logvar(denoiser, &level, 1, &u);
        curve->sigma[i] = sigma[i];
        curve->squared_error[i] =
            curve->dims * exp(u) * pow(sigma[i] * sd, 2) / (sigma[i] * sigma[i] + sd * sd);
    }
    if (context_ok(ctx)) return true;
    curve_free(curve);
    return fail(error, "%s", context_error(ctx)->text);
}
