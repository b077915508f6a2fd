/* kairos measure: the entropy curve of a model. */
#include "entropy/measure.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/commands.h"
#include "commands/session.h"
#include "entropy/times.h"
#include "io/file.h"
#include "schedule/schedule.h"

typedef struct {
    Session session;
    const char *data, *out;
    int64_t images, seed;
    int levels, batch, save_seconds;
    double tolerance, sigma_min, sigma_max, rho;
    bool spectral, from_logvar, quiet;
    double *sigma; /* [levels], increasing */
    Dataset *dataset;
    char state[PATH_MAX];
} Measure;

static const OptionsUsage usage = {
    .command = "kairos measure",
    .summary =
        "Measures a model's squared error on data at each level of the EDM grid, with the same images "
        "and noise at every level: the entropy curve, of which 'kairos schedule' makes noise levels. A "
        "run that was killed goes on from OUT.state. --spectral also writes the error's power and the "
        "data's amplitude in each Fourier direction, to OUT with .spectrum.safetensors for .json.",
    .examples =
        "kairos measure --net weights/fashion-mnist-edm2.safetensors --data fashion-mnist.zip "
        "--images 1000 --out curve.json\n"
        "kairos measure --net edm2-img64-s.safetensors --data imagenet-64x64.zip --tolerance 0.01 "
        "--batch 256 \\\n"
        "    --precision fp16 --spectral --out curve.json\n"
        "kairos measure --net edm2-img64-s.safetensors --from-logvar --out curve.json\n"};

static Measure defaults(void) {
    return (Measure){.session = session_defaults(),
                     .levels = 128,
                     .batch = 64,
                     .save_seconds = 30,
                     .sigma_min = 0.002,
                     .sigma_max = 80,
                     .rho = 7};
}

#define LEVEL_OPTION(option, description)                                                          \
    {                                                                                              \
        .name = #option, .kind = OPTION_DOUBLE, .value = &m->option, .argument = "S", .low = 1e-6, \
        .high = 1e6, .help = description                                                           \
    }

static int parse(Measure *m, int count, char **arguments) {
    Option options[] = {
        SESSION_OPTION_NET(m->session),
        {.name = "data",
         .kind = OPTION_TEXT,
         .value = &m->data,
         .argument = "PATH",
         .default_text = "",
         .help =
             "data set: a ZIP file (stored) or folder of PNG or NPY images, with dataset.json if the "
             "model has classes"},
        {.name = "out",
         .kind = OPTION_TEXT,
         .value = &m->out,
         .argument = "FILE",
         .required = true,
         .help = "JSON file of the curve"},
        {.name = "images",
         .kind = OPTION_INT64,
         .value = &m->images,
         .argument = "N",
         .low = 2,
         .high = 1e12,
         .default_text = "all of the data",
         .help = "most images to measure, the first of the data set"},
        {.name = "levels",
         .kind = OPTION_INT,
         .value = &m->levels,
         .argument = "N",
         .low = 4,
         .high = 100000,
         .help = "noise levels"},
        {.name = "tolerance",
         .kind = OPTION_DOUBLE,
         .value = &m->tolerance,
         .argument = "R",
         .low = 0,
         .high = 1,
         .help = "stop when the relative standard error of the total rescaled entropy is below R "
                 "(looked at after each batch, from 32 images on); 0 = measure all images"},
        {.name = "spectral",
         .kind = OPTION_FLAG,
         .value = &m->spectral,
         .help = "also the spectrum of the error"},
        {.name = "from-logvar",
         .kind = OPTION_FLAG,
         .value = &m->from_logvar,
         .help = "without data: the curve that the model's own uncertainty head gives"},
        {.name = "seed",
         .kind = OPTION_INT64,
         .value = &m->seed,
         .argument = "N",
         .low = 0,
         .high = UINT32_MAX,
         .help = "image i gets the noise of seed N + i"},
        {.name = "batch",
         .kind = OPTION_INT,
         .value = &m->batch,
         .argument = "N",
         .low = 1,
         .high = 1 << 20,
         .help = "most images at once"},
        LEVEL_OPTION(sigma_min, "lowest noise level"),
        LEVEL_OPTION(sigma_max, "highest noise level"),
        {.name = "rho",
         .kind = OPTION_DOUBLE,
         .value = &m->rho,
         .argument = "R",
         .low = 1e-3,
         .high = 1e6,
         .help = "exponent of the grid of noise levels"},
        {.name = "save-every",
         .kind = OPTION_INT,
         .value = &m->save_seconds,
         .argument = "S",
         .low = 0,
         .high = 1 << 30,
         .help = "seconds between two writes of OUT.state; 0 = after each batch"},
        SESSION_OPTION_PRECISION(m->session),
        SESSION_OPTION_ENGINE(m->session),
        SESSION_OPTION_DEVICE(m->session),
        {.name = "quiet", .kind = OPTION_FLAG, .value = &m->quiet, .help = "no progress"},
    };
    return options_parse(&usage, options, sizeof options / sizeof *options, count, arguments);
}

static bool check_usage(const Measure *m, Error *error) {
    if (!schedule_check_ends(m->sigma_min, m->sigma_max, error)) return false;
    if (!m->from_logvar)
        return m->data != NULL || fail(error, "give --data, or --from-logvar to do without");
    if (m->data != NULL || m->images != 0 || m->tolerance != 0)
        return fail(error, "--from-logvar: takes no --data, --images or --tolerance");
    return !m->spectral || fail(error, "--from-logvar: the uncertainty head knows no --spectral error");
}

/* The EDM levels, increasing. */
static bool choose_levels(Measure *m, Error *error) {
    Schedule schedule = {0};
    if (!schedule_edm(&schedule, m->levels, m->sigma_min, m->sigma_max, m->rho, error)) return false;
    m->sigma = calloc(m->levels, sizeof *m->sigma);
    if (m->sigma == NULL) fail(error, "out of memory for %d noise levels", m->levels);
    for (int i = 0; m->sigma != NULL && i < m->levels; i++)
        m->sigma[i] = schedule.sigma[m->levels - 1 - i];
    schedule_free(&schedule);
    Error reason = {""}; /* now rather than when a schedule is to be made of the curve */
    if (m->sigma != NULL && !curve_check_levels(m->sigma, m->levels, "these noise levels", &reason))
        fprintf(stderr, "%s: the curve will be too coarse for a schedule\n", reason.text);
    return m->sigma != NULL;
}

/* ---- what the curve came from ----------------------------------------------------------------------
 */

/* The data's names, sizes and checksums. */
static json_t *data_hash(const Measure *m) {
    char hash[24];
    snprintf(hash, sizeof hash, "%016" PRIx64, dataset_info(m->dataset).hash);
    return json_string(hash);
}

/* All that the sums depend on; with a tolerance also the batch, at whose ends it is looked at, and
 * where a library may choose another algorithm for another batch. */
static json_t *settings_of(const Measure *m) {
    const Session *s = &m->session;
    const DeviceInfo device = context_device(s->ctx);
    char hash[24];
    snprintf(hash, sizeof hash, "%016" PRIx64, s->model.hash);
    json_t *settings = json_pack(
        "{ss ss si sf sf sf ss ss ss}", "net", s->model.name, "net_hash", hash, "levels", m->levels,
        "sigma_min", m->sigma_min, "sigma_max", m->sigma_max, "rho", m->rho, "precision",
        session_precisions[s->precision], "engine", session_engines[s->engine], "device", device.name);
    json_t *rest = m->from_logvar
                       ? json_pack("{sb}", "from_logvar", 1)
                       : json_pack("{ss so sI sI sI sf sb}", "data", m->data, "data_hash", data_hash(m),
                                   "data_images", (json_int_t)dataset_info(m->dataset).images, "images",
                                   (json_int_t)m->images, "seed", (json_int_t)m->seed, "tolerance",
                                   m->tolerance, "spectral", m->spectral);
    const bool batch = m->tolerance > 0 || (s->engine == ENGINE_LIBRARY && !device.host_cores);
    if (rest != NULL && batch) json_object_set_new(rest, "batch", json_integer(m->batch));
    const bool ok = settings != NULL && rest != NULL && json_object_update(settings, rest) == 0;
    json_decref(rest);
    if (ok) return settings;
    json_decref(settings);
    return NULL;
}

/* A spectrum that an earlier measurement left beside the curve would be taken for this one's. */
static bool remove_old_spectrum(const Measure *m, Error *error) {
    char *path = spectrum_path(m->out);
    if (path == NULL) return fail(error, "out of memory");
    const bool ok =
        unlink(path) == 0 || errno == ENOENT ||
        fail(error, "cannot remove %s, the spectrum of an older curve: %s", path, strerror(errno));
    free(path);
    return ok;
}

/* The settings and the command line, which is none of them. */
static bool write_curve(const Measure *m, const Curve *curve, json_t *settings, int count,
                        char **arguments, Error *error) {
    json_t *provenance = json_copy(settings), *command = json_array();
    json_array_append_new(command, json_string("measure"));
    for (int i = 0; i < count; i++) json_array_append_new(command, json_string(arguments[i]));
    bool ok = provenance != NULL && json_object_set(provenance, "command", command) == 0;
    ok = ok || fail(error, "out of memory");
    ok = ok && (m->spectral || remove_old_spectrum(m, error)) &&
         curve_write(curve, m->out, provenance, error);
    json_decref(command);
    json_decref(provenance);
    return ok;
}

/* ---- measuring -------------------------------------------------------------------------------------
 */

static bool open_data(Measure *m, Error *error) {
    m->dataset = dataset_open(m->data, error);
    if (m->dataset == NULL) return false;
    const DatasetInfo data = dataset_info(m->dataset);
    if (m->images == 0) m->images = data.images;
    if (m->images < m->batch) m->batch = (int)m->images > 0 ? (int)m->images : 1;
    if (m->session.model.net->config.label_dim > 0 && data.label_dim == 0)
        fprintf(stderr, "%s has no labels: measuring the model without classes\n", m->data);
    return true;
}

/* A state file lies beside the curve. */
static bool prepare_files(Measure *m, Error *error) {
    if (snprintf(m->state, sizeof m->state, "%s.state", m->out) >= (int)sizeof m->state)
        return fail(error, "%s: the path is too long", m->out);
    return prepare_output(m->out, error);
}

static bool run_on_data(Measure *m, json_t *settings, MeasureSums *sums, Error *error) {
    const Session *s = &m->session;
    const size_t extra = m->spectral ? measure_spectrum_bytes(s->model.net, m->levels) : 0;
    char *text = json_dumps(settings, JSON_SORT_KEYS | JSON_COMPACT);
    Denoiser denoiser;
    if (text == NULL) return fail(error, "out of memory");
    bool ok =
        denoiser_create_measuring(&denoiser, s->ctx, s->model.net, m->batch, m->spectral, extra, error);
    if (ok) {
        const MeasureOptions options = {.levels = m->levels,
                                        .sigma = m->sigma,
                                        .images = m->images,
                                        .tolerance = m->tolerance,
                                        .seed = m->seed,
                                        .state = m->state,
                                        .settings = text,
                                        .save_seconds = m->save_seconds,
                                        .quiet = m->quiet};
        ok = measure_run(&denoiser, m->dataset, &options, sums, error);
        denoiser_destroy(&denoiser);
    }
    free(text);
    return ok;
}

static bool write_spectrum(const Measure *m, const MeasureSums *sums, Error *error) {
    const Edm2Config *config = &m->session.model.net->config;
    const int r = config->img_resolution;
    Spectrum spectrum = {0};
    char *path = spectrum_path(m->out);
    if (path == NULL) return fail(error, "out of memory");
    const bool ok = measure_spectrum(sums, m->sigma, config->img_channels, r, r, &spectrum, error) &&
                    spectrum_write(&spectrum, path, error);
    spectrum_free(&spectrum);
    free(path);
    return ok;
}

/* One line on standard output. */
static void report(const Measure *m, const Curve *curve, const MeasureSums *sums) {
    Error error = {""};
    double *time = calloc(curve->levels, sizeof *time);
    if (time == NULL || !entropic_time(curve, ORDER_RESCALED, RULE_CUBIC, time, &error)) {
        printf("%s: %d levels\n", m->out, curve->levels);
    } else if (m->from_logvar) {
        printf("%s: %d levels, total rescaled entropy %.6g\n", m->out, curve->levels,
               time[curve->levels - 1]);
    } else {
        printf("%s: %d levels, %lld images, total rescaled entropy %.6g +- %.2g %%\n", m->out,
               curve->levels, curve->images, time[curve->levels - 1],
               100 * measure_relative_error(sums));
    }
    free(time);
}

static bool measure_data(Measure *m, int count, char **arguments, Error *error) {
    const Edm2Config *config = &m->session.model.net->config;
    const int dims = config->img_channels * config->img_resolution * config->img_resolution;
    MeasureSums sums = {0};
    Curve curve = {0};
    if (!open_data(m, error)) return false;
    json_t *settings = settings_of(m);
    bool ok = (settings != NULL || fail(error, "out of memory")) &&
              run_on_data(m, settings, &sums, error) &&
              measure_curve(&sums, m->sigma, dims, &curve, error) &&
              (!m->spectral || write_spectrum(m, &sums, error)) &&
              write_curve(m, &curve, settings, count, arguments, error);
    if (ok) {
        unlink(m->state); /* left there, it would only be finished again */
        report(m, &curve, &sums);
    }
    json_decref(settings);
    curve_free(&curve);
    measure_sums_free(&sums);
    return ok;
}

static bool measure_uncertainty(Measure *m, int count, char **arguments, Error *error) {
    const Session *s = &m->session;
    Denoiser denoiser;
    Curve curve = {0};
    json_t *settings = settings_of(m);
    bool ok = settings != NULL || fail(error, "out of memory");
    if (ok && denoiser_create(&denoiser, s->ctx, s->model.net, NULL, 1, 1, error)) {
        ok = measure_from_logvar(&denoiser, m->sigma, m->levels, &curve, error) &&
             write_curve(m, &curve, settings, count, arguments, error);
        denoiser_destroy(&denoiser);
        if (ok) report(m, &curve, NULL);
    } else {
        ok = false;
    }
    json_decref(settings);
    curve_free(&curve);
    return ok;
}

int command_measure(int count, char **arguments) {
    Measure m = defaults();
    Error error = {""};
    const int status = parse(&m, count, arguments);
    if (status >= 0) return status;
    if (!check_usage(&m, &error)) {
        session_fail("measure", &error);
        return 2;
    }
    const bool ok = choose_levels(&m, &error) && prepare_files(&m, &error) &&
                    session_open(&m.session, &error) &&
                    (m.from_logvar ? measure_uncertainty(&m, count, arguments, &error)
                                   : measure_data(&m, count, arguments, &error));
    dataset_close(m.dataset);
    session_close(&m.session);
    free(m.sigma);
    return ok ? 0 : session_fail("measure", &error);
}
