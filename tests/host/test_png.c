/* io/png.h and io/png_queue.h, decoded again by stb_image. */
#include "io/png_queue.h"

#include "io/file.h"
#include "io/png.h"
#include "support/files.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Unused functions are told at the end of the file, so this holds for all of it. */
#pragma GCC diagnostic ignored "-Wunused-function"
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_PNG
#define STBI_NO_SIMD
#include <stb/stb_image.h>

/* Half noise, half gradient, so that every row filter has its turn. */
static uint8_t *make_pixels(int h, int w, int c, unsigned seed) {
    uint8_t *pixels = malloc((size_t)h * (size_t)w * (size_t)c);
    for (int i = 0; i < h * w * c; i++) {
        seed = seed * 1664525u + 1013904223u;
        pixels[i] = (uint8_t)(i / c % w < w / 2 ? seed >> 24 : (unsigned)(i / 7));
    }
    return pixels;
}

static void expect_image(const uint8_t *decoded, int width, int height, int channels,
                         const uint8_t *pixels, int h, int w, int c) {
    assert_non_null(decoded);
    assert_int_equal(height, h);
    assert_int_equal(width, w);
    assert_int_equal(channels, c);
    assert_memory_equal(decoded, pixels, (size_t)h * (size_t)w * (size_t)c);
}

static void encodes_without_loss(void **state) {
    (void)state;
    static const int shapes[][3] = {{1, 1, 1},   {1, 1, 3},   {64, 64, 3},
                                    {33, 17, 3}, {5, 100, 1}, {300, 1, 3}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        Error error = {0};
        int h = shapes[i][0], w = shapes[i][1], c = shapes[i][2], width, height, channels;
        uint8_t *pixels = make_pixels(h, w, c, 7), *png;
        size_t size;
        assert_true(png_encode(pixels, h, w, c, &png, &size, &error));
        uint8_t *decoded = stbi_load_from_memory(png, (int)size, &width, &height, &channels, 0);
        expect_image(decoded, width, height, channels, pixels, h, w, c);
        stbi_image_free(decoded);
        free(png);
        free(pixels);
    }
}

static void refuses_what_is_no_image(void **state) {
    (void)state;
    Error error = {0};
    uint8_t pixel[4] = {0}, *png;
    size_t size;
    assert_false(png_encode(pixel, 1, 1, 4, &png, &size, &error));
    assert_null(png);
    expect_message(&error, "1 x 1 pixels with 4 channels", NULL);
    assert_false(png_encode(pixel, 0, 1, 3, &png, &size, &error));
    expect_message(&error, "1 x 0 pixels", NULL);
    assert_false(png_encode(pixel, INT_MAX, INT_MAX, 3, &png, &size, &error));
    expect_message(&error, "too large", NULL);
    assert_false(png_write(test_path("x.png"), pixel, 1, 1, 4, &error));
    expect_message(&error, "x.png", "4 channels", NULL);
    assert_false(png_write(test_path("absent/x.png"), pixel, 1, 1, 3, &error));
    expect_message(&error, "absent/x.png", "No such file", NULL);
}

static void tells_whole_files_from_others(void **state) {
    (void)state;
    Error error = {0};
    uint8_t *pixels = make_pixels(9, 8, 3, 5), *png;
    size_t size;
    const char *path = test_path("part.png");
    assert_false(png_is_whole(path));
    assert_true(png_encode(pixels, 9, 8, 3, &png, &size, &error));
    for (size_t length = 0; length < size; length++) {
        write_bytes(path, png, length);
        assert_false(png_is_whole(path));
    }
    write_bytes(path, png, size);
    assert_true(png_is_whole(path));
    memset(png + size / 2, 0, size - size / 2);
    write_bytes(path, png, size);
    assert_false(png_is_whole(path));
    memset(png, 0, size / 2);
    write_bytes(path, png, size);
    assert_false(png_is_whole(path));
    unlink(path);
    free(png);
    free(pixels);
}

static void the_queue_writes_every_image(void **state) {
    (void)state;
    enum { COUNT = 40, H = 24, W = 20 };
    Error error = {0};
    char name[32];
    PngQueue *queue = png_queue_create(3, 2, &error);
    assert_non_null(queue);
    for (unsigned i = 0; i < COUNT; i++) {
        uint8_t *pixels = make_pixels(H, W, 3, i);
        snprintf(name, sizeof name, "%03u.png", i);
        assert_true(png_queue_put(queue, test_path(name), pixels, H, W, 3, &error));
        free(pixels); /* the queue has its own copy */
    }
    assert_true(png_queue_finish(queue, &error));
    assert_string_equal(error.text, "");
    assert_int_equal(count_entries(test_path("")), COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        int width, height, channels;
        uint8_t *pixels = make_pixels(H, W, 3, i);
        snprintf(name, sizeof name, "%03u.png", i);
        uint8_t *decoded = stbi_load(test_path(name), &width, &height, &channels, 0);
        expect_image(decoded, width, height, channels, pixels, H, W, 3);
        stbi_image_free(decoded);
        free(pixels);
        unlink(test_path(name));
    }
}

/* The folder of the images is missing: put, whose queue is full at some time, must neither hang nor go
 * on for ever, and the message is that of the first image. */
static void the_queue_keeps_the_first_error(void **state) {
    (void)state;
    Error error = {0};
    uint8_t pixels[3] = {1, 2, 3};
    PngQueue *queue = png_queue_create(1, 2, &error);
    assert_non_null(queue);
    assert_true(png_queue_put(queue, test_path("absent/first.png"), pixels, 1, 1, 3, &error));
    bool ok = true;
    for (int i = 0; ok && i < 1000000; i++) {
        ok = png_queue_put(queue, test_path("absent/next.png"), pixels, 1, 1, 3, &error);
    }
    assert_false(ok);
    expect_message(&error, "absent/first.png", "No such file", NULL);
    assert_false(png_queue_put(queue, test_path("fine.png"), pixels, 1, 1, 3, &error));
    expect_message(&error, "absent/first.png", NULL);
    assert_false(png_queue_finish(queue, &error));
    expect_message(&error, "absent/first.png", "No such file", NULL);
    assert_false(file_exists(test_path("fine.png")));
}

static void an_error_of_the_last_image_is_reported(void **state) {
    (void)state;
    Error error = {0};
    uint8_t pixels[4] = {1, 2, 3, 4};
    PngQueue *queue = png_queue_create(2, 4, &error);
    assert_true(png_queue_put(queue, test_path("bad.png"), pixels, 1, 1, 4, &error));
    assert_false(png_queue_finish(queue, &error));
    expect_message(&error, "bad.png", "4 channels", NULL);

    queue = png_queue_create(2, 4, &error);
    assert_false(png_queue_put(queue, test_path("empty.png"), pixels, 0, 1, 3, &error));
    expect_message(&error, "empty.png", "1 x 0 pixels", NULL);
    assert_true(png_queue_finish(queue, &error)); /* that image never was in the queue */
    assert_true(png_queue_finish(NULL, &error));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_without_loss),
        cmocka_unit_test(refuses_what_is_no_image),
        cmocka_unit_test(tells_whole_files_from_others),
        cmocka_unit_test(the_queue_writes_every_image),
        cmocka_unit_test(the_queue_keeps_the_first_error),
        cmocka_unit_test(an_error_of_the_last_image_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
