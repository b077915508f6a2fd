/* What kairos evaluate and kairos evaluate ref share. */
#ifndef KAIROS_EVALUATE_H
#define KAIROS_EVALUATE_H

#include <limits.h>

#include "commands/session.h"
#include "io/dataset.h"
#include "nets/features.h"
#include "quality/statistics.h"

#define EVALUATE_FEATURES "weights/fashion-mnist-features.safetensors"

#define EVALUATE_OPTION_FEATURES(path)                                                      \
    {                                                                                       \
        .name = "features", .kind = OPTION_TEXT, .value = &(path), .argument = "FILE",      \
        .help = "feature network (.safetensors); the same as the reference statistics' own" \
    }

/* The feature network that nobody named is the shipped one, wherever it is installed: *path may become
 * `found`. */
bool evaluate_features(const char **path, char found[PATH_MAX], Error *error);

/* The same as features_create; messages also name the source of the images, a model or a data set. */
bool evaluate_features_create(Features *features, Context *ctx, const char *path, const char *source,
                              int h, int w, int c, int batch, Error *error);

/* A data set (a folder or a ZIP file), with the feature network for its images. */
typedef struct {
    Dataset *dataset;
    Features features;
} EvaluateData;

bool evaluate_open_data(EvaluateData *data, Context *ctx, const char *features_path, const char *path,
                        int batch, Error *error);
void evaluate_close_data(EvaluateData *data); /* also after a failure */

/* The result of an evaluation, as OUT holds it:
 *   distance, floor (quality/floor.h), images, reference {file, prefix, images, hash}, settings (what
 * the images depend on), and perhaps sampling (sampling_describe). */

/* After outputs_check: a file that kairos did not make may be replaced.
 * Looks for a finished result in the file: *result NULL = there is none.  Fails if the file holds
 * anything else of kairos, or a result of other settings or another reference. */
bool evaluate_find_result(const char *out, json_t *settings, const json_t *reference, bool any_device,
                          json_t **result, Error *error);
bool evaluate_print_result(const json_t *result, bool as_json, Error *error);

/* kairos evaluate ref; the arguments are those after "ref". */
int command_evaluate_ref(int count, char **arguments);

#endif
