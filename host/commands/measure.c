/* kairos measure: the entropy curve of a model. */
#include "measure/measure.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/commands.h"
#include "commands/measure_output.h"
#include "commands/session.h"
#include "io/file.h"
#include "io/outputs.h"
#include "measure/controls.h"
#include "schedule/schedule.h"

enum { MAX_LEVELS = 100000 };

typedef struct {
    Session session;
    const char *data, *out;
    int64_t images, seed;
    int levels, batch, save_seconds;
    double tolerance, sigma_min, sigma_max, rho;
    bool spectral, control_variates, from_logvar, without_labels, quiet, force;
    double *sigma; /* [levels], increasing */
    Dataset *dataset;
    MeasureOrigin origin;
    char state[PATH_MAX];
} Measure;

static const OptionsUsage usage = {
    .command = "kairos measure",
    .summary =
        "Measures a model's squared error on data at each level of the EDM grid, with the same images "
        "and noise at every level: the entropy curve, of which 'kairos schedule' makes noise levels. A "
        "run that was killed resumes from OUT.state; one that is finished is not done again. "
        "--spectral "
        "also writes the error's power and the "
        "data's amplitude in each Fourier direction, to OUT with .spectrum.safetensors for .json.",
    .examples =
        "kairos measure --net weights/fashion-mnist-edm2.safetensors --data fashion-mnist.zip "
        "--images 1000 --out curve.json\n"
        "kairos measure --net edm2-img64-s.safetensors --data imagenet-64x64.zip --tolerance 0.01 "
        "--batch 256 \\\n"
        "    --precision fp16 --spectral --out curve.json\n"
        "kairos measure --net weights/fashion-mnist-edm2.safetensors --data fashion-mnist.zip "
        "--images 1200 \\\n"
        "    --levels 18 --control-variates --out curve.json\n"
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
         .help = "measure so many, drawn at random from the data set, which must have as many"},
        {.name = "levels",
         .kind = OPTION_INT,
         .value = &m->levels,
         .argument = "N",
         .low = 4,
         .high = MAX_LEVELS,
         .help = "noise levels; no two neighbours may be more than a factor of 4 apart"},
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
        {.name = "control-variates",
         .kind = OPTION_FLAG,
         .value = &m->control_variates,
         .help = "read the whole data set, also where --images (100 or more) measures few of it, and "
                 "correct the curve by what features of all its images show, such as energy and edges: "
                 "fewer images for the same error; without --spectral"},
        {.name = "from-logvar",
         .kind = OPTION_FLAG,
         .value = &m->from_logvar,
         .help = "without data: the curve that the model's own uncertainty head gives"},
        {.name = "without-labels",
         .kind = OPTION_FLAG,
         .value = &m->without_labels,
         .help = "measure a model with classes on data without labels, as if it had none"},
        {.name = "seed",
         .kind = OPTION_INT64,
         .value = &m->seed,
         .argument = "N",
         .low = 0,
         .high = UINT32_MAX,
         .help = "image i of the data set (in the order of names) gets the noise of seed N + i; N also "
                 "decides the random order in which images are taken"},
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
        SESSION_OPTION_ANY_DEVICE(m->session),
        {.name = "quiet", .kind = OPTION_FLAG, .value = &m->quiet, .help = "no progress"},
        OUTPUTS_OPTION_FORCE(m->force),
    };
    return options_parse(&usage, options, sizeof options / sizeof *options, count, arguments);
}

static bool check_usage(const Measure *m, Error *error) {
    if (!schedule_check_ends(m->sigma_min, m->sigma_max, error)) return false;
    if (m->spectral && m->control_variates)
        return fail(error, "--control-variates: the spectrum has none, leave out --spectral");
    if (!m->from_logvar)
        return m->data != NULL || fail(error, "give --data, or --from-logvar to do without");
    if (m->data != NULL || m->images != 0 || m->tolerance != 0 || m->control_variates)
        return fail(error,
                    "--from-logvar: takes no --data, --images, --tolerance or --control-variates");
    if (m->without_labels) return fail(error, "--from-logvar: takes no --without-labels");
    return !m->spectral || fail(error, "--from-logvar: the uncertainty head knows no --spectral error");
}

/* The EDM levels, increasing; allocated. */
static double *edm_levels(const Measure *m, int levels, Error *error) {
    Schedule schedule = {0};
    if (!schedule_edm(&schedule, levels, m->sigma_min, m->sigma_max, m->rho, error)) return NULL;
    double *sigma = calloc(levels, sizeof *sigma);
    if (sigma == NULL) fail(error, "out of memory for %d noise levels", levels);
    for (int i = 0; sigma != NULL && i < levels; i++) sigma[i] = schedule.sigma[levels - 1 - i];
    schedule_free(&schedule);
    return sigma;
}

static bool are_fine_enough(const Measure *m, int levels) {
    double *sigma = edm_levels(m, levels, NULL);
    const bool fine = sigma != NULL && curve_check_levels(sigma, levels, "", NULL);
    free(sigma);
    return fine;
}

/* Refuses levels of which no schedule could be made, before they are measured. */
static bool choose_levels(Measure *m, Error *error) {
    m->sigma = edm_levels(m, m->levels, error);
    if (m->sigma == NULL) return false;
    if (are_fine_enough(m, m->levels)) return true;
    if (!are_fine_enough(m, MAX_LEVELS))
        return fail(error, "--rho %g: no number of levels from %g to %g is fine enough, choose another",
                    m->rho, m->sigma_min, m->sigma_max);
    int low = m->levels, high = MAX_LEVELS; /* too few; enough */
    while (high - low > 1) {
        const int middle = low + (high - low) / 2;
        if (are_fine_enough(m, middle))
            high = middle;
        else
            low = middle;
    }
    return fail(error,
                "--levels %d is too coarse to make a schedule of, from %g to %g with rho %g: expected "
                "%d or more",
                m->levels, m->sigma_min, m->sigma_max, m->rho, high);
}

/* ---- what the curve came from ----------------------------------------------------------------------
 */

/* All that the sums depend on; with a tolerance also the batch, at whose ends it is looked at, and
 * where a library may choose another algorithm for another batch. */
static json_t *settings_of(const Measure *m) {
    const Session *s = &m->session;
    const DeviceInfo device = context_device(s->ctx);
    json_t *settings = json_pack(
        "{so si sf sf sf ss ss ss}", "net_hash", session_hash_json(s->model.hash), "levels", m->levels,
        "sigma_min", m->sigma_min, "sigma_max", m->sigma_max, "rho", m->rho, "precision",
        session_precisions[s->precision], "engine", session_engines[s->engine], "device", device.name);
    json_t *rest = m->from_logvar
                       ? json_pack("{sb}", "from_logvar", 1)
                       : json_pack("{so sI sI sI sb sf sb}", "data_hash",
                                   session_hash_json(dataset_info(m->dataset).hash), "data_images",
                                   (json_int_t)dataset_info(m->dataset).images, "images",
                                   (json_int_t)m->images, "seed", (json_int_t)m->seed, "shuffled", 1,
                                   "tolerance", m->tolerance, "spectral", m->spectral);
    const bool batch = m->tolerance > 0 || (s->engine == ENGINE_LIBRARY && !device.host_cores);
    if (rest != NULL && batch) json_object_set_new(rest, "batch", json_integer(m->batch));
    if (rest != NULL && m->control_variates)
        json_object_set_new(rest, "control_variates", json_string(CONTROLS_NAMES));
    const bool ok = settings != NULL && rest != NULL && json_object_update(settings, rest) == 0;
    json_decref(rest);
    if (ok) return settings;
    json_decref(settings);
    return NULL;
}

/* ---- measuring -------------------------------------------------------------------------------------
 */

static bool open_data(Measure *m, Error *error) {
    m->dataset = dataset_open(m->data, error);
    if (m->dataset == NULL) return false;
    const DatasetInfo data = dataset_info(m->dataset);
    if (m->images == 0) m->images = data.images;
    if (m->images > data.images)
        return fail(error, "--images %" PRId64 ": %s has %" PRId64, m->images, m->data, data.images);
    if (m->images < m->batch) m->batch = (int)m->images > 0 ? (int)m->images : 1;
    return true;
}

/* A state file lies beside the curve.  What cannot be written is known before the work. */
static bool prepare_files(Measure *m, Error *error) {
    if (snprintf(m->state, sizeof m->state, "%s.state", m->out) >= (int)sizeof m->state)
        return fail(error, "%s: the path is too long", m->out);
    char *spectrum = spectrum_path(m->out);
    if (spectrum == NULL) return fail(error, "out of memory");
    const char *const outputs[] = {m->out, m->state, m->spectral ? spectrum : NULL};
    const char *const inputs[] = {m->session.net, m->data};
    const bool ok = outputs_check(outputs, 3, inputs, 2, m->force, error);
    free(spectrum);
    return ok && prepare_output(m->out, error);
}

static bool run_on_data(Measure *m, json_t *settings, MeasureSums *sums, Error *error) {
    const Session *s = &m->session;
    const size_t extra = m->spectral ? measure_spectrum_bytes(s->model.net, m->levels) : 0;
    Denoiser denoiser;
    bool ok =
        denoiser_create_measuring(&denoiser, s->ctx, s->model.net, m->batch, m->spectral, extra, error);
    if (ok) {
        const MeasureOptions options = {.name = m->data,
                                        .levels = m->levels,
                                        .sigma = m->sigma,
                                        .images = m->images,
                                        .tolerance = m->tolerance,
                                        .control_variates = m->control_variates,
                                        .without_labels = m->without_labels,
                                        .seed = m->seed,
                                        .state = m->state,
                                        .settings = settings,
                                        .any_device = s->any_device,
                                        .save_seconds = m->save_seconds,
                                        .quiet = m->quiet};
        ok = measure_run(&denoiser, m->dataset, &options, sums, error);
        denoiser_destroy(&denoiser);
    }
    return ok;
}

static bool write_spectrum(const Measure *m, const MeasureSums *sums, Error *error) {
    const Network *net = m->session.model.net;
    Spectrum spectrum = {0};
    char *path = spectrum_path(m->out);
    if (path == NULL) return fail(error, "out of memory");
    const bool ok = measure_spectrum(sums, m->sigma, net->c, net->h, net->w, &spectrum, error) &&
                    spectrum_write(&spectrum, path, error);
    spectrum_free(&spectrum);
    free(path);
    return ok;
}

/* The curve of a measurement on data. */
static bool measure_data(Measure *m, json_t *settings, Curve *curve, Error *error) {
    const int dims = network_values(m->session.model.net);
    MeasureSums sums = {0};
    const bool ok = run_on_data(m, settings, &sums, error) &&
                    measure_curve(&sums, m->sigma, dims, curve, error) &&
                    (!m->spectral || write_spectrum(m, &sums, error));
    measure_sums_free(&sums);
    return ok;
}

static bool measure_uncertainty(Measure *m, Curve *curve, Error *error) {
    const Session *s = &m->session;
    Denoiser denoiser;
    if (!denoiser_create(&denoiser, s->ctx, s->model.net, NULL, 1, 1, error)) return false;
    const bool ok = measure_from_logvar(&denoiser, m->sigma, m->levels, curve, error);
    denoiser_destroy(&denoiser);
    return ok;
}

/* Measures and writes the curve, or reads the one that is there. */
static bool make_curve(Measure *m, json_t *settings, Curve *curve, Error *error) {
    bool done = false;
    if (!measure_output_check(m->out, m->state, m->spectral, settings, m->session.any_device, &done,
                              error))
        return false;
    if (done) {
        fprintf(stderr, "%s is there already, measured with these settings: nothing to do\n", m->out);
        return curve_read(curve, m->out, error);
    }
    return (m->from_logvar ? measure_uncertainty(m, curve, error)
                           : measure_data(m, settings, curve, error)) &&
           measure_output_write(curve, m->out, settings, &m->origin, error);
}

static bool run(Measure *m, Error *error) {
    Curve curve = {0};
    if (!session_open(&m->session, error) || (!m->from_logvar && !open_data(m, error))) return false;
    m->origin.net = m->session.model.name;
    m->origin.data = m->data;
    json_t *settings = settings_of(m);
    const bool ok =
        (settings != NULL || fail(error, "out of memory")) && make_curve(m, settings, &curve, error);
    if (ok) {
        unlink(m->state); /* left there, it would only be finished again */
        measure_output_report(&curve, m->out);
    }
    json_decref(settings);
    curve_free(&curve);
    return ok;
}

int command_measure(int count, char **arguments) {
    Measure m = defaults();
    Error error = {""};
    m.origin = (MeasureOrigin){.count = count, .arguments = arguments};
    const int status = parse(&m, count, arguments);
    if (status >= 0) return status;
    const bool usable = check_usage(&m, &error) && choose_levels(&m, &error);
    const bool ok = usable && prepare_files(&m, &error) && run(&m, &error);
    dataset_close(m.dataset);
    session_close(&m.session);
    free(m.sigma);
    if (!ok) session_fail("measure", &error);
    return ok ? 0 : usable ? 1 : 2;
}
