/* What kairos evaluate and kairos evaluate ref share. */
#ifndef KAIROS_EVALUATE_H
#define KAIROS_EVALUATE_H

#include <limits.h>

#include "commands/session.h"
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

/* The statistics of all images of a data set (a folder or a ZIP file), which are to be compared with
 * `reference` (NULL = with none) of the file of that name.  *detector: the network's hash. */
bool evaluate_dataset(Context *ctx, const char *features_path, const char *dataset_path, int batch,
                      bool quiet, const Gaussian *reference, const char *reference_name,
                      Statistics *statistics, uint64_t *detector, Error *error);

/* kairos evaluate ref; the arguments are those after "ref". */
int command_evaluate_ref(int count, char **arguments);

#endif
