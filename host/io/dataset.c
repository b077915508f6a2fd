#include "io/dataset.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "io/file_set.h"
#include "io/image.h"
#include "io/labels.h"
#include "io/shuffle.h"

#define LABELS_FILE "dataset.json"
enum { MAX_LABELS_FILE = 1 << 28, FILE_SLACK = 1 << 20 };

struct Dataset {
    FileSet *files;
    int64_t *images; /* [count]: numbers in `files` */
    int64_t count;
    int64_t *order;  /* [count]: indices of `images`; NULL = as they are */
    int32_t *labels; /* [count], as in `images`; or NULL */
    int label_dim;
    ImageForm form;
};

/* ---- opening ------------------------------------------------------------------------------------ */

static bool list_images(Dataset *dataset, const char *path, Error *error) {
    int64_t files = file_set_count(dataset->files);
    dataset->images = malloc((size_t)(files + 1) * sizeof *dataset->images);
    if (dataset->images == NULL)
        return fail(error, "%s: out of memory for %" PRId64 " images", path, files);
    for (int64_t i = 0; i < files; i++) {
        ImageKind kind = image_kind(file_set_name(dataset->files, i));
        char title[512];
        if (kind == IMAGE_OTHER)
            return fail(error, "%s is neither PNG nor NPY: convert the images first",
                        file_set_title(dataset->files, i, title));
        if (kind == IMAGE_READABLE) dataset->images[dataset->count++] = i;
    }
    if (dataset->count == 0) return fail(error, "%s has no images (PNG or NPY) in it", path);
    return true;
}

static int64_t find_image(const void *context, const char *name) {
    const Dataset *dataset = context;
    int64_t file = file_set_find(dataset->files, name), low = 0, high = dataset->count;
    while (low < high) { /* the first image whose number is not below the file's */
        int64_t middle = low + (high - low) / 2;
        if (dataset->images[middle] < file)
            low = middle + 1;
        else
            high = middle;
    }
    return file >= 0 && low < dataset->count && dataset->images[low] == file ? low : -1;
}

/* An archive of a folder, and a folder of data sets, have labels that would not be seen. */
static bool check_no_labels_below(const Dataset *dataset, const char *path, Error *error) {
    char title[512];
    for (int64_t i = 0; i < file_set_count(dataset->files); i++) {
        const char *slash = strrchr(file_set_name(dataset->files, i), '/');
        if (slash != NULL && strcmp(slash + 1, LABELS_FILE) == 0)
            return fail(error,
                        "%s: the labels are in a folder, expected " LABELS_FILE
                        " at the top of %s: name the folder itself, or pack what is in it",
                        file_set_title(dataset->files, i, title), path);
    }
    return true;
}

static bool read_labels(Dataset *dataset, const char *path, Error *error) {
    char *text, title[512];
    size_t size;
    int64_t file = file_set_find(dataset->files, LABELS_FILE);
    if (file < 0) return check_no_labels_below(dataset, path, error);
    if (!file_set_read(dataset->files, file, MAX_LABELS_FILE, &text, &size, error)) return false;
    bool ok = labels_parse(text, size, file_set_title(dataset->files, file, title), dataset->count,
                           find_image, dataset, &dataset->labels, error);
    free(text);
    for (int64_t i = 0; ok && dataset->labels != NULL && i < dataset->count; i++)
        if (dataset->labels[i] >= dataset->label_dim) dataset->label_dim = dataset->labels[i] + 1;
    return ok;
}

/* The first image says what all of them are. */
static bool read_form(Dataset *dataset, Error *error) {
    char *data, title[512];
    size_t size;
    int64_t file = dataset->images[0];
    if (!file_set_read(dataset->files, file, 4ull * IMAGE_MAX_VALUES + FILE_SLACK, &data, &size, error))
        return false;
    bool ok = image_inspect(data, size, file_set_name(dataset->files, file),
                            file_set_title(dataset->files, file, title), &dataset->form, error);
    free(data);
    return ok;
}

static Dataset *finish_opening(Dataset *dataset, const char *path, Error *error) {
    if (dataset->files != NULL && list_images(dataset, path, error) &&
        read_labels(dataset, path, error) && read_form(dataset, error))
        return dataset;
    dataset_close(dataset);
    return NULL;
}

Dataset *dataset_open(const char *path, Error *error) {
    Dataset *dataset = calloc(1, sizeof *dataset);
    if (dataset == NULL) {
        fail(error, "%s: out of memory", path);
        return NULL;
    }
    dataset->files = file_set_open(path, error);
    return finish_opening(dataset, path, error);
}

void dataset_close(Dataset *dataset) {
    if (dataset == NULL) return;
    file_set_close(dataset->files);
    free(dataset->images);
    free(dataset->order);
    free(dataset->labels);
    free(dataset);
}

/* Not a result that was written beside the images. */
static bool is_part(const char *name) {
    return image_kind(name) == IMAGE_READABLE || strcmp(name, LABELS_FILE) == 0;
}

DatasetInfo dataset_info(const Dataset *dataset) {
    const ImageForm *form = &dataset->form;
    return (DatasetInfo){dataset->count,
                         form->h,
                         form->w,
                         form->c,
                         dataset->label_dim,
                         file_set_hash(dataset->files, is_part)};
}

/* ---- order -------------------------------------------------------------------------------------- */

bool dataset_shuffle(Dataset *dataset, uint64_t seed, Error *error) {
    if (dataset->order == NULL)
        dataset->order = malloc((size_t)dataset->count * sizeof *dataset->order);
    if (dataset->order == NULL)
        return fail(error, "out of memory for the order of %" PRId64 " images", dataset->count);
    for (int64_t i = 0; i < dataset->count; i++) dataset->order[i] = i;
    shuffle(dataset->order, dataset->count, seed);
    return true;
}

int64_t dataset_place(const Dataset *dataset, int64_t i) {
    return dataset->order != NULL ? dataset->order[i] : i;
}

const char *dataset_title(const Dataset *dataset, int64_t i, char text[512]) {
    return file_set_title(dataset->files, dataset->images[dataset_place(dataset, i)], text);
}

/* ---- reading ------------------------------------------------------------------------------------ */

static bool check_form(const Dataset *dataset, const ImageForm *form, const char *title, Error *error) {
    const ImageForm *first = &dataset->form;
    if (form->h != first->h || form->w != first->w || form->c != first->c)
        return fail(error,
                    "%s has %d x %d pixels of %d channels; the first image of the data set has %d x "
                    "%d of %d",
                    title, form->w, form->h, form->c, first->w, first->h, first->c);
    if (form->bytes != first->bytes)
        return fail(error, "%s holds %s; the first image of the data set holds %s", title,
                    form->bytes ? "bytes" : "float32", first->bytes ? "bytes" : "float32");
    return true;
}

static bool read_image(Dataset *dataset, int64_t file, size_t limit, float *values, Error *error) {
    char *data, title[512];
    size_t size;
    ImageForm form;
    const char *name = file_set_name(dataset->files, file);
    if (!file_set_read(dataset->files, file, limit, &data, &size, error)) return false;
    file_set_title(dataset->files, file, title);
    bool ok = image_inspect(data, size, name, title, &form, error) &&
              check_form(dataset, &form, title, error) &&
              image_decode(data, size, name, title, &form, values, error);
    free(data);
    return ok;
}

bool dataset_read(Dataset *dataset, int64_t first, int n, float *values, int32_t *labels,
                  Error *error) {
    const ImageForm *form = &dataset->form;
    size_t count = (size_t)form->h * (size_t)form->w * (size_t)form->c;
    /* What no image of this size needs is not read into memory. */
    size_t limit = 2 * count * (form->bytes ? 1 : sizeof *values) + FILE_SLACK;
    if (first < 0 || n < 0 || first > dataset->count - n)
        return fail(error, "images %" PRId64 " to %" PRId64 " of a data set of %" PRId64, first,
                    first + n - 1, dataset->count);
    for (int i = 0; i < n; i++) {
        const int64_t place = dataset_place(dataset, first + i);
        if (!read_image(dataset, dataset->images[place], limit, values + (size_t)i * count, error))
            return false;
        if (labels != NULL) labels[i] = dataset->labels != NULL ? dataset->labels[place] : -1;
    }
    return true;
}
