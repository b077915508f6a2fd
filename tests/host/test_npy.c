/* io/npy.h: the headers that NumPy writes, and a reason for everything else. */
#include "io/npy.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A file of that header, `values` bytes (0, 1, 2, ...) after it; in a block of exactly its size. */
static uint8_t *make_npy(int version, const char *header, size_t values, size_t *size) {
    size_t length = strlen(header), begin = version == 1 ? 10 : 12;
    uint8_t *bytes = malloc(begin + length + values);
    memcpy(bytes, "\x93NUMPY", 6);
    bytes[6] = (uint8_t)version;
    bytes[7] = 0;
    for (size_t i = 8; i < begin; i++) bytes[i] = (uint8_t)(length >> 8 * (i - 8));
    memcpy(bytes + begin, header, length);
    for (size_t i = 0; i < values; i++) bytes[begin + length + i] = (uint8_t)i;
    *size = begin + length + values;
    return bytes;
}

#define HEADER(TYPE, ORDER, SHAPE) \
    "{'descr': '" TYPE "', 'fortran_order': " ORDER ", 'shape': (" SHAPE "), }      \n"

static void accepted(int version, const char *header, size_t values, NpyType type, int c, int h,
                     int w) {
    Error error = {0};
    NpyImage image;
    size_t size;
    uint8_t *bytes = make_npy(version, header, values, &size);
    if (!npy_parse(bytes, size, "x.npy", &image, &error)) fail_msg("%s", error.text);
    assert_int_equal(image.type, type);
    assert_int_equal(image.c, c);
    assert_int_equal(image.h, h);
    assert_int_equal(image.w, w);
    assert_ptr_equal(image.data + values, bytes + size);
    assert_int_equal(image.data[1], 1);
    free(bytes);
}

static void refused(const char *header, size_t values, const char *reason) {
    for (int version = 1; version <= 2; version++) {
        Error error = {0};
        NpyImage image;
        size_t size;
        uint8_t *bytes = make_npy(version, header, values, &size);
        assert_false(npy_parse(bytes, size, "evil.npy", &image, &error));
        expect_message(&error, "evil.npy", reason, NULL);
        free(bytes);
    }
}

static void reads_what_numpy_writes(void **state) {
    (void)state;
    for (int version = 1; version <= 2; version++) {
        accepted(version, HEADER("|u1", "False", "3, 2, 4"), 24, NPY_UINT8, 3, 2, 4);
        accepted(version, HEADER("<f4", "False", "4, 2, 1"), 32, NPY_FLOAT32, 4, 2, 1);
        accepted(version, "{\"shape\":(2,1,1,),\"descr\":\"<f4\",\"fortran_order\":False}", 8,
                 NPY_FLOAT32, 2, 1, 1);
    }
}

static void other_types_are_refused_by_name(void **state) {
    (void)state;
    refused(HEADER("<f8", "False", "3, 2, 4"), 192, "values of the type '<f8'; expected");
    refused(HEADER("<f2", "False", "3, 2, 4"), 48, "the type '<f2'");
    refused(HEADER(">f4", "False", "3, 2, 4"), 96, "the type '>f4'");
    refused(HEADER("<i8", "False", "3, 2, 4"), 192, "the type '<i8'");
    refused(HEADER("|b1", "False", "3, 2, 4"), 24, "the type '|b1'");
    refused(HEADER("|O", "False", "3, 2, 4"), 24, "the type '|O'");
    refused(HEADER("|u1", "True", "3, 2, 4"), 24, "Fortran's order");
}

static void other_shapes_are_refused(void **state) {
    (void)state;
    refused(HEADER("|u1", "False", ""), 1, "the shape []; expected [channels,height,width]");
    refused(HEADER("|u1", "False", "24,"), 24, "the shape [24]");
    refused(HEADER("|u1", "False", "1, 3, 2, 4"), 24, "the shape [1,3,2,4]");
    refused(HEADER("|u1", "False", "0, 2, 4"), 0, "expected 1 to 1024 channels");
    refused(HEADER("|u1", "False", "3, 2, 16385"), 24, "and 1 to 16384 a side");
    refused(HEADER("|u1", "False", "1025, 1, 1"), 1025, "[1025,1,1]");
    refused(HEADER("<f4", "False", "1024, 16384, 16384"), 24, "its shape needs 1099511627776");
    refused(HEADER("|u1", "False", "3, 2, 4"), 23, "has 23 bytes of values; its shape needs 24");
    refused(HEADER("|u1", "False", "3, 2, 4"), 25, "has 25 bytes of values; its shape needs 24");
}

static void headers_of_something_else_are_refused(void **state) {
    (void)state;
    static const char *const headers[] = {
        "",
        "{",
        "{}",
        "{'descr'",
        "{'descr':",
        "{'descr': '|u1",
        HEADER("|u1", "False", "3, 2, 4") "x",
        HEADER("|u1", "Maybe", "3, 2, 4"),
        HEADER("|u1", "False", "3, 2 4"),
        HEADER("|u1", "False", "3, 2, -4"),
        HEADER("|u1", "False", "3, 2, 4L"),
        HEADER("|u1", "False", "3, 2, 99999999999999999999"),
        HEADER("|u1", "False", "1,1,1,1,1,1,1,1,1"),
        HEADER("|u1", "False", "24"),
        HEADER("\\x3f", "False", "3, 2, 4"),
        HEADER("a type too long to be one", "False", "3, 2, 4"),
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 2, 4), }",
        "{'descr': '|u1', 'fortran_order': False, }",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (3, 2, 4), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2, 4), 'more': 1}",
        "{'descr': '|u1' 'fortran_order': False, 'shape': (3, 2, 4), }"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        refused(headers[i], 24, "is not that of a plain array");
    char *spaces = malloc(5001);
    memset(spaces, ' ', 5000);
    spaces[5000] = '\0';
    refused(spaces, 24, "a header of 5000 bytes; at most 4096");
    free(spaces);
}

static void a_file_cut_short_is_refused(void **state) {
    (void)state;
    for (int version = 1; version <= 3; version++) {
        size_t size;
        uint8_t *bytes = make_npy(version, HEADER("|u1", "False", "3, 2, 4"), 24, &size);
        for (size_t cut = 0; cut < size; cut++) {
            Error error = {0};
            NpyImage image;
            uint8_t *copy = malloc(cut + !cut);
            memcpy(copy, bytes, cut);
            assert_false(npy_parse(copy, cut, "evil.npy", &image, &error));
            expect_message(&error, "evil.npy",
                           cut < 8           ? "signature"
                           : version == 3    ? "version 3.0; expected 1.0 or 2.0"
                           : cut < size - 24 ? "cut short"
                                             : "bytes of values",
                           NULL);
            free(copy);
        }
        free(bytes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_numpy_writes),
        cmocka_unit_test(other_types_are_refused_by_name),
        cmocka_unit_test(other_shapes_are_refused),
        cmocka_unit_test(headers_of_something_else_are_refused),
        cmocka_unit_test(a_file_cut_short_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
