/* io/dataset.h: a reason for each file of a data set that is wrong, and nothing written. */
#include "io/dataset.h"

#include "io/file.h"
#include "io/png.h"
#include "support/files.h"
#include "support/images.h"
#include "support/zip_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { H = IMAGE_H, W = IMAGE_W };

static Dataset *open_well(const char *path) {
    Error error = {0};
    Dataset *dataset = dataset_open(path, &error);
    if (dataset == NULL) fail_msg("%s", error.text);
    return dataset;
}

static void open_refused(const char *path, const char *reason) {
    Error error = {0};
    int before = count_entries(test_path(""));
    assert_null(dataset_open(path, &error));
    expect_message(&error, path, reason, NULL);
    assert_int_equal(count_entries(test_path("")), before);
}

/* Images 0 to 2 are well; reading all, `reason` stops it. */
static void read_refused(const char *path, const char *file, const char *reason) {
    Error error = {0};
    Dataset *dataset = open_well(path);
    int n = (int)dataset_info(dataset).images;
    float *values = malloc((size_t)n * H * W * 3 * sizeof *values);
    assert_true(dataset_read(dataset, 0, 3, values, NULL, &error));
    expect_images(values, 0, 3, 1);
    assert_false(dataset_read(dataset, 0, n, values, NULL, &error));
    expect_message(&error, path, file, reason, NULL);

    const float *batch;
    const int32_t *labels;
    DatasetReader *reader = dataset_reader_create(dataset, 0, n, 3, &error);
    assert_int_equal(dataset_reader_next(reader, &batch, &labels, &error), 3);
    expect_images(batch, 0, 3, 1);
    for (int i = 0; i < 2; i++) { /* the error stays */
        assert_int_equal(dataset_reader_next(reader, &batch, &labels, &error), -1);
        expect_message(&error, path, file, reason, NULL);
    }
    dataset_reader_destroy(reader);
    free(values);
    dataset_close(dataset);
}

/* ---- what is refused ---------------------------------------------------------------------------- */

static void images_that_are_wrong(void **state) {
    (void)state;
    Error error = {0};
    uint8_t pixels[1 << 16] = {0}, *png, npy[1024];
    size_t size;
    char name[16];
    for (int i = 0; i < 7; i++) {
        snprintf(name, sizeof name, "wrong%d", i);
        const char *path = make_folder(name, 3, 1, NULL);
        make_pixels(3, H * W, pixels);
        assert_true(png_encode(pixels, H, i == 1 ? W + 1 : W, i == 2 ? 3 : 1, &png, &size, &error));
        size_t length = make_npy(npy, "<f4", 1, H, W, pixels, H * W * 4);
        if (i == 0) {
            put_file(path, "0/03.png", png, size - 20);
            read_refused(path, "0/03.png", "cut short");
        } else if (i == 1) {
            put_file(path, "0/03.png", png, size);
            read_refused(path, "0/03.png", "6 x 6 pixels of 1 channels; the first image");
        } else if (i == 2) {
            put_file(path, "0/03.png", png, size);
            read_refused(path, "0/03.png", "5 x 6 pixels of 3 channels; the first image");
        } else if (i == 3) {
            put_file(path, "0/03.npy", npy, length);
            read_refused(path, "0/03.npy",
                         "holds float32; the first image of the data set holds bytes");
        } else if (i == 4) {
            put_file(path, "0/03.npy", npy, make_npy(npy, "<f8", 1, 2, 2, pixels, 32));
            read_refused(path, "0/03.npy", "values of the type '<f8'");
        } else if (i == 5) {
            put_file(path, "0/03.png", "\xff\xd8 this is a JPEG", 17);
            read_refused(path, "0/03.png", "not a PNG file");
        } else {
            uint8_t *large = calloc(2 << 20, 1);
            put_file(path, "0/03.png", large, 2 << 20);
            read_refused(path, "0/03.png", "2097152 bytes long, more than the");
            free(large);
        }
        free(png);
    }
}

static void a_bomb_among_the_images(void **state) {
    (void)state;
    ZipEntry entries[4] = {{.name = "0.png"}, {.name = "1.png"}, {.name = "2.png"}};
    for (int i = 0; i < 3; i++) entries[i].data = make_png(i, 1, &entries[i].size);
    entries[3] = (ZipEntry){.name = "3.png",
                            .data = entries[0].data,
                            .size = entries[0].size,
                            .method = 8,
                            .unpacked = 0xfffffff0u};
    zip_write(test_path("bomb.zip"), entries, 4);
    read_refused(test_path("bomb.zip"), "3.png", "4294967280 bytes long, more than the");
    for (int i = 0; i < 3; i++) free((void *)entries[i].data);
}

static void sets_that_are_none(void **state) {
    (void)state;
    Error error = {0};
    open_refused(test_path("absent"), "No such file");
    assert_true(make_directories(test_path("none"), &error));
    open_refused(test_path("none"), "has no images (PNG or NPY) in it");
    put_file(test_path("none"), "a.txt", "a", 1);
    open_refused(test_path("none"), "has no images");
    put_file(test_path("none"), "a.JPG", "a", 1);
    open_refused(test_path("none"), "a.JPG is neither PNG nor NPY: convert the images first");
    assert_true(make_directories(test_path("first"), &error));
    put_file(test_path("first"), "a.png", "a", 1);
    open_refused(test_path("first"), "a.png is not a PNG file");
    write_bytes(test_path("no.zip"), "hello", 5);
    open_refused(test_path("no.zip"), "cannot be read as a ZIP file");
    const ZipEntry outside = {.name = "../a.png", .data = "x", .size = 1};
    zip_write(test_path("outside.zip"), &outside, 1);
    open_refused(test_path("outside.zip"), "leaves the archive");
    dataset_close(NULL);
}

/* As `zip -r set.zip set` packs them, or a folder too high up: the labels would be missing. */
static void labels_below_the_top(void **state) {
    (void)state;
    ZipEntry entries[3] = {{.name = "set/0.png"},
                           {.name = "set/dataset.json", .data = "{}", .size = 2}};
    entries[0].data = make_png(0, 1, &entries[0].size);
    zip_write(test_path("below.zip"), entries, 2);
    open_refused(test_path("below.zip"), "below.zip: set/dataset.json: the labels are in a folder");
    open_refused(test_path("below.zip"), "expected dataset.json at the top of ");
    /* Those at the top are the ones that count. */
    entries[2] = (ZipEntry){.name = "dataset.json", .data = "{\"labels\": [[\"set/0.png\", 4]]}"};
    entries[2].size = strlen(entries[2].data);
    zip_write(test_path("both.zip"), entries, 3);
    Error error = {0};
    Dataset *dataset = dataset_open(test_path("both.zip"), &error);
    assert_non_null(dataset);
    assert_int_equal(dataset_info(dataset).label_dim, 5);
    dataset_close(dataset);
    free((void *)entries[0].data);
    make_folder("outer/inner", 1, 1, "{}");
    open_refused(test_path("outer"), "outer/inner/dataset.json: the labels are in a folder");
}

static void labels_that_are_wrong(void **state) {
    (void)state;
    static const struct {
        const char *labels, *reason;
    } cases[] = {
        {"[[\"0/00.png\", 1]]", "1 labels for 2 images"},
        {"[]", "0 labels for 2 images"},
        {"[[\"0/00.png\", 1], [\"0/02.png\", 1]]", "label for '0/02.png', but no such image"},
        {"[[\"0/00.png\", 1], [\"dataset.json\", 1]]", "label for 'dataset.json', but no such image"},
        {"[[\"0/00.png\", 1], [\"0/00.png\", 1]]", "'0/00.png' has two labels"},
        {"[[\"0/00.png\", -1]]", "label of '0/00.png' is -1; expected 0 to 999999"},
        {"[[\"0/00.png\", 1000000]]", "is 1000000; expected 0 to 999999"},
        {"[[\"0/00.png\", 99999999999999999999]]", "too big integer"},
        {"[[\"0/00.png\", 1.0]]", "is not a whole number"},
        {"[[\"0/00.png\", \"1\"]]", "is not a whole number"},
        {"[[\"0/00.png\", [0.0, 1.0]]]", "is a list; expected the number of its class"},
        {"[[\"0/00.png\"]]", "labels[0] is not [name, label]"},
        {"[[\"0/00.png\", 1, 2]]", "labels[0] is not [name, label]"},
        {"[[1, \"0/00.png\"]]", "labels[0] is not [name, label]"},
        {"[1]", "labels[0] is not [name, label]"},
        {"{\"0/00.png\": 1}", "'labels' is neither a list nor null"},
        {"[[\"0/00.png\", 1]", "line 1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"labels\": %s}", cases[i].labels);
        const char *path = make_folder("labels", 2, 1, text);
        open_refused(path, cases[i].reason);
        open_refused(path, "/dataset.json");
    }
    open_refused(make_folder("labels", 2, 1, "[]"), "expected an object");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_that_are_wrong), cmocka_unit_test(a_bomb_among_the_images),
        cmocka_unit_test(sets_that_are_none),    cmocka_unit_test(labels_below_the_top),
        cmocka_unit_test(labels_that_are_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
