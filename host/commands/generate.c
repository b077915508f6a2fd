/* kairos generate: images from a model. */
#include <stdio.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/sampling.h"
#include "io/file.h"
#include "job.h"
#include "manifest.h"

typedef struct {
    Sampling sampling;
    JobOptions job;
} Generate;

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
    const Option own[] = {
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
    };
    Option options[SAMPLING_OPTIONS + sizeof own / sizeof *own];
    const int shared = sampling_options(&g->sampling, options);
    memcpy(options + shared, own, sizeof own);
    return options_parse(&usage, options, shared + sizeof own / sizeof *own, count, arguments);
}

/* Wrong usage that the table of options cannot see. */
static bool check_usage(Generate *g, Error *error) {
    if (g->job.outdir == NULL && g->job.grid == NULL && g->job.tensors == NULL)
        return fail(error, "nothing to write: give --outdir, --grid or --save-tensors");
    if (!sampling_check_usage(&g->sampling, error)) return false;
    g->job.seeds = g->sampling.seeds;
    g->job.class_label = g->sampling.class_label;
    g->job.quiet = g->sampling.quiet;
    return true;
}

static bool check_model(const Generate *g, Error *error) {
    const Model *model = &g->sampling.session.model;
    const Edm2Config *config = &model->net->config;
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

/* Before anything is sampled. */
static bool make_folders(const Generate *g, Error *error) {
    return (g->job.grid == NULL || make_directories_above(g->job.grid, error)) &&
           (g->job.tensors == NULL || make_directories_above(g->job.tensors, error));
}

/* Beside the images: OUTDIR/run.json, or FILE.run.json if there is only a file. */
static bool leave_manifest(Generate *g, int count, char **arguments, Error *error) {
    const char *file = g->job.grid != NULL ? g->job.grid : g->job.tensors;
    json_t *made_with = sampling_settings(&g->sampling), *command = json_array();
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

static bool sample(Generate *g, Error *error) {
    JobResult result;
    if (!sampling_start(&g->sampling, error) || !job_run(&g->sampling.sampler, &g->job, &result, error))
        return false;
    if (!g->job.quiet)
        fprintf(stderr, "%zu images sampled (%d network evaluations each), %zu were there already\n",
                result.sampled, sampler_nfe(g->sampling.sampler.options), result.skipped);
    return true;
}

int command_generate(int count, char **arguments) {
    Generate g = {.sampling = sampling_defaults()};
    Error error = {""};
    const int status = parse(&g, count, arguments);
    if (status >= 0) return status;
    if (!check_usage(&g, &error)) {
        session_fail("generate", &error);
        return 2;
    }
    const bool ok = sampling_open(&g.sampling, &error) && check_model(&g, &error) &&
                    make_folders(&g, &error) && leave_manifest(&g, count, arguments, &error) &&
                    sample(&g, &error);
    sampling_close(&g.sampling);
    return ok ? 0 : session_fail("generate", &error);
}
