#include "io/png.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb/stb_image_write.h>
#pragma GCC diagnostic pop

bool png_encode(const uint8_t *pixels, int height, int width, int channels, uint8_t **png, size_t *size,
                Error *error) {
    *png = NULL;
    *size = 0;
    if ((channels != 1 && channels != 3) || height < 1 || width < 1)
        return fail(error, "cannot make a PNG of %d x %d pixels with %d channels", width, height,
                    channels);
    /* The encoder counts in int, and its output may be a little longer than its input. */
    long long row = (long long)width * channels + 1;
    if (row > INT_MAX / 2 || row * height > INT_MAX / 2)
        return fail(error, "an image of %d x %d pixels is too large for the PNG encoder", width,
                    height);
    int length = 0;
    *png = stbi_write_png_to_mem(pixels, width * channels, width, height, channels, &length);
    if (*png == NULL) return fail(error, "out of memory for a PNG of %d x %d pixels", width, height);
    *size = (size_t)length;
    return true;
}

/* A chunk tEXt, which stands behind the header. */
enum { SHEET_CHUNK_PLACE = 33 };
static const uint8_t sheet_chunk[] = "\0\0\0\x0ftEXtSoftware\0kairos";

bool png_is_sheet(const void *head, size_t size) {
    const size_t length = sizeof sheet_chunk - 1;
    return size >= SHEET_CHUNK_PLACE + length &&
           memcmp((const uint8_t *)head + SHEET_CHUNK_PLACE, sheet_chunk, length) == 0;
}

bool png_write_sheet(const char *path, const uint8_t *pixels, int height, int width, int channels,
                     Error *error) {
    enum { CHUNK = sizeof sheet_chunk - 1 };
    uint8_t *png, check[4], chunk[CHUNK];
    size_t size;
    Error reason = {0};
    if (!png_encode(pixels, height, width, channels, &png, &size, &reason))
        return fail(error, "%s: %.900s", path, reason.text);
    AtomicFile *file = atomic_file_begin(path, error);
    if (file != NULL) {
        memcpy(chunk, sheet_chunk, CHUNK);
        const uint32_t crc = stbiw__crc32(chunk + 4, CHUNK - 4); /* of type and text */
        for (int i = 0; i < 4; i++) check[i] = (uint8_t)(crc >> (24 - 8 * i));
        atomic_file_write(file, png, SHEET_CHUNK_PLACE);
        atomic_file_write(file, chunk, CHUNK);
        atomic_file_write(file, check, sizeof check);
        atomic_file_write(file, png + SHEET_CHUNK_PLACE, size - SHEET_CHUNK_PLACE);
    }
    free(png);
    return file != NULL && atomic_file_commit(file, false, error);
}

bool png_write(const char *path, const uint8_t *pixels, int height, int width, int channels,
               Error *error) {
    uint8_t *png;
    size_t size;
    Error reason = {0};
    if (!png_encode(pixels, height, width, channels, &png, &size, &reason))
        return fail(error, "%s: %.900s", path, reason.text);
    bool ok = write_file_atomically(path, png, size, error);
    free(png);
    return ok;
}

bool png_is_whole(const char *path) {
    static const unsigned char begin[8] = "\x89PNG\r\n\x1a\n";
    static const unsigned char end[12] = "\0\0\0\0IEND\xae\x42\x60\x82"; /* the last chunk */
    unsigned char found[sizeof begin + sizeof end];
    /* Not to wait for the writer of a pipe. */
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "rb") : NULL;
    if (file == NULL) return false;
    const bool whole =
        fread(found, sizeof begin, 1, file) == 1 && fseek(file, -(long)sizeof end, SEEK_END) == 0 &&
        fread(found + sizeof begin, sizeof end, 1, file) == 1 &&
        memcmp(found, begin, sizeof begin) == 0 && memcmp(found + sizeof begin, end, sizeof end) == 0;
    fclose(file);
    return whole;
}
