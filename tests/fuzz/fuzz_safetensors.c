/* Any bytes as a safetensors file: refused with a message, or every value of it can be read. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "io/safetensors.h"

static void expect(int condition) {
    if (!condition) abort();
}

static void read_everything(const Safetensors *file) {
    for (int i = 0; i < safetensors_count(file); i++) {
        const SafetensorsTensor *tensor = safetensors_tensor(file, i);
        expect(safetensors_find(file, tensor->name) == tensor);
        size_t count = (size_t)safetensors_elements(tensor);
        char text[256];
        expect(strlen(safetensors_shape_text(tensor, text)) < 256);
        int64_t *integers = malloc(8 * count + 1);
        float *floats = malloc(4 * count + 1);
        Error error = {0};
        bool read = safetensors_read_integers(file, tensor->name, integers, count, &error) ||
                    safetensors_read_floats(file, tensor->name, floats, count, &error);
        expect(read || tensor->type == SAFETENSORS_U64);
        free(integers);
        free(floats);
    }
    safetensors_metadata(file, "config");
}

static void try_bytes(const uint8_t *data, size_t size) {
    Error error = {0};
    Safetensors *file = safetensors_parse(data, size, "fuzz", &error);
    if (file != NULL)
        read_everything(file);
    else
        expect(error.text[0] != '\0');
    safetensors_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_bytes(data, size);
    /* Most changes of the bytes break the length of the header: mend it, to get at what is behind it.
     */
    uint64_t length;
    if (size < sizeof length) return 0;
    memcpy(&length, data, sizeof length);
    if (length <= size - sizeof length) return 0;
    const uint8_t *end = memchr(data + sizeof length, 0, size - sizeof length);
    length = (end != NULL ? (size_t)(end - data) : size) - sizeof length;
    uint8_t *mended = malloc(size);
    memcpy(mended, data, size);
    memcpy(mended, &length, sizeof length);
    try_bytes(mended, size);
    free(mended);
    return 0;
}
