/* kairos generate: images from a model. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/commands.h"
#include "commands/sampling.h"
#include "io/file.h"
#include "io/interrupt.h"
#include "io/outputs.h"
#include "io/run_folder.h"
#include "job.h"
#include "manifest.h"

typedef struct {
    Sampling sampling;
    JobOptions job;
    Manifest manifest;
    bool force;
} Generate;

static const OptionsUsage usage = {
    .command = "kairos generate",
    .summary =
        "Samples an image for each seed.  An image depends on its seed alone, not on the batch; "
        "images that are in --outdir already are not made again (but for --save-tensors), so a killed "
        "run resumes where it stopped.",
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
         .help = "all images on one sheet (PNG); those in --outdir are read from there"},
        {.name = "save-tensors",
         .kind = OPTION_TEXT,
         .value = &g->job.tensors,
         .argument = "FILE",
         .default_text = "",
         .help = "safetensors file with noise, labels and samples; for it all images are made, also "
                 "those that are in --outdir already"},
        OUTPUTS_OPTION_FORCE(g->force),
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
    return (g->job.outdir == NULL && g->job.grid == NULL) ||
           session_check_images(&g->sampling.session, ": use --save-tensors FILE alone", error);
}

/* Beside the images: OUTDIR/run.json, or FILE.run.json if there is only a file. */
static bool find_manifest(const Generate *g, char path[PATH_MAX], Error *error) {
    const JobOptions *job = &g->job;
    if (job->outdir == NULL)
        return manifest_path(job->grid != NULL ? job->grid : job->tensors, path, error);
    return snprintf(path, PATH_MAX, "%s/" RUN_MANIFEST, job->outdir) < PATH_MAX ||
           fail(error, "%s: the path is too long", job->outdir);
}

/* A sheet must not take an image's place, however the two are written; both folders are there. */
static bool check_place(const char *outdir, const char *file, Error *error) {
    char folder[PATH_MAX], parent[PATH_MAX], place[2 * PATH_MAX];
    if (outdir == NULL || file == NULL) return true;
    const char *slash = strrchr(file, '/'), *name = slash != NULL ? slash + 1 : file;
    snprintf(place, PATH_MAX, "%.*s.", (int)(name - file), file);
    if (realpath(outdir, folder) == NULL || realpath(place, parent) == NULL) return true;
    snprintf(place, sizeof place, "%s/%s", parent, name);
    const size_t length = strlen(folder);
    if (strncmp(place, folder, length) != 0 || place[length] != '/' ||
        !run_is_image(place + length + 1))
        return true;
    return fail(error,
                "%s: an image of --outdir has this name: choose another for --grid or --save-tensors",
                file);
}

/* OUTDIR/run.json is read first, so that a folder keeps its settings. */
static bool check_outputs(const Generate *g, Error *error) {
    const JobOptions *job = &g->job;
    const Session *session = &g->sampling.session;
    const bool read = job->outdir != NULL;
    char manifest[PATH_MAX], spectrum[PATH_MAX];
    const char *const outputs[] = {job->grid, job->tensors, read ? NULL : manifest};
    const char *inputs[SCHEDULE_FILES + 3] = {session->net, session->gnet, read ? manifest : NULL};
    schedule_options_files(&g->sampling.schedule_options, spectrum, inputs + 3);
    return find_manifest(g, manifest, error) &&
           outputs_check(outputs, 3, inputs, sizeof inputs / sizeof *inputs, g->force, error);
}

/* Before anything is sampled. */
static bool prepare_files(const Generate *g, Error *error) {
    const JobOptions *job = &g->job;
    char manifest[PATH_MAX];
    if (!check_outputs(g, error) || !find_manifest(g, manifest, error)) return false;
    return (job->grid == NULL || prepare_output(job->grid, error)) &&
           (job->tensors == NULL || prepare_output(job->tensors, error)) &&
           (job->outdir == NULL || make_directories(job->outdir, error)) &&
           check_place(job->outdir, job->grid, error) &&
           check_place(job->outdir, job->tensors, error) &&
           (job->outdir != NULL || prepare_output(manifest, error));
}

/* What the folder keeps to: the images and how their files are named. */
static json_t *settings_of(const Generate *g) {
    json_t *settings = sampling_settings(&g->sampling);
    if (g->job.outdir != NULL) json_object_set_new(settings, "subdirs", json_boolean(g->job.subdirs));
    return settings;
}

static bool make_manifest(Generate *g, int count, char **arguments, Error *error) {
    g->manifest = (Manifest){.settings = settings_of(g),
                             .about = sampling_describe(&g->sampling, error),
                             .command = session_command_json("generate", count, arguments),
                             .any_device = g->sampling.session.any_device};
    if (g->manifest.about == NULL) return false;
    if (g->manifest.settings == NULL || g->manifest.command == NULL)
        return fail(error, "out of memory for the manifest");
    return g->job.outdir == NULL || manifest_check(g->job.outdir, &g->manifest, error);
}

/* With the first image, so that a run which makes none leaves nothing. */
static bool leave_manifest(void *user, Error *error) {
    const Generate *g = user;
    const char *file = g->job.grid != NULL ? g->job.grid : g->job.tensors;
    return g->job.outdir != NULL ? manifest_update(g->job.outdir, &g->manifest, error)
                                 : manifest_write(file, &g->manifest, error);
}

/* After a signal. */
static bool say_what_is_kept(const JobOptions *job, const JobResult *result, Error *error) {
    if (job->outdir == NULL || job->tensors != NULL)
        return fail(error, "stopped by %s: the same command begins anew", interrupt_name());
    return fail(error, "stopped by %s: %zu of %zu images are in %s, the same command makes the others",
                interrupt_name(), result->sampled + result->skipped, job->seeds.count, job->outdir);
}

static bool sample(Generate *g, Error *error) {
    JobResult result;
    g->job.begin = leave_manifest;
    g->job.user = g;
    if (!sampling_start(&g->sampling, error)) return false;
    if (!job_run(&g->sampling.sampler, &g->job, &result, error))
        return interrupt_name() == NULL ? false : say_what_is_kept(&g->job, &result, error);
    /* If two runs began at once, before there was an image, the later one took the folder over. */
    if (g->job.outdir != NULL && !manifest_check(g->job.outdir, &g->manifest, error)) return false;
    if (!g->job.quiet)
        fprintf(stderr, "%zu images sampled (%d network evaluations each), %zu were there already\n",
                result.sampled, sampler_nfe(g->sampling.sampler.options), result.skipped);
    return true;
}

static void release(Generate *g) {
    json_decref(g->manifest.settings);
    json_decref(g->manifest.about);
    json_decref(g->manifest.command);
    sampling_close(&g->sampling);
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
                    make_manifest(&g, count, arguments, &error) && prepare_files(&g, &error) &&
                    sample(&g, &error);
    release(&g);
    return ok ? 0 : session_fail("generate", &error);
}
