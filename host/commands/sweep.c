/* kairos sweep: which schedule is worth what, at which number of network evaluations. */
#include "sweep/sweep.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/session.h"
#include "io/interrupt.h"
#include "io/outputs.h"
#include "io/run_folder.h"
#include "manifest.h"
#include "quality/floor.h"
#include "quality/statistics_file.h"
#include "sweep/report.h"

typedef struct {
    /* options */
    const char *file, *outdir;
    int batch, device;
    bool report, quiet, any_device, force;
    /* opened */
    SweepConfig config;
    SweepCounts counts;
    Session session;
    Gaussian reference;
    Denoiser denoiser;
    Features features;
} Command;

static const OptionsUsage usage = {
    .command = "kairos sweep",
    .summary =
        "Samples and scores every combination of schedules, solvers, eta, NFE and ranges of seeds that "
        "CONFIG.json lists (configs/README.md tells its keys), each once. Results are appended to "
        "DIR/results.jsonl as they come; a sweep that was killed resumes where it stopped. "
        "DIR/report.html shows them, a table of them is printed at the end; --report without "
        "CONFIG.json "
        "only does that anew.",
    .examples =
        "kairos sweep configs/sweep-quick.json --outdir out/quick\n"
        "kairos sweep --report --outdir out/quick\n"};

static int parse(Command *c, int count, char **arguments) {
    Option options[] = {
        {.name = "CONFIG.json",
         .kind = OPTION_TEXT,
         .value = &c->file,
         .positional = true,
         .default_text = "",
         .help = "what is to be tried"},
        {.name = "outdir",
         .kind = OPTION_TEXT,
         .value = &c->outdir,
         .argument = "DIR",
         .required = true,
         .help = "folder of the results"},
        {.name = "report",
         .kind = OPTION_FLAG,
         .value = &c->report,
         .help = "write DIR/report.html from the results that are there, and sample nothing"},
        {.name = "batch",
         .kind = OPTION_INT,
         .value = &c->batch,
         .argument = "N",
         .low = 1,
         .high = 1 << 20,
         .help = "most images at once"},
        {.name = "device",
         .kind = OPTION_INT,
         .value = &c->device,
         .argument = "N",
         .low = 0,
         .high = 1023,
         .help = "number of the GPU"},
        SESSION_OPTION_ANY_DEVICE(*c),
        {.name = "quiet", .kind = OPTION_FLAG, .value = &c->quiet, .help = "no progress"},
        OUTPUTS_OPTION_FORCE(c->force),
    };
    return options_parse(&usage, options, sizeof options / sizeof *options, count, arguments);
}

/* ---- what the configuration names ---------------------------------------------------------------- */

static bool choose(const char *file, const char *key, const char *text, const char *const *choices,
                   int *index, Error *error) {
    char known[128] = "";
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(text, choices[i]) == 0) {
            *index = i;
            return true;
        }
        strcat(strcat(known, i == 0 ? "" : ", "), choices[i]);
    }
    return fail(error, "%s: key '%s' is '%.60s', expected %s", file, key, text, known);
}

static bool check_model(const Command *c, Error *error) {
    const Model *model = &c->session.model;
    const int classes = model->net->label_dim;
    if (!session_check_images(&c->session, "", error)) return false;
    if (c->config.class_label >= classes)
        return fail(error, "%s: key 'class' is %d: %s has %d classes", c->file, c->config.class_label,
                    model->name, classes);
    if (c->config.guidance != 1 && c->config.gnet == NULL && classes == 0)
        return fail(error, "%s: key 'guidance': %s has no labels to guide by; give a 'gnet'", c->file,
                    model->name);
    return true;
}

static bool open_model(Command *c, Error *error) {
    Session *session = &c->session;
    *session = session_defaults();
    session->net = c->config.net;
    session->gnet = c->config.gnet;
    session->device = c->device;
    return choose(c->file, "precision", c->config.precision, session_precisions, &session->precision,
                  error) &&
           choose(c->file, "engine", c->config.engine, session_engines, &session->engine, error) &&
           session_open(session, error) && check_model(c, error);
}

static bool open_networks(Command *c, Error *error) {
    const long long images = (long long)(c->config.seeds[0].last - c->config.seeds[0].first + 1);
    const int batch = images < c->batch ? (int)images : c->batch;
    if (!open_model(c, error) ||
        !denoiser_create(&c->denoiser, c->session.ctx, c->session.model.net, c->session.gmodel.net,
                         (float)c->config.guidance, batch, error))
        return false;
    const Network *net = c->session.model.net;
    return features_create(&c->features, c->session.ctx, c->config.features, net->h, net->w, net->c,
                           batch, error) &&
           gaussian_check(&c->reference, c->config.reference, c->features.net->features,
                          c->features.hash, c->config.features, error);
}

/* ---- the manifest -------------------------------------------------------------------------------- */

/* What all results of the folder depend on; the noise levels are in sweep.json. */
static json_t *settings_of(const Command *c) {
    const Session *session = &c->session;
    return json_pack("{so so* sf si so so ss ss ss}", "net", session_hash_json(session->model.hash),
                     "gnet", session->gnet != NULL ? session_hash_json(session->gmodel.hash) : NULL,
                     "guidance", c->config.guidance, "class", c->config.class_label, "features",
                     session_hash_json(c->features.hash), "reference",
                     session_hash_json(gaussian_hash(&c->reference)), "precision",
                     session_precisions[session->precision], "engine", session_engines[session->engine],
                     "device", context_device(session->ctx).name);
}

static bool leave_manifest(const Command *c, int count, char **arguments, Error *error) {
    const Manifest manifest = {.settings = settings_of(c),
                               .command = session_command_json("sweep", count, arguments),
                               .any_device = c->any_device};
    const bool ok = manifest.settings != NULL && manifest.command != NULL
                        ? manifest_update(c->outdir, &manifest, error)
                        : fail(error, "out of memory for the manifest");
    json_decref(manifest.settings);
    json_decref(manifest.command);
    return ok;
}

/* What the numbers are worth, said before the work; the report says it too. */
static void warn_of_few_images(const Command *c) {
    const long long images = (long long)(c->config.seeds[0].last - c->config.seeds[0].first + 1);
    if (!c->quiet) frechet_warn_of_few(images, c->reference.features);
}

/* ---- the files ----------------------------------------------------------------------------------- */

/* What the folder gets, besides the sheets: a file of a sweep that is there is read, and refused if it
 * is no sweep's; only the report is made anew each time. */
static bool check_outputs(const Command *c, Error *error) {
    static const char *const names[] = {"report.html", RUN_RESULTS, "sweep.json", "sweep.log",
                                        RUN_MANIFEST};
    enum { NAMES = sizeof names / sizeof *names };
    const SweepConfig *config = &c->config;
    char paths[NAMES][PATH_MAX];
    const char *outputs[NAMES];
    const char *const inputs[] = {c->file, config->net, config->gnet, config->features,
                                  config->reference};
    for (int i = 0; i < NAMES; i++) {
        if (!sweep_path(c->outdir, names[i], paths[i], error)) return false;
        outputs[i] = paths[i];
    }
    bool ok = outputs_check(outputs, NAMES, inputs, sizeof inputs / sizeof *inputs, true, error) &&
              outputs_check(outputs, 1, NULL, 0, c->force, error);
    for (int i = 0; ok && i < config->schedule_count; i++) {
        const ScheduleRequest *request = &config->schedules[i].request;
        const char *const files[] = {request->curve, request->spectrum};
        ok = outputs_check(outputs, NAMES, files, 2, true, error);
    }
    return ok;
}

/* ---- the run ------------------------------------------------------------------------------------- */

static bool run(Command *c, int count, char **arguments, Error *error) {
    if (!sweep_config_read(&c->config, c->file, error) || !check_outputs(c, error) ||
        !gaussian_read(&c->reference, c->config.reference, "", error) || !open_networks(c, error) ||
        !leave_manifest(c, count, arguments, error))
        return false;
    warn_of_few_images(c);
    const char *slash = strrchr(c->config.net, '/');
    const Sweep sweep = {.config = &c->config,
                         .outdir = c->outdir,
                         .net_name = slash != NULL ? slash + 1 : c->config.net,
                         .denoiser = &c->denoiser,
                         .features = &c->features,
                         .reference = &c->reference,
                         .quiet = c->quiet};
    const SweepCounts *counts = &c->counts;
    if (!sweep_run(&sweep, &c->counts, error))
        return interrupt_name() == NULL
                   ? false
                   : fail(error, "stopped by %s: what is done is in %s, the same command resumes there",
                          interrupt_name(), c->outdir);
    if (!c->quiet)
        fprintf(
            stderr,
            "%d cells: %d sampled, %d as a cell with the same noise levels, %d were there already\n",
            counts->cells, counts->sampled, counts->copied, counts->found);
    return true;
}

static void release(Command *c) {
    features_destroy(&c->features);
    denoiser_destroy(&c->denoiser);
    session_close(&c->session);
    gaussian_free(&c->reference);
    sweep_config_free(&c->config);
}

static bool check_usage(const Command *c, Error *error) {
    if (c->report && c->file != NULL)
        return fail(error, "--report samples nothing: leave out either it or %s", c->file);
    if (!c->report && c->file == NULL)
        return fail(error, "nothing to sweep: give a configuration, such as configs/sweep-quick.json");
    return true;
}

int command_sweep(int count, char **arguments) {
    Command c = {.batch = 100};
    Error error = {""};
    const int status = parse(&c, count, arguments);
    if (status >= 0) return status;
    if (!check_usage(&c, &error)) {
        session_fail("sweep", &error);
        return 2;
    }
    bool ok = (c.report ? check_outputs(&c, &error) && report_write(c.outdir, &error)
                        : run(&c, count, arguments, &error)) &&
              report_print(c.outdir, stdout, &error);
    release(&c);
    if (ok) printf("%s/report.html\n", c.outdir);
    if (ok && c.counts.failed > 0)
        ok = fail(&error, "%d of %d cells failed, and will be tried again by the same command: %.800s",
                  c.counts.failed, c.counts.cells, c.counts.failure.text);
    return ok ? 0 : session_fail("sweep", &error);
}
