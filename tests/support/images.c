#include "support/images.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/png.h"
#include "support/files.h"

#include <cmocka.h>

void make_pixels(int i, int count, uint8_t *pixels) {
    for (int j = 0; j < count; j++) pixels[j] = (uint8_t)(i * 53 + j * 7);
}

float value_of(uint8_t byte) { return (float)(byte / 127.5f) - 1; }

uint8_t *make_png(int i, int c, size_t *size) {
    Error error = {0};
    uint8_t pixels[IMAGE_H * IMAGE_W * 3], *png;
    make_pixels(i, IMAGE_H * IMAGE_W * c, pixels);
    assert_true(png_encode(pixels, IMAGE_H, IMAGE_W, c, &png, size, &error));
    return png;
}

const char *make_folder(const char *name, int images, int c, const char *labels) {
    Error error = {0};
    char path[512];
    snprintf(path, sizeof path, "%.300s/0", test_path(name));
    assert_true(make_directories(path, &error));
    for (int i = 0; i < images; i++) {
        size_t size;
        uint8_t *png = make_png(i, c, &size);
        snprintf(path, sizeof path, "%.300s/0/%02d.png", test_path(name), i);
        write_bytes(path, png, size);
        free(png);
    }
    snprintf(path, sizeof path, "%.300s/dataset.json", test_path(name));
    if (labels != NULL) write_bytes(path, labels, strlen(labels));
    return test_path(name);
}

void put_file(const char *folder, const char *name, const void *data, size_t size) {
    char path[512];
    snprintf(path, sizeof path, "%.300s/%s", folder, name);
    write_bytes(path, data, size);
}

size_t make_npy(uint8_t *bytes, const char *type, int c, int h, int w, const void *data, size_t size) {
    int length =
        sprintf((char *)bytes + 10,
                "{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d, %d), }\n", type, c, h, w);
    memcpy(bytes, "\x93NUMPY\1\0", 8);
    bytes[8] = (uint8_t)length;
    bytes[9] = 0;
    memcpy(bytes + 10 + length, data, size);
    return 10 + (size_t)length + size;
}

void expect_images(const float *values, int first, int n, int c) {
    uint8_t pixels[IMAGE_H * IMAGE_W * 3];
    for (int i = 0; i < n; i++) {
        make_pixels(first + i, IMAGE_H * IMAGE_W * c, pixels);
        for (int j = 0; j < IMAGE_H * IMAGE_W * c; j++)
            assert_true(values[i * IMAGE_H * IMAGE_W * c + j] == value_of(pixels[j]));
    }
}
