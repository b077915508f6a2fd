#include "quality/statistics_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hash.h"

enum { MOST_FEATURES = 1 << 16 };

static const char detector_key[] = "detector_hash", images_key[] = "num_images";

/* Copies a tensor of `count` F64 values, in the mapped file perhaps not aligned. */
static bool read_doubles(const Safetensors *file, const char *name, int rank, const int64_t *shape,
                         double *values, size_t count, Error *error) {
    const SafetensorsTensor *tensor = safetensors_expect(file, name, rank, shape, error);
    if (tensor == NULL) return false;
    if (tensor->type != SAFETENSORS_F64)
        return fail(error, "%s: %s is of type %s, expected F64", safetensors_name(file), name,
                    safetensors_type_name(tensor->type));
    memcpy(values, tensor->data, count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return fail(error, "%s: value %zu of %s is not a finite number", safetensors_name(file), i,
                        name);
    return true;
}

static bool check_symmetric(const Gaussian *g, const char *path, const char *name, Error *error) {
    const size_t d = (size_t)g->features;
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < i; j++) {
            const double a = g->sigma[i * d + j], b = g->sigma[j * d + i];
            const double scale = sqrt(fabs(g->sigma[i * d + i] * g->sigma[j * d + j]));
            if (fabs(a - b) > 1e-6 * (scale + fabs(a)))
                return fail(error, "%s: %s is not symmetric: [%zu,%zu] is %g, [%zu,%zu] is %g", path,
                            name, i, j, a, j, i, b);
        }
    return true;
}

bool gaussian_parse(Gaussian *gaussian, const Safetensors *file, const char *prefix, Error *error) {
    const char *path = safetensors_name(file);
    char mu[80], sigma[80];
    snprintf(mu, sizeof mu, "%smu", prefix);
    snprintf(sigma, sizeof sigma, "%ssigma", prefix);
    *gaussian = (Gaussian){.features = 0};
    const int64_t any[1] = {-1};
    const SafetensorsTensor *tensor = safetensors_expect(file, mu, 1, any, error);
    if (tensor == NULL) return false;
    const int64_t d = tensor->shape[0], shape[2] = {d, d};
    if (d < 1 || d > MOST_FEATURES)
        return fail(error, "%s: %s has %" PRId64 " features, expected 1 to %d", path, mu, d,
                    MOST_FEATURES);
    /* The shapes are checked before memory is taken for them. */
    if (safetensors_expect(file, sigma, 2, shape, error) == NULL ||
        !gaussian_create(gaussian, (int)d, error))
        return false;
    const char *images = safetensors_metadata(file, images_key);
    const char *detector = safetensors_metadata(file, detector_key);
    if (images != NULL && prefix[0] == '\0') gaussian->images = strtoll(images, NULL, 10);
    if (detector != NULL) gaussian->detector = strtoull(detector, NULL, 16);
    if (read_doubles(file, mu, 1, shape, gaussian->mu, d, error) &&
        read_doubles(file, sigma, 2, shape, gaussian->sigma, d * d, error) &&
        check_symmetric(gaussian, path, sigma, error))
        return true;
    gaussian_free(gaussian);
    return false;
}

bool gaussian_read(Gaussian *gaussian, const char *path, const char *prefix, Error *error) {
    Safetensors *file = safetensors_open(path, error);
    const bool ok = file != NULL && gaussian_parse(gaussian, file, prefix, error);
    safetensors_close(file);
    return ok;
}

bool gaussian_check(const Gaussian *gaussian, const char *path, int features, uint64_t detector,
                    const char *detector_path, Error *error) {
    if (gaussian->features != features)
        return fail(error, "%s: statistics of %d features, expected %d as %s has", path,
                    gaussian->features, features, detector_path);
    return gaussian->detector == 0 || gaussian->detector == detector ||
           fail(error,
                "%s: statistics of another feature network than %s: make them anew with kairos "
                "evaluate ref",
                path, detector_path);
}

uint64_t gaussian_hash(const Gaussian *gaussian) {
    const size_t features = (size_t)gaussian->features;
    const uint64_t hash = hash_bytes(HASH_START, gaussian->mu, features * sizeof(double));
    return hash_bytes(hash, gaussian->sigma, features * features * sizeof(double));
}

bool gaussian_write(const Gaussian *gaussian, const char *path, Error *error) {
    const int64_t d = gaussian->features;
    char images[24], hash[HASH_TEXT];
    snprintf(images, sizeof images, "%" PRId64, gaussian->images);
    hash_write(gaussian->detector, hash);
    const SafetensorsTensor tensors[] = {{"mu", SAFETENSORS_F64, 1, {d}, gaussian->mu},
                                         {"sigma", SAFETENSORS_F64, 2, {d, d}, gaussian->sigma}};
    const SafetensorsText metadata[] = {{images_key, images}, {detector_key, hash}};
    return safetensors_write(path, tensors, 2, metadata, 2, error);
}

bool statistics_write(const Statistics *statistics, const char *path, const char *settings,
                      Error *error) {
    const int64_t d = statistics->features;
    const SafetensorsTensor tensors[] = {
        {"images", SAFETENSORS_I64, 1, {1}, &statistics->images},
        {"sum", SAFETENSORS_F64, 1, {d}, statistics->sum},
        {"products", SAFETENSORS_F64, 2, {d, d}, statistics->products}};
    const SafetensorsText metadata[] = {{"settings", settings}};
    return safetensors_write(path, tensors, 3, metadata, 1, error);
}

char *statistics_settings(const char *path, Error *error) {
    Safetensors *file = safetensors_open(path, error);
    if (file == NULL) return NULL;
    const char *stated = safetensors_metadata(file, "settings");
    char *text = stated != NULL ? strdup(stated) : NULL;
    if (text == NULL) fail(error, "%s: does not state what it was begun with", path);
    safetensors_close(file);
    return text;
}

bool statistics_read(Statistics *statistics, const char *path, const char *settings, Error *error) {
    const int64_t d = statistics->features, shape[2] = {d, d};
    Safetensors *file = safetensors_open(path, error);
    if (file == NULL) return false;
    const char *stated = safetensors_metadata(file, "settings");
    bool ok = (stated != NULL && strcmp(stated, settings) == 0) ||
              fail(error, "%s: begun with other settings: remove it to begin anew", path);
    ok = ok && safetensors_read_integers(file, "images", &statistics->images, 1, error) &&
         read_doubles(file, "sum", 1, shape, statistics->sum, d, error) &&
         read_doubles(file, "products", 2, shape, statistics->products, d * d, error);
    if (ok && statistics->images < 0)
        ok = fail(error, "%s: %" PRId64 " images", path, statistics->images);
    safetensors_close(file);
    return ok;
}
