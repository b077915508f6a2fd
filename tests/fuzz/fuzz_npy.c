/* Any bytes as an NPY file: refused with a message, or an image within bounds. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "io/image.h"

static void expect(int condition) {
    if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Error error = {0};
    ImageForm form;
    if (!image_inspect(data, size, "x.npy", "fuzz", &form, &error)) {
        expect(error.text[0] != '\0');
        return 0;
    }
    size_t count = (size_t)form.h * (size_t)form.w * (size_t)form.c;
    expect(count > 0 && count * (form.bytes ? 1 : 4) < size);
    float *values = malloc(count * sizeof *values);
    if (image_decode(data, size, "x.npy", "fuzz", &form, values, &error)) {
        for (size_t i = 0; i < count; i++) expect(isfinite(values[i]));
        for (size_t i = 0; form.bytes && i < count; i++) expect(fabsf(values[i]) <= 1);
    } else {
        expect(error.text[0] != '\0' && !form.bytes);
    }
    free(values);
    return 0;
}
