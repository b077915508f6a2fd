#include "measure/controls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/progress.h"
#include "measure/measure_labels.h"

static size_t image_values(const Controls *controls) {
    return (size_t)controls->h * controls->w * controls->c;
}

static double *mean_of_class(const Controls *controls, int label) {
    return controls->class_mean + (label + 1) * image_values(controls);
}

/* Adds the sums of the differences between n pairs of values that lie `step` apart. */
static void add_differences(const float *values, size_t n, int step, double sums[3]) {
    double roots = 0, sizes = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        const double size = fabs((double)values[i + step] - values[i]);
        roots += sqrt(size);
        sizes += size;
        squares += size * size;
    }
    sums[0] += roots;
    sums[1] += sizes;
    sums[2] += squares;
}

/* Adds those of an image's neighbours in rows and columns. */
static void add_all_differences(const Controls *controls, const float *image, double sums[3]) {
    const int c = controls->c, row = controls->w * c;
    for (int y = 0; y < controls->h; y++) add_differences(image + (size_t)y * row, row - c, c, sums);
    add_differences(image, image_values(controls) - row, row, sums);
}

void controls_of_image(const Controls *controls, const float *image, int label,
                       double values[CONTROLS]) {
    const double *mean = mean_of_class(controls, label);
    memset(values, 0, CONTROLS * sizeof *values);
    for (size_t i = 0; i < image_values(controls); i++)
        values[0] += (image[i] - mean[i]) * (image[i] - mean[i]);
    add_all_differences(controls, image, values + 1);
    for (int k = 0; k < CONTROLS; k++) values[k] -= controls->mean[k];
}

/* ---- the whole data set -------------------------------------------------------------------------- */

typedef struct {
    Controls *controls; /* class_mean and mean[1..] hold sums until the end */
    Dataset *data;
    int64_t images;
    int batch;
    int32_t *labels; /* [batch] */
    int64_t *count;  /* [label_dim + 1]: the images of each class */
    double square;   /* of all values */
    Error *error;
} Reading;

static void add_image(Reading *reading, const float *image, int label) {
    double *sum = mean_of_class(reading->controls, label), square = 0;
    for (size_t i = 0; i < image_values(reading->controls); i++) {
        sum[i] += image[i];
        square += (double)image[i] * image[i];
    }
    reading->square += square;
    reading->count[label + 1]++;
    add_all_differences(reading->controls, image, reading->controls->mean + 1);
}

static bool read_all(Reading *reading, Progress *progress) {
    const Controls *controls = reading->controls;
    DatasetReader *reader =
        dataset_reader_create(reading->data, 0, reading->images, reading->batch, reading->error);
    bool ok = reader != NULL;
    for (int64_t first = 0; ok && first < reading->images;) {
        const float *values;
        const int32_t *labels;
        const int n = dataset_reader_next(reader, &values, &labels, reading->error);
        if (n == 0) fail(reading->error, "the data ends after %lld images", (long long)first);
        ok = n > 0 && measure_labels(reading->data, first, n, labels, controls->label_dim,
                                     reading->labels, reading->error);
        for (int i = 0; ok && i < n; i++)
            add_image(reading, values + i * image_values(controls), reading->labels[i]);
        if (ok) progress_update(progress, first += n);
    }
    dataset_reader_destroy(reader);
    return ok;
}

/* Of the sums.  Within a class, sum (x - m)^2 = sum x^2 - n m^2, so that one reading is enough. */
static void find_means(Reading *reading) {
    Controls *controls = reading->controls;
    double energy = reading->square;
    for (int label = -1; label < controls->label_dim; label++) {
        const int64_t n = reading->count[label + 1];
        double *mean = mean_of_class(controls, label);
        for (size_t i = 0; n > 0 && i < image_values(controls); i++) {
            mean[i] /= n;
            energy -= n * mean[i] * mean[i];
        }
    }
    controls->mean[0] = energy;
    for (int k = 0; k < CONTROLS; k++) controls->mean[k] /= reading->images;
}

bool controls_create(Controls *controls, Dataset *data, const char *name, int label_dim, int batch,
                     bool quiet, Error *error) {
    const DatasetInfo info = dataset_info(data);
    const size_t classes = (size_t)label_dim + 1;
    *controls = (Controls){.h = info.h, .w = info.w, .c = info.c, .label_dim = label_dim};
    Reading reading = {
        .controls = controls, .data = data, .images = info.images, .batch = batch, .error = error};
    controls->class_mean = calloc(classes * image_values(controls), sizeof(double));
    reading.count = calloc(classes, sizeof *reading.count);
    reading.labels = malloc(batch * sizeof *reading.labels);
    bool ok = controls->class_mean != NULL && reading.count != NULL && reading.labels != NULL;
    if (!ok)
        fail(error, "%s: out of memory for the mean images of %zu classes (%.1f GiB)", name, classes,
             classes * image_values(controls) * sizeof(double) / 0x1p30);
    if (ok) {
        Progress progress;
        progress_begin(&progress, "reading the data", "images", 0, info.images, quiet);
        ok = read_all(&reading, &progress);
        progress_end(&progress);
    }
    if (ok) find_means(&reading);
    free(reading.count);
    free(reading.labels);
    if (!ok) controls_free(controls);
    return ok;
}

void controls_free(Controls *controls) {
    free(controls->class_mean);
    *controls = (Controls){0};
}
