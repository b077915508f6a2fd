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

/* What most changes break is mended, to get at what lies behind: a header of some small size, and the
 * checksums. */
static void mend(uint8_t *png, size_t size) {
    static const uint8_t begin[] = {137, 'P', 'N', 'G', 13,  10,  26,  10,
                                    0,   0,   0,   13,  'I', 'H', 'D', 'R'};
    if (size < 33) return;
    memcpy(png, begin, sizeof begin);
    memset(png + 16, 0, 3);
    memset(png + 20, 0, 3);
    png[19] = 1 + png[19] % 64;
    png[23] = 1 + png[23] % 64;
    png[24] = 8;
    png[25] &= 2; /* gray or RGB */
    png[26] = png[27] = 0;
    png[28] &= 1; /* interlaced or not */
    mend_png(png, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_bytes(data, size);
    uint8_t *mended = malloc(size + !size);
    memcpy(mended, data, size);
    mend(mended, size);
    try_bytes(mended, size);
    free(mended);
    return 0;
}
