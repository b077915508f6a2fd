#include <stdlib.h>
#include <string.h>

#include "nets/weights.h"

typedef struct {
    WeightSource base;
    const Safetensors *file;
    bool *used; /* of each tensor in the file */
} FileSource;

/* The tensors are ordered by name. */
static int index_of(const Safetensors *file, const char *name) {
    int low = 0, high = safetensors_count(file) - 1;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (strcmp(safetensors_tensor(file, middle)->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool read_file_tensor(WeightSource *self, const char *name, int rank, const int64_t *shape,
                             float *values, Error *error) {
    FileSource *source = (FileSource *)self;
    const SafetensorsTensor *tensor = safetensors_expect(source->file, name, rank, shape, error);
    if (tensor == NULL) return false;
    source->used[index_of(source->file, name)] = true;
    return safetensors_read_floats(source->file, name, values, safetensors_elements(tensor), error);
}

static bool finish_file(WeightSource *self, Error *error) {
    const FileSource *source = (const FileSource *)self;
    for (int i = 0; i < safetensors_count(source->file); i++)
        if (!source->used[i])
            return fail(error,
                        "%s: tensor %s is no part of the network that the file's config describes",
                        safetensors_name(source->file), safetensors_tensor(source->file, i)->name);
    return true;
}

static void close_file(WeightSource *self) {
    FileSource *source = (FileSource *)self;
    free(source->used);
    free(source);
}

WeightSource *weights_from_file(const Safetensors *file, Error *error) {
    FileSource *source = calloc(1, sizeof *source);
    bool *used = calloc(safetensors_count(file) + 1, sizeof *used);
    if (source == NULL || used == NULL) {
        free(source);
        free(used);
        fail(error, "out of memory");
        return NULL;
    }
    *source = (FileSource){{read_file_tensor, finish_file, close_file}, file, used};
    return &source->base;
}
