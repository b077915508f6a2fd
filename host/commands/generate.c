/* kairos generate: images from a model. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/session.h"
#include "job.h"
#include "manifest.h"

static const char *const solvers[] = {"ddim", "heun", NULL}; /* in the order of Solver */

typedef struct {
    Session session;
    JobOptions job;
    const char *seeds, *schedule;
    int batch, steps, solver;
    double guidance, eta, sigma_min, sigma_max, rho;
} Generate;

static Generate defaults(void) {
    return (Generate){.session = session_defaults(),
                      .job = {.class_label = JOB_CLASS_OF_SEED},
                      .seeds = "0-63",
                      .schedule = "edm",
                      .batch = 64,
                      .steps = 32,
                      .guidance = 1,
                      .sigma_min = 0.002,
                      .sigma_max = 80,
                      .rho = 7};
}

static const OptionsUsage usage = {
    .command = "kairos generate",
    .summary =
        "Samples an image for each seed.  An image depends on its seed alone, not on the batch; "
        "images\n"
        "that are in --outdir already are not made again, so a killed run goes on where it stopped.",
    .examples =
        "kairos generate --net weights/fashion-mnist-edm2.safetensors --outdir out --seeds 0-63 "
        "--steps 16\n"
        "kairos generate --net edm2-img64-s.safetensors --outdir out --subdirs --seeds 0-49999 \\\n"
        "    --solver heun --steps 32 --batch 256 --precision fp16\n"
        "kairos generate --net m.safetensors --gnet guide.safetensors --guidance 1.4 --class 7 --grid "
        "cats.png\n"};

static int parse(Generate *g, int count, char **arguments) {
    Option options[] = {
        SESSION_OPTION_NET(g->session),
        SESSION_OPTION_GNET(g->session),
        {.name = "guidance",
         .kind = OPTION_DOUBLE,
         .value = &g->guidance,
         .argument = "W",
         .low = -1e6,
         .high = 1e6,
         .help = "D = D_ref + W (D - D_ref); 1 = no guidance"},
        {.name = "outdir",
         .kind = OPTION_TEXT,
         .value = &g->job.outdir,
         .argument = "DIR",
         .default_text = "",
         .help = "folder of the images, SEED.png, and of run.json"},
        {.name = "subdirs",
         .kind = OPTION_FLAG,
         .value = &g->job.subdirs,
         .help = "a folder for every 1000 seeds"},
        {.name = "grid",
         .kind = OPTION_TEXT,
         .value = &g->job.grid,
         .argument = "FILE",
         .default_text = "",
         .help = "all images on one sheet (PNG)"},
        {.name = "save-tensors",
         .kind = OPTION_TEXT,
         .value = &g->job.tensors,
         .argument = "FILE",
         .default_text = "",
         .help = "safetensors file with noise, labels and samples"},
        {.name = "seeds",
         .kind = OPTION_TEXT,
         .value = &g->seeds,
         .argument = "LIST",
         .help = "seeds: numbers and ranges, as in 1,5,7-9"},
        {.name = "class",
         .kind = OPTION_INT,
         .value = &g->job.class_label,
         .argument = "N",
         .low = 0,
         .high = INT_MAX,
         .default_text = "drawn by each seed",
         .help = "class label of all images"},
        {.name = "batch",
         .kind = OPTION_INT,
         .value = &g->batch,
         .argument = "N",
         .low = 1,
         .high = 1 << 20,
         .help = "most images at once"},
        {.name = "steps",
         .kind = OPTION_INT,
         .value = &g->steps,
         .argument = "N",
         .low = 1,
         .high = 1000000,
         .help = "noise levels before 0"},
        {.name = "schedule",
         .kind = OPTION_TEXT,
         .value = &g->schedule,
         .argument = "NAME|FILE",
         .help = "edm, or a JSON file with an array \"sigma\" (then --steps and the next three do not "
                 "count)"},
        {.name = "sigma_min",
         .kind = OPTION_DOUBLE,
         .value = &g->sigma_min,
         .argument = "S",
         .low = 1e-12,
         .high = 1e12,
         .help = "lowest noise level before 0"},
        {.name = "sigma_max",
         .kind = OPTION_DOUBLE,
         .value = &g->sigma_max,
         .argument = "S",
         .low = 1e-12,
         .high = 1e12,
         .help = "highest noise level"},
        {.name = "rho",
         .kind = OPTION_DOUBLE,
         .value = &g->rho,
         .argument = "R",
         .low = 1e-3,
         .high = 1e6,
         .help = "exponent of the edm schedule"},
        {.name = "solver",
         .kind = OPTION_CHOICE,
         .value = &g->solver,
         .choices = solvers,
         .help = "ddim: a network evaluation a step; heun: EDM's second order, 2 N - 1 evaluations"},
        {.name = "eta",
         .kind = OPTION_DOUBLE,
         .value = &g->eta,
         .argument = "E",
         .low = 0,
         .high = 1,
         .help = "of ddim: 0 deterministic, 1 stochastic"},
        SESSION_OPTION_PRECISION(g->session),
        SESSION_OPTION_ENGINE(g->session),
        SESSION_OPTION_DEVICE(g->session),
        {.name = "quiet", .kind = OPTION_FLAG, .value = &g->job.quiet, .help = "no progress"},
    };
    return options_parse(&usage, options, sizeof options / sizeof *options, count, arguments);
}

/* Wrong usage that the table of options cannot see. */
static bool check_usage(const Generate *g, Error *error) {
    if (g->job.outdir == NULL && g->job.grid == NULL && g->job.tensors == NULL)
        return fail(error, "nothing to write: give --outdir, --grid or --save-tensors");
    if (g->solver == SOLVER_HEUN && g->eta != 0)
        return fail(error, "--eta %g: the heun solver is deterministic; use --solver ddim", g->eta);
    if (g->session.gnet != NULL && g->guidance == 1)
        return fail(error, "--gnet without --guidance: a weight of 1 would not use it");
    return true;
}

static bool check_model(const Generate *g, Error *error) {
    const Model *model = &g->session.model;
    const Edm2Config *config = &model->net->config;
    if (g->job.class_label >= config->label_dim)
        return fail(error, "--class %d: %s has %d classes", g->job.class_label, model->name,
                    config->label_dim);
    if (g->guidance != 1 && g->session.gnet == NULL && config->label_dim == 0)
        return fail(error, "--guidance: %s has no labels to guide by; give a --gnet", model->name);
    if (g->job.outdir == NULL && g->job.grid == NULL) return true;
    if (strcmp(model->encoder, "rgb") != 0)
        return fail(error,
                    "%s makes latents of an image autoencoder (%s), which kairos does not decode: "
                    "use --save-tensors FILE alone",
                    model->name, model->encoder);
    if (config->img_channels != 1 && config->img_channels != 3)
        return fail(error,
                    "%s makes images of %d channels, PNG files have 1 or 3: use --save-tensors FILE "
                    "alone",
                    model->name, config->img_channels);
    return true;
}

static json_t *model_identity(const Model *model) {
    char hash[24];
    snprintf(hash, sizeof hash, "%016" PRIx64, model->hash);
    return json_string(hash);
}

/* Everything that the images depend on. */
static json_t *settings(const Generate *g, const Schedule *schedule, const DeviceInfo *device) {
    const Session *s = &g->session;
    json_t *levels = json_array();
    for (int i = 0; i <= schedule->steps; i++)
        json_array_append_new(levels, json_real(schedule->sigma[i]));
    return json_pack("{so so* sf ss sf si so ss ss ss}", "net", model_identity(&s->model), "gnet",
                     s->gnet != NULL ? model_identity(&s->gmodel) : NULL, "guidance", g->guidance,
                     "solver", solvers[g->solver], "eta", g->eta, "class", g->job.class_label, "sigma",
                     levels, "precision", session_precisions[s->precision], "engine",
                     session_engines[s->engine], "device", device->name);
}

/* Beside the images: OUTDIR/run.json, or FILE.run.json if there is only a file. */
static bool leave_manifest(Generate *g, const Schedule *schedule, int count, char **arguments,
                           Error *error) {
    const DeviceInfo device = context_device(g->session.ctx);
    const char *file = g->job.grid != NULL ? g->job.grid : g->job.tensors;
    json_t *made_with = settings(g, schedule, &device), *command = json_array();
    json_array_append_new(command, json_string("generate"));
    for (int i = 0; i < count; i++) json_array_append_new(command, json_string(arguments[i]));
    bool ok = made_with != NULL && command != NULL;
    if (!ok) fail(error, "out of memory for the manifest");
    if (ok && g->job.outdir != NULL)
        ok = manifest_update(g->job.outdir, made_with, command, error);
    else if (ok)
        ok = manifest_write(file, made_with, command, error);
    json_decref(made_with);
    json_decref(command);
    return ok;
}

static bool sample(Generate *g, const Schedule *schedule, Error *error) {
    const Session *s = &g->session;
    const SamplerOptions options = {(Solver)g->solver, g->eta, schedule};
    const size_t seeds = g->job.seeds.count;
    const int batch = seeds < (size_t)g->batch ? (int)seeds : g->batch;
    Denoiser denoiser;
    Sampler sampler;
    JobResult result;
    if (!denoiser_create(&denoiser, s->ctx, s->model.net, s->gmodel.net, (float)g->guidance, batch,
                         error))
        return false;
    bool ok = sampler_create(&sampler, &denoiser, options, error);
    if (ok) {
        ok = job_run(&sampler, &g->job, &result, error);
        sampler_destroy(&sampler);
    }
    denoiser_destroy(&denoiser);
    if (ok && !g->job.quiet)
        fprintf(stderr, "%zu images sampled (%d network evaluations each), %zu were there already\n",
                result.sampled, sampler_nfe(options), result.skipped);
    return ok;
}

static bool choose_schedule(const Generate *g, Schedule *schedule, Error *error) {
    if (strcmp(g->schedule, "edm") != 0) return schedule_read(schedule, g->schedule, error);
    return schedule_edm(schedule, g->steps, g->sigma_min, g->sigma_max, g->rho, error);
}

int command_generate(int count, char **arguments) {
    Generate g = defaults();
    Schedule schedule = {0};
    Error error = {""};
    const int status = parse(&g, count, arguments);
    if (status >= 0) return status;
    if (!check_usage(&g, &error) || !seeds_parse(g.seeds, SEEDS_LIMIT, &g.job.seeds, &error)) {
        session_fail("generate", &error);
        return 2;
    }
    const bool ok = choose_schedule(&g, &schedule, &error) && session_open(&g.session, &error) &&
                    check_model(&g, &error) &&
                    leave_manifest(&g, &schedule, count, arguments, &error) &&
                    sample(&g, &schedule, &error);
    session_close(&g.session);
    schedule_free(&schedule);
    free(g.job.seeds.values);
    return ok ? 0 : session_fail("generate", &error);
}
