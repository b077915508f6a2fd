/* Any bytes as a PNG: refused with a message, or decoded within the size that its header says. */
#include <stdlib.h>
#include <string.h>

#include "../support/checksums.h"
#include "io/png_read.h"

static void expect(int condition) {
    if (!condition) abort();
}

static void try_bytes(const uint8_t *data, size_t size) {
    Error error = {0};
    PngInfo info;
    if (!png_inspect(data, size, "fuzz", &info, &error)) {
        expect(error.text[0] != '\0');
        return;
    }
    size_t count = (size_t)info.height * (size_t)info.width * (size_t)info.channels;
    expect(count > 0 && count / 1032 <= size);
    if (count > 1 << 16) return; /* large images take long */
    uint8_t *pixels = malloc(count);
    expect(png_decode(data, size, "fuzz", pixels, &error) || error.text[0] != '\0');
    free(pixels);
}

/* With their checksums mended too, to get at what is behind them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_bytes(data, size);
    uint8_t *mended = malloc(size + !size);
    memcpy(mended, data, size);
    mend_png(mended, size);
    try_bytes(mended, size);
    free(mended);
    return 0;
}
