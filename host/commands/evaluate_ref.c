/* kairos evaluate ref: reference statistics of a data set. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands/evaluate.h"
#include "io/file.h"
#include "io/json.h"
#include "io/outputs.h"
#include "io/shipped.h"
#include "manifest.h"
#include "quality/score.h"
#include "quality/statistics_file.h"

typedef struct {
    Session session; /* without a model */
    const char *data, *out, *features;
    int batch;
    bool quiet, force;
} Reference;

static const OptionsUsage usage = {
    .command = "kairos evaluate ref",
    .summary =
        "Makes the reference statistics, mean and covariance of the features of a data set's images, "
        "that "
        "kairos evaluate compares with.",
    .examples = "kairos evaluate ref --data fashion-mnist.zip --out reference.safetensors\n"};

static int parse(Reference *r, int count, char **arguments) {
    Option options[] = {
        {.name = "data",
         .kind = OPTION_TEXT,
         .value = &r->data,
         .argument = "PATH",
         .required = true,
         .help = "data set: a folder or an uncompressed ZIP file of PNG or NPY images"},
        {.name = "out",
         .kind = OPTION_TEXT,
         .value = &r->out,
         .argument = "FILE",
         .required = true,
         .help = "where the statistics go (.safetensors)"},
        EVALUATE_OPTION_FEATURES(r->features),
        {.name = "batch",
         .kind = OPTION_INT,
         .value = &r->batch,
         .argument = "N",
         .low = 1,
         .high = 1 << 20,
         .help = "most images at once"},
        SESSION_OPTION_ENGINE(r->session),
        SESSION_OPTION_DEVICE(r->session),
        {.name = "quiet", .kind = OPTION_FLAG, .value = &r->quiet, .help = "no progress"},
        OUTPUTS_OPTION_FORCE(r->force),
    };
    return options_parse(&usage, options, sizeof options / sizeof *options, count, arguments);
}

bool evaluate_features(const char **path, char found[PATH_MAX], Error *error) {
    if (strcmp(*path, EVALUATE_FEATURES) != 0) return true;
    *path = found;
    return shipped_file(EVALUATE_FEATURES, found) ||
           fail(error, "%s: not found here or beside the program: give --features", EVALUATE_FEATURES);
}

bool evaluate_features_create(Features *features, Context *ctx, const char *path, const char *source,
                              int h, int w, int c, int batch, Error *error) {
    Error reason = {""};
    return features_create(features, ctx, path, h, w, c, batch, &reason) ||
           fail(error, "scoring %s: %.900s", source, reason.text);
}

bool evaluate_open_data(EvaluateData *data, Context *ctx, const char *features_path, const char *path,
                        int batch, Error *error) {
    *data = (EvaluateData){.dataset = dataset_open(path, error)};
    if (data->dataset == NULL) return false;
    const DatasetInfo info = dataset_info(data->dataset);
    if (info.images < batch) batch = (int)info.images;
    return evaluate_features_create(&data->features, ctx, features_path, path, info.h, info.w, info.c,
                                    batch, error);
}

void evaluate_close_data(EvaluateData *data) {
    features_destroy(&data->features);
    dataset_close(data->dataset);
    data->dataset = NULL;
}

static bool prepare_files(const Reference *r, Error *error) {
    char manifest[PATH_MAX];
    const char *const outputs[] = {r->out, manifest}, *const inputs[] = {r->data, r->features};
    return manifest_path(r->out, manifest, error) &&
           outputs_check(outputs, 2, inputs, 2, r->force, error) && prepare_output(r->out, error) &&
           prepare_output(manifest, error);
}

static bool leave_manifest(const Reference *r, const Gaussian *gaussian, int count, char **arguments,
                           Error *error) {
    const Manifest manifest = {.settings = json_pack("{so so sI ss}", "data", json_name(r->data),
                                                     "features", session_hash_json(gaussian->detector),
                                                     "images", (json_int_t)gaussian->images, "engine",
                                                     session_engines[r->session.engine]),
                               .command = session_command_json("evaluate ref", count, arguments)};
    const bool ok = manifest.settings != NULL && manifest.command != NULL
                        ? manifest_write(r->out, &manifest, error)
                        : fail(error, "out of memory for the manifest");
    json_decref(manifest.settings);
    json_decref(manifest.command);
    return ok;
}

static bool score(const Reference *r, EvaluateData *data, Statistics *statistics, Gaussian *gaussian,
                  Error *error) {
    if (!statistics_create(statistics, data->features.net->features, error) ||
        !score_dataset(&data->features, data->dataset, statistics, r->quiet, error) ||
        !statistics_gaussian(statistics, gaussian, error))
        return false;
    gaussian->detector = data->features.hash;
    return gaussian_write(gaussian, r->out, error);
}

int command_evaluate_ref(int count, char **arguments) {
    Reference r = {.session = session_defaults(), .features = EVALUATE_FEATURES, .batch = 256};
    Statistics statistics = {0};
    Gaussian gaussian = {0};
    char features[PATH_MAX];
    Error error = {""};
    EvaluateData data = {.dataset = NULL};
    const int status = parse(&r, count, arguments);
    if (status >= 0) return status;
    r.session.ctx = context_create(r.session.device, (Engine)r.session.engine, &error);
    const bool ok = r.session.ctx != NULL && evaluate_features(&r.features, features, &error) &&
                    prepare_files(&r, &error) &&
                    evaluate_open_data(&data, r.session.ctx, r.features, r.data, r.batch, &error) &&
                    score(&r, &data, &statistics, &gaussian, &error) &&
                    leave_manifest(&r, &gaussian, count, arguments, &error);
    if (ok)
        printf("%s: statistics of %d features of %" PRId64 " images\n", r.out, gaussian.features,
               gaussian.images);
    evaluate_close_data(&data);
    statistics_free(&statistics);
    gaussian_free(&gaussian);
    session_close(&r.session);
    return ok ? 0 : session_fail("evaluate ref", &error);
}
