#include "entropy/controls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "entropy/measure_labels.h"
#include "io/progress.h"

static size_t values_of_image(const Controls *controls) {
    return (size_t)controls->h * controls->w * controls->c;
}

static double *mean_of_class(const Controls *controls, int label) {
    return controls->class_mean + (label + 1) * values_of_image(controls);
}

static double energy(const float *image, const double *mean, size_t values) {
    double sum = 0;
    for (size_t i = 0; i < values; i++) sum += (image[i] - mean[i]) * (image[i] - mean[i]);
    return sum;
}

/* Adds the features of the differences between n pairs of values that lie `step` apart. */
static void add_differences(const float *values, size_t n, int step, double features[3]) {
    double roots = 0, sizes = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        const double size = fabs((double)values[i + step] - values[i]);
        roots += sqrt(size);
        sizes += size;
        squares += size * size;
    }
    features[0] += roots;
    features[1] += sizes;
    features[2] += squares;
}

void controls_of_image(const Controls *controls, const float *image, int label,
                       double features[CONTROLS]) {
    const int w = controls->w, c = controls->c, row = w * c;
    features[0] = energy(image, mean_of_class(controls, label), values_of_image(controls));
    features[1] = features[2] = features[3] = 0;
    for (int y = 0; y < controls->h; y++)
        add_differences(image + (size_t)y * row, row - c, c, features + 1);
    add_differences(image, values_of_image(controls) - row, row, features + 1);
}

/* ---- the whole data set -------------------------------------------------------------------------- */

typedef struct {
    Controls *controls;
    Dataset *data;
    int batch;
    int64_t *count; /* [label_dim + 1]: the images of each class */
    Progress progress;
    Error *error;
} Reading;

typedef void AddImage(Reading *reading, const float *image, int label);

static void add_to_class(Reading *reading, const float *image, int label) {
    double *sum = mean_of_class(reading->controls, label);
    for (size_t i = 0; i < values_of_image(reading->controls); i++) sum[i] += image[i];
    reading->count[label + 1]++;
}

static void add_features(Reading *reading, const float *image, int label) {
    double features[CONTROLS];
    controls_of_image(reading->controls, image, label, features);
    for (int k = 0; k < CONTROLS; k++) reading->controls->mean[k] += features[k];
}

/* `read`: images that were read before, for the progress. */
static bool read_all(Reading *reading, int64_t read, AddImage *add) {
    const Controls *controls = reading->controls;
    const int64_t images = dataset_info(reading->data).images;
    int32_t *known = malloc(reading->batch * sizeof *known);
    if (known == NULL)
        return fail(reading->error, "out of memory for a batch of %d labels", reading->batch);
    DatasetReader *reader =
        dataset_reader_create(reading->data, 0, images, reading->batch, reading->error);
    bool ok = reader != NULL;
    for (int64_t first = 0; ok && first < images;) {
        const float *values;
        const int32_t *labels;
        const int n = dataset_reader_next(reader, &values, &labels, reading->error);
        ok = n > 0 && measure_labels(reading->data, first, n, labels, controls->label_dim, known,
                                     reading->error);
        for (int i = 0; ok && i < n; i++) add(reading, values + i * values_of_image(controls), known[i]);
        first += n;
        progress_update(&reading->progress, read + first);
    }
    dataset_reader_destroy(reader);
    free(known);
    return ok;
}

static bool find_means(Reading *reading) {
    Controls *controls = reading->controls;
    const int64_t images = dataset_info(reading->data).images;
    if (!read_all(reading, 0, add_to_class)) return false;
    for (int label = -1; label < controls->label_dim; label++)
        for (size_t i = 0; i < values_of_image(controls) && reading->count[label + 1] > 0; i++)
            mean_of_class(controls, label)[i] /= reading->count[label + 1];
    if (!read_all(reading, images, add_features)) return false;
    for (int k = 0; k < CONTROLS; k++) controls->mean[k] /= images;
    return true;
}

bool controls_create(Controls *controls, Dataset *data, int label_dim, int batch, bool quiet,
                     Error *error) {
    const DatasetInfo info = dataset_info(data);
    *controls = (Controls){.h = info.h, .w = info.w, .c = info.c, .label_dim = label_dim};
    Reading reading = {.controls = controls, .data = data, .batch = batch, .error = error};
    const size_t classes = (size_t)label_dim + 1;
    controls->class_mean = calloc(classes * values_of_image(controls), sizeof(double));
    reading.count = calloc(classes, sizeof *reading.count);
    bool ok = controls->class_mean != NULL && reading.count != NULL;
    if (!ok) fail(error, "out of memory for the mean images of %zu classes", classes);
    if (ok) {
        progress_begin(&reading.progress, "reading the data twice", "images", 0, 2 * info.images, quiet);
        ok = find_means(&reading);
        progress_end(&reading.progress);
    }
    free(reading.count);
    if (!ok) controls_free(controls);
    return ok;
}

void controls_free(Controls *controls) {
    free(controls->class_mean);
    *controls = (Controls){0};
}
