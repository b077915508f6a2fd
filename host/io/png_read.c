#include "io/png_read.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "io/foreign.h"

/* Deflate makes at most 1032 bytes out of one. */
enum { DEFLATE_MAX_RATIO = 1032 };

/* ---- the header --------------------------------------------------------------------------------- */

static uint32_t big_endian(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static const char *color_name(int color) {
    switch (color) {
        case PNG_COLOR_TYPE_GRAY:
            return "gray";
        case PNG_COLOR_TYPE_RGB:
            return "RGB";
        case PNG_COLOR_TYPE_PALETTE:
            return "palette";
        case PNG_COLOR_TYPE_GRAY_ALPHA:
            return "gray with alpha";
        case PNG_COLOR_TYPE_RGB_ALPHA:
            return "RGB with alpha";
        default:
            return "unknown";
    }
}

bool png_inspect(const void *data, size_t size, const char *name, PngInfo *info, Error *error) {
    static const uint8_t begin[] = {137, 'P', 'N', 'G', 13,  10,  26,  10,
                                    0,   0,   0,   13,  'I', 'H', 'D', 'R'};
    const uint8_t *bytes = data;
    if (size < 8 || memcmp(bytes, begin, 8) != 0)
        return fail(error, "%s is not a PNG file: it does not begin with PNG's signature", name) ||
               fail_as_foreign(name, data, size, "a PNG image", error);
    if (size < 33) return fail(error, "%s is cut short: it has only %zu bytes", name, size);
    if (memcmp(bytes, begin, sizeof begin) != 0)
        return fail(error, "%s is not a valid PNG file: it does not begin with a header chunk", name);
    uint32_t width = big_endian(bytes + 16), height = big_endian(bytes + 20);
    int depth = bytes[24], color = bytes[25];
    if (depth != 8 || (color != PNG_COLOR_TYPE_GRAY && color != PNG_COLOR_TYPE_RGB))
        return fail(error, "%s is a PNG of %d bits, %s; expected 8 bits, gray or RGB: convert it first",
                    name, depth, color_name(color));
    if (width < 1 || height < 1 || width > PNG_MAX_SIDE || height > PNG_MAX_SIDE)
        return fail(error, "%s is a PNG of %u x %u pixels; expected 1 to %d a side", name, width,
                    height, PNG_MAX_SIDE);
    info->height = (int)height;
    info->width = (int)width;
    info->channels = color == PNG_COLOR_TYPE_RGB ? 3 : 1;
    unsigned long long unpacked = (unsigned long long)height * width * (unsigned)info->channels;
    if (unpacked / DEFLATE_MAX_RATIO > size)
        return fail(error, "%s claims %u x %u pixels, more than its %zu bytes can hold", name, width,
                    height, size);
    return true;
}

/* ---- the pixels --------------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *data;
    size_t size, at;
    const char *name;
    PngInfo info;
    uint8_t *pixels;
    png_bytep *rows;
    png_structp png;
    png_infop png_info;
    Error *error;
} Decoder;

static void read_bytes(png_structp png, png_bytep target, size_t count) {
    Decoder *decoder = png_get_io_ptr(png);
    if (count > decoder->size - decoder->at) png_error(png, "it is cut short");
    memcpy(target, decoder->data + decoder->at, count);
    decoder->at += count;
}

static void on_error(png_structp png, png_const_charp message) {
    Decoder *decoder = png_get_error_ptr(png);
    fail(decoder->error, "%s is not a valid PNG file: %.100s", decoder->name, message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

/* Everything that libpng may leave by longjmp; what it changes lies in *decoder. */
static bool decode(Decoder *decoder) {
    png_structp png = decoder->png;
    if (setjmp(png_jmpbuf(png)) != 0) return false;
    png_set_read_fn(png, decoder, read_bytes);
    png_set_user_limits(png, PNG_MAX_SIDE, PNG_MAX_SIDE);
    /* Skips the ancillary chunks, compressed profiles and texts among them. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_read_info(png, decoder->png_info);
    png_read_image(png, decoder->rows);
    png_read_end(png, NULL);
    return true;
}

static bool decode_with_memory(Decoder *decoder) {
    size_t stride = (size_t)decoder->info.width * (size_t)decoder->info.channels;
    decoder->rows = calloc((size_t)decoder->info.height, sizeof *decoder->rows);
    if (decoder->rows != NULL)
        decoder->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, decoder, on_error, on_warning);
    if (decoder->png != NULL) decoder->png_info = png_create_info_struct(decoder->png);
    if (decoder->png_info == NULL)
        return fail(decoder->error, "%s: out of memory for reading it", decoder->name);
    for (int y = 0; y < decoder->info.height; y++)
        decoder->rows[y] = decoder->pixels + (size_t)y * stride;
    return decode(decoder);
}

bool png_decode(const void *data, size_t size, const char *name, uint8_t *pixels, Error *error) {
    Decoder decoder = {.data = data, .size = size, .name = name, .pixels = pixels, .error = error};
    if (!png_inspect(data, size, name, &decoder.info, error)) return false;
    bool ok = decode_with_memory(&decoder);
    if (decoder.png != NULL) png_destroy_read_struct(&decoder.png, &decoder.png_info, NULL);
    free(decoder.rows);
    return ok;
}
