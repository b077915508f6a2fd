/* io/png_read.h: every value of what io/png.h and libpng write, and a reason for everything else. */
#include "io/png_read.h"

#include "io/png.h"
#include "support/checksums.h"
#include "support/files.h"

#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    uint8_t *data;
    size_t size;
} Bytes;

static void append(png_structp png, png_bytep data, size_t size) {
    Bytes *bytes = png_get_io_ptr(png);
    bytes->data = realloc(bytes->data, bytes->size + size);
    assert_non_null(bytes->data);
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void flush(png_structp png) { (void)png; }

/* A PNG of any kind by libpng; rows of the noise of a generator. */
static Bytes make_png(int h, int w, int depth, int color, int interlace, int filter) {
    Bytes bytes = {0};
    unsigned seed = 5;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &bytes, append, flush);
    png_set_IHDR(png, info, (unsigned)w, (unsigned)h, depth, color, interlace, 0, 0);
    png_color palette[256] = {{1, 2, 3}, {4, 5, 6}};
    png_color_16 transparent = {.gray = 7, .red = 7, .green = 7, .blue = 7};
    png_text text = {.compression = PNG_TEXT_COMPRESSION_zTXt, .key = "Comment", .text = "words"};
    if (color == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 256);
    if (depth == 8 && (color == PNG_COLOR_TYPE_GRAY || color == PNG_COLOR_TYPE_RGB))
        png_set_tRNS(png, info, NULL, 0, &transparent);
    png_set_gAMA(png, info, 0.25);
    png_set_text(png, info, &text, 1);
    png_set_filter(png, 0, filter);
    png_write_info(png, info);
    size_t stride = png_get_rowbytes(png, info);
    uint8_t *pixels = malloc(stride * (size_t)h);
    png_bytep *rows = calloc((size_t)h, sizeof *rows);
    for (size_t i = 0; i < stride * (size_t)h; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(i % 11 < 4 ? seed >> 24 : i / 3);
    }
    for (int y = 0; y < h; y++) rows[y] = pixels + (size_t)y * stride;
    png_write_image(png, rows);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    free(rows);
    bytes.data = realloc(bytes.data, bytes.size + stride * (size_t)h);
    memcpy(bytes.data + bytes.size, pixels, stride * (size_t)h); /* for the test, behind the file */
    free(pixels);
    return bytes;
}

static void expect_pixels(const uint8_t *png, size_t size, const uint8_t *pixels, int h, int w, int c) {
    Error error = {0};
    PngInfo info;
    assert_true(png_inspect(png, size, "x.png", &info, &error));
    assert_int_equal(info.height, h);
    assert_int_equal(info.width, w);
    assert_int_equal(info.channels, c);
    size_t count = (size_t)h * (size_t)w * (size_t)c;
    uint8_t *read = malloc(count);
    if (!png_decode(png, size, "x.png", read, &error)) fail_msg("%s", error.text);
    assert_memory_equal(read, pixels, count);
    free(read);
}

/* In a copy of exactly its size, so that the sanitizer sees a read beyond its end. */
static void refused(const uint8_t *png, size_t size, const char *reason) {
    Error error = {0};
    uint8_t *copy = malloc(size + !size), *pixels = malloc(1 << 16);
    memcpy(copy, png, size);
    assert_false(png_decode(copy, size, "evil.png", pixels, &error));
    expect_message(&error, "evil.png", reason, NULL);
    free(pixels);
    free(copy);
}

/* ---- what is read ------------------------------------------------------------------------------- */

static void reads_what_is_written_here(void **state) {
    (void)state;
    static const int shapes[][3] = {{1, 1, 1}, {1, 1, 3}, {64, 64, 3}, {33, 17, 3}, {5, 100, 1}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        Error error = {0};
        int h = shapes[i][0], w = shapes[i][1], c = shapes[i][2];
        uint8_t *pixels = malloc((size_t)(h * w * c)), *png;
        size_t size;
        for (int j = 0; j < h * w * c; j++) pixels[j] = (uint8_t)(j % 97 * 31 >> (j % 3));
        assert_true(png_encode(pixels, h, w, c, &png, &size, &error));
        expect_pixels(png, size, pixels, h, w, c);
        free(png);
        free(pixels);
    }
}

/* Gamma, text and transparency change no value. */
static void reads_every_filter_and_interlacing(void **state) {
    (void)state;
    static const int filters[] = {PNG_FILTER_NONE, PNG_FILTER_SUB, PNG_FILTER_UP, PNG_FILTER_AVG,
                                  PNG_FILTER_PAETH};
    for (int i = 0; i < 5; i++)
        for (int c = 1; c <= 3; c += 2)
            for (int interlace = 0; interlace < 2; interlace++) {
                Bytes png = make_png(19, 13, 8, c == 1 ? 0 : 2, interlace, filters[i]);
                expect_pixels(png.data, png.size, png.data + png.size, 19, 13, c);
                free(png.data);
            }
}

/* ---- what is not -------------------------------------------------------------------------------- */

static void other_kinds_are_refused_by_name(void **state) {
    (void)state;
    static const struct {
        int depth, color;
        const char *name;
    } kinds[] = {{16, 0, "16 bits, gray;"},          {1, 0, "1 bits, gray;"},
                 {16, 2, "16 bits, RGB;"},           {8, 3, "8 bits, palette;"},
                 {8, 4, "8 bits, gray with alpha;"}, {8, 6, "8 bits, RGB with alpha;"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        Bytes png = make_png(4, 4, kinds[i].depth, kinds[i].color, 0, PNG_FILTER_NONE);
        refused(png.data, png.size, kinds[i].name);
        free(png.data);
    }
    refused((const uint8_t *)"\xff\xd8\xff\xe0 JFIF", 9, "a JPEG image, expected a PNG image");
    refused((const uint8_t *)"", 0, "signature");
}

/* Cut at every byte. */
static void a_file_cut_short_is_refused(void **state) {
    (void)state;
    Bytes png = make_png(9, 7, 8, 2, 0, PNG_FILTER_PAETH);
    for (size_t size = 0; size < png.size; size++)
        refused(png.data, size, size < 8 ? "signature" : "cut short");
    free(png.data);
}

/* Every byte of what has a checksum, in a file without ancillary chunks (whose bytes do not matter). */
static void a_changed_byte_is_seen(void **state) {
    (void)state;
    Error error = {0};
    uint8_t pixels[5 * 4], *png, read[1 << 12];
    size_t size;
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * 37);
    assert_true(png_encode(pixels, 5, 4, 1, &png, &size, &error));
    for (size_t i = 0; i < size; i++) {
        PngInfo info;
        png[i] ^= 1;
        if (png_inspect(png, size, "x", &info, &error) &&
            info.height * info.width * info.channels <= (int)sizeof read)
            assert_false(png_decode(png, size, "x", read, &error));
        png[i] ^= 1;
    }
    free(png);
}

static void set_number(uint8_t *bytes, uint32_t value) {
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Sizes of the header that the data do not bear out, with right checksums. */
static void sizes_that_lie_are_refused(void **state) {
    (void)state;
    static const struct {
        uint32_t width, height;
        const char *reason;
    } lies[] = {{0, 9, "0 x 9 pixels; expected 1 to 16384"},
                {7, 0, "7 x 0 pixels"},
                {0xffffffff, 9, "4294967295 x 9 pixels"},
                {16385, 1, "16385 x 1 pixels"},
                {16384, 16384, "more than its"},
                {7, 10, "Not enough image data"},
                {8, 9, "not a valid PNG file"}};
    Bytes png = make_png(9, 7, 8, 2, 0, PNG_FILTER_NONE);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        set_number(png.data + 16, lies[i].width);
        set_number(png.data + 20, lies[i].height);
        mend_png(png.data, png.size);
        refused(png.data, png.size, lies[i].reason);
    }
    free(png.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_written_here),
        cmocka_unit_test(reads_every_filter_and_interlacing),
        cmocka_unit_test(other_kinds_are_refused_by_name),
        cmocka_unit_test(a_file_cut_short_is_refused),
        cmocka_unit_test(a_changed_byte_is_seen),
        cmocka_unit_test(sizes_that_lie_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
