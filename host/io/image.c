#include "io/image.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/npy.h"
#include "io/png_read.h"

static const char *extension(const char *name) {
    const char *slash = strrchr(name, '/'), *dot = strrchr(name, '.');
    return dot == NULL || (slash != NULL && dot < slash) ? "" : dot;
}

static bool is_npy(const char *name) { return strcasecmp(extension(name), ".npy") == 0; }

ImageKind image_kind(const char *name) {
    static const char *const others[] = {".jpg", ".jpeg", ".jpe", ".webp", ".bmp", ".gif",
                                         ".tif", ".tiff", ".ppm", ".pgm",  ".jp2", ".avif"};
    const char *end = extension(name);
    if (is_npy(name) || strcasecmp(end, ".png") == 0) return IMAGE_READABLE;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(end, others[i]) == 0) return IMAGE_OTHER;
    return IMAGE_NONE;
}

bool image_inspect(const void *data, size_t size, const char *name, const char *title, ImageForm *form,
                   Error *error) {
    if (is_npy(name)) {
        NpyImage image;
        if (!npy_parse(data, size, title, &image, error)) return false;
        *form = (ImageForm){image.h, image.w, image.c, image.type == NPY_UINT8};
    } else {
        PngInfo info;
        if (!png_inspect(data, size, title, &info, error)) return false;
        *form = (ImageForm){info.height, info.width, info.channels, true};
    }
    if ((long long)form->h * form->w * form->c > IMAGE_MAX_VALUES)
        return fail(error, "%s has %d x %d pixels of %d channels: more than %d values", title, form->w,
                    form->h, form->c, IMAGE_MAX_VALUES);
    return true;
}

/* As PyTorch's x.float() / 127.5 - 1: rounded to float32 twice. */
static float value_of_byte(uint8_t byte) {
    float quotient = (float)byte / 127.5f;
    return quotient - 1.0f;
}

static bool decode_npy(const void *data, size_t size, const char *title, float *values, Error *error) {
    NpyImage image;
    if (!npy_parse(data, size, title, &image, error)) return false;
    size_t plane = (size_t)image.h * (size_t)image.w, channels = (size_t)image.c;
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < plane; i++) {
            size_t from = c * plane + i;
            float value;
            if (image.type == NPY_UINT8)
                value = value_of_byte(image.data[from]);
            else
                memcpy(&value, image.data + from * sizeof value, sizeof value);
            if (!isfinite(value))
                return fail(error, "%s: value %zu is not a finite number", title, from);
            values[i * channels + c] = value;
        }
    return true;
}

static bool decode_png(const void *data, size_t size, const char *title, const ImageForm *form,
                       float *values, Error *error) {
    size_t count = (size_t)form->h * (size_t)form->w * (size_t)form->c;
    uint8_t *pixels = malloc(count);
    if (pixels == NULL) return fail(error, "%s: out of memory for its %zu values", title, count);
    bool ok = png_decode(data, size, title, pixels, error);
    for (size_t i = 0; ok && i < count; i++) values[i] = value_of_byte(pixels[i]);
    free(pixels);
    return ok;
}

bool image_decode(const void *data, size_t size, const char *name, const char *title,
                  const ImageForm *form, float *values, Error *error) {
    return is_npy(name) ? decode_npy(data, size, title, values, error)
                        : decode_png(data, size, title, form, values, error);
}
