/* The spectrum of a curve as a safetensors file (curve.h). */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schedule/curve.h"

char *spectrum_path(const char *curve_path) {
    static const char ending[] = ".json";
    const size_t length = strlen(curve_path), cut = sizeof ending - 1;
    const bool ends = length > cut && strcmp(curve_path + length - cut, ending) == 0;
    char *path;
    const int stem = (int)(ends ? length - cut : length);
    return asprintf(&path, "%.*s.spectrum.safetensors", stem, curve_path) >= 0 ? path : NULL;
}

void spectrum_free(Spectrum *spectrum) {
    free(spectrum->sigma);
    free(spectrum->power);
    free(spectrum->amplitude);
    *spectrum = (Spectrum){0};
}

static bool allocate(Spectrum *spectrum, const int64_t *shape, const char *name, Error *error) {
    int64_t directions = 1;
    for (int i = 0; i < 4; i++) {
        if (i > 0 && shape[i] <= INT_MAX) directions *= shape[i];
        if (shape[i] < 1 || shape[i] > INT_MAX || directions > INT_MAX)
            return fail(error,
                        "%s: the tensor 'power' is empty, or has more than %d levels or "
                        "directions",
                        name, INT_MAX);
    }
    *spectrum = (Spectrum){.levels = (int)shape[0],
                           .directions = (int)directions,
                           .c = (int)shape[1],
                           .h = (int)shape[2],
                           .w = (int)shape[3]};
    spectrum->sigma = malloc((size_t)spectrum->levels * sizeof(double));
    spectrum->power = malloc((size_t)spectrum->levels * spectrum->directions * sizeof(float));
    spectrum->amplitude = malloc((size_t)spectrum->directions * sizeof(float));
    return (spectrum->sigma != NULL && spectrum->power != NULL && spectrum->amplitude != NULL) ||
           fail(error, "out of memory for the spectrum %s", name);
}

/* In double if the file has them so, else from float32. */
static bool read_levels(Spectrum *spectrum, const Safetensors *file, Error *error) {
    const SafetensorsTensor *tensor =
        safetensors_expect(file, "sigma", 1, (int64_t[]){spectrum->levels}, error);
    if (tensor == NULL) return false;
    if (tensor->type == SAFETENSORS_F64) {
        memcpy(spectrum->sigma, tensor->data, (size_t)spectrum->levels * sizeof(double));
        return true;
    }
    float *levels = malloc((size_t)spectrum->levels * sizeof(float));
    const bool ok =
        levels != NULL ? safetensors_read_floats(file, "sigma", levels, (size_t)spectrum->levels, error)
                       : fail(error, "out of memory for %s", safetensors_name(file));
    for (int i = 0; ok && i < spectrum->levels; i++) spectrum->sigma[i] = levels[i];
    free(levels);
    return ok;
}

static bool check_floats(const float *values, size_t count, const char *name, const char *tensor,
                         Error *error) {
    for (size_t i = 0; i < count; i++)
        if (!(values[i] >= 0 && isfinite(values[i])))
            return fail(error,
                        "%s: value %zu of the tensor '%s' is %g, expected a finite number, not "
                        "negative",
                        name, i, tensor, values[i]);
    return true;
}

static bool read_tensors(Spectrum *s, const Safetensors *file, Error *error) {
    const char *name = safetensors_name(file);
    const size_t directions = (size_t)s->directions, values = directions * (size_t)s->levels;
    const int64_t shape[] = {s->c, s->h, s->w};
    return safetensors_expect(file, "amplitude", 3, shape, error) != NULL &&
           read_levels(s, file, error) && curve_check_levels(s->sigma, s->levels, name, error) &&
           safetensors_read_floats(file, "power", s->power, values, error) &&
           check_floats(s->power, values, name, "power", error) &&
           safetensors_read_floats(file, "amplitude", s->amplitude, directions, error) &&
           check_floats(s->amplitude, directions, name, "amplitude", error);
}

bool spectrum_parse(Spectrum *spectrum, const Safetensors *file, Error *error) {
    static const int64_t any[] = {-1, -1, -1, -1};
    *spectrum = (Spectrum){0};
    const SafetensorsTensor *power = safetensors_expect(file, "power", 4, any, error);
    const bool ok = power != NULL && allocate(spectrum, power->shape, safetensors_name(file), error) &&
                    read_tensors(spectrum, file, error);
    if (!ok) spectrum_free(spectrum);
    return ok;
}

bool spectrum_read(Spectrum *spectrum, const char *path, Error *error) {
    *spectrum = (Spectrum){0};
    Safetensors *file = safetensors_open(path, error);
    if (file == NULL) return false;
    const bool ok = spectrum_parse(spectrum, file, error);
    safetensors_close(file);
    return ok;
}

bool spectrum_write(const Spectrum *s, const char *path, Error *error) {
    const SafetensorsTensor tensors[] = {
        {"power", SAFETENSORS_F32, 4, {s->levels, s->c, s->h, s->w}, s->power},
        {"amplitude", SAFETENSORS_F32, 3, {s->c, s->h, s->w}, s->amplitude},
        {"sigma", SAFETENSORS_F64, 1, {s->levels}, s->sigma}};
    return safetensors_write(path, tensors, sizeof tensors / sizeof *tensors, NULL, 0, error);
}
