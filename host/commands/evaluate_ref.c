/* kairos evaluate ref: reference statistics of a data set. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands/evaluate.h"
#include "io/file.h"
#include "io/shipped.h"
#include "manifest.h"
#include "quality/score.h"
#include "quality/statistics_file.h"

typedef struct {
    Session session; /* without a model */
    const char *data, *out, *features;
    int batch;
    bool quiet;
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
    };
    return options_parse(&usage, options, sizeof options / sizeof *options, count, arguments);
}

bool evaluate_features(const char **path, char found[PATH_MAX], Error *error) {
    if (strcmp(*path, EVALUATE_FEATURES) != 0) return true;
    *path = found;
    return shipped_file(EVALUATE_FEATURES, found) ||
           fail(error, "%s: not found here or beside the program: give --features", EVALUATE_FEATURES);
}

bool evaluate_dataset(Context *ctx, const char *features_path, const char *dataset_path, int batch,
                      bool quiet, const Gaussian *reference, const char *reference_name,
                      Statistics *statistics, uint64_t *detector, Error *error) {
    Features features = {.net = NULL};
    Dataset *dataset = dataset_open(dataset_path, error);
    if (dataset == NULL) return false;
    const DatasetInfo info = dataset_info(dataset);
    if (info.images < batch) batch = (int)info.images;
    const bool ok =
        features_create(&features, ctx, features_path, info.h, info.w, info.c, batch, error) &&
        (reference == NULL || gaussian_check(reference, reference_name, features.net->features,
                                             features.hash, features_path, error)) &&
        statistics_create(statistics, features.net->features, error) &&
        score_dataset(&features, dataset, statistics, quiet, error);
    *detector = features.hash;
    features_destroy(&features);
    dataset_close(dataset);
    return ok;
}

static bool leave_manifest(const Reference *r, const Gaussian *gaussian, int count, char **arguments,
                           Error *error) {
    char hash[24];
    snprintf(hash, sizeof hash, "%016" PRIx64, gaussian->detector);
    json_t *command = json_pack("[ss]", "evaluate", "ref");
    json_t *settings =
        json_pack("{ss ss sI ss}", "data", r->data, "features", hash, "images",
                  (json_int_t)gaussian->images, "engine", session_engines[r->session.engine]);
    for (int i = 0; i < count; i++) json_array_append_new(command, json_string(arguments[i]));
    const bool ok = command != NULL && settings != NULL
                        ? manifest_write(r->out, settings, command, error)
                        : fail(error, "out of memory for the manifest");
    json_decref(command);
    json_decref(settings);
    return ok;
}

static bool write_statistics(const Reference *r, const Statistics *statistics, uint64_t detector,
                             Gaussian *gaussian, Error *error) {
    if (!statistics_gaussian(statistics, gaussian, error)) return false;
    gaussian->detector = detector;
    return gaussian_write(gaussian, r->out, error);
}

int command_evaluate_ref(int count, char **arguments) {
    Reference r = {.session = session_defaults(), .features = EVALUATE_FEATURES, .batch = 256};
    Statistics statistics = {0};
    Gaussian gaussian = {0};
    char features[PATH_MAX];
    Error error = {""};
    uint64_t detector = 0;
    const int status = parse(&r, count, arguments);
    if (status >= 0) return status;
    r.session.ctx = context_create(r.session.device, (Engine)r.session.engine, &error);
    const bool ok = r.session.ctx != NULL && prepare_output(r.out, &error) &&
                    evaluate_features(&r.features, features, &error) &&
                    evaluate_dataset(r.session.ctx, r.features, r.data, r.batch, r.quiet, NULL, NULL,
                                     &statistics, &detector, &error) &&
                    write_statistics(&r, &statistics, detector, &gaussian, &error) &&
                    leave_manifest(&r, &gaussian, count, arguments, &error);
    if (ok)
        printf("%s: statistics of %d features of %" PRId64 " images\n", r.out, gaussian.features,
               gaussian.images);
    statistics_free(&statistics);
    gaussian_free(&gaussian);
    session_close(&r.session);
    return ok ? 0 : session_fail("evaluate ref", &error);
}
