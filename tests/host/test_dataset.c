/* io/dataset.h: what a data set's files say, batch by batch, and a reason for each file that is wrong.
 */
#include "io/dataset.h"

#include "io/file.h"
#include "io/labels.h"
#include "io/png.h"
#include "support/files.h"
#include "support/zip_writer.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { H = 6, W = 5, MAX_IMAGES = 40 };

/* The bytes of image i. */
static void make_pixels(int i, int count, uint8_t *pixels) {
    for (int j = 0; j < count; j++) pixels[j] = (uint8_t)(i * 53 + j * 7);
}

static float value_of(uint8_t byte) { return (float)(byte / 127.5f) - 1; }

/* A folder of `images` PNG files, "0/00.png" on, and dataset.json of that text (NULL: none). */
static const char *make_folder(const char *name, int images, int c, const char *labels) {
    Error error = {0};
    char path[512];
    uint8_t pixels[H * W * 3];
    snprintf(path, sizeof path, "%.300s/0", test_path(name));
    assert_true(make_directories(path, &error));
    for (int i = 0; i < images; i++) {
        make_pixels(i, H * W * c, pixels);
        snprintf(path, sizeof path, "%.300s/0/%02d.png", test_path(name), i);
        assert_true(png_write(path, pixels, H, W, c, &error));
    }
    snprintf(path, sizeof path, "%.300s/dataset.json", test_path(name));
    if (labels != NULL) write_bytes(path, labels, strlen(labels));
    return test_path(name);
}

static void put_file(const char *folder, const char *name, const void *data, size_t size) {
    char path[512];
    snprintf(path, sizeof path, "%.300s/%s", folder, name);
    write_bytes(path, data, size);
}

/* An NPY file of one [c,h,w]. */
static size_t make_npy(uint8_t *bytes, const char *type, int c, int h, int w, const void *data,
                       size_t size) {
    int length =
        sprintf((char *)bytes + 10,
                "{'descr': '%s', 'fortran_order': False, 'shape': (%d, %d, %d), }\n", type, c, h, w);
    memcpy(bytes, "\x93NUMPY\1\0", 8);
    bytes[8] = (uint8_t)length;
    bytes[9] = 0;
    memcpy(bytes + 10 + length, data, size);
    return 10 + (size_t)length + size;
}

static Dataset *open_well(const char *path) {
    Error error = {0};
    Dataset *dataset = dataset_open(path, &error);
    if (dataset == NULL) fail_msg("%s", error.text);
    return dataset;
}

static void expect_images(const float *values, int first, int n, int c) {
    uint8_t pixels[H * W * 3];
    for (int i = 0; i < n; i++) {
        make_pixels(first + i, H * W * c, pixels);
        for (int j = 0; j < H * W * c; j++)
            assert_true(values[i * H * W * c + j] == value_of(pixels[j]));
    }
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

/* ---- what is read ------------------------------------------------------------------------------- */

static void a_folder_with_labels(void **state) {
    (void)state;
    Error error = {0};
    const char *labels = "{\"labels\": [[\"0/02.png\", 0], [\"0/00.png\", 7], [\"0/01.png\", 3]]}";
    for (int c = 1; c <= 3; c += 2) {
        float values[3 * H * W * 3];
        int32_t read[3];
        Dataset *dataset = open_well(make_folder(c == 1 ? "gray" : "rgb", 3, c, labels));
        DatasetInfo info = dataset_info(dataset);
        assert_int_equal(info.images, 3);
        assert_int_equal(info.h, H);
        assert_int_equal(info.w, W);
        assert_int_equal(info.c, c);
        assert_int_equal(info.label_dim, 8);
        assert_true(dataset_read(dataset, 0, 3, values, read, &error));
        expect_images(values, 0, 3, c);
        assert_true(read[0] == 7 && read[1] == 3 && read[2] == 0);
        assert_true(dataset_read(dataset, 2, 1, values, NULL, &error));
        expect_images(values, 2, 1, c);
        assert_true(dataset_read(dataset, 3, 0, values, NULL, &error));
        assert_false(dataset_read(dataset, 2, 2, values, NULL, &error));
        expect_message(&error, "images 2 to 3 of a data set of 3", NULL);
        assert_false(dataset_read(dataset, -1, 1, values, NULL, &error));
        dataset_close(dataset);
    }
}

static void no_labels(void **state) {
    (void)state;
    Error error = {0};
    const char *texts[] = {NULL, "{}", "{\"labels\": null}", "{\"labels\": null, \"more\": [1]}"};
    for (int i = 0; i < 4; i++) {
        float value[H * W];
        int32_t label = 5;
        Dataset *dataset = open_well(make_folder("unlabelled", 1, 1, texts[i]));
        assert_int_equal(dataset_info(dataset).label_dim, 0);
        assert_true(dataset_read(dataset, 0, 1, value, &label, &error));
        assert_int_equal(label, -1);
        dataset_close(dataset);
    }
}

static void an_archive(void **state) {
    (void)state;
    Error error = {0};
    uint8_t pixels[H * W];
    char name[3][16];
    ZipEntry entries[5] = {{.name = "dataset.json",
                            .data = "{\"labels\": [[\"2.png\",1],[\"1.png\",0],[\"0.png\",1]]}",
                            .size = 50},
                           {.name = "readme.txt", .data = "hello", .size = 5}};
    entries[0].size = strlen(entries[0].data);
    for (int i = 0; i < 3; i++) {
        uint8_t *png;
        make_pixels(2 - i, H * W, pixels);
        assert_true(png_encode(pixels, H, W, 1, &png, &entries[2 + i].size, &error));
        snprintf(name[i], sizeof name[i], "%d.png", 2 - i);
        entries[2 + i].name = name[i];
        entries[2 + i].data = png;
    }
    zip_write(test_path("set.zip"), entries, 5);
    Dataset *dataset = open_well(test_path("set.zip"));
    float values[3 * H * W];
    int32_t labels[3];
    assert_int_equal(dataset_info(dataset).images, 3);
    assert_int_equal(dataset_info(dataset).label_dim, 2);
    assert_true(dataset_read(dataset, 0, 3, values, labels, &error));
    expect_images(values, 0, 3, 1);
    assert_true(labels[0] == 1 && labels[1] == 0 && labels[2] == 1);
    dataset_close(dataset);
    for (int i = 0; i < 3; i++) free((void *)entries[2 + i].data);
}

/* [c,h,w] in the file is [h,w,c] here. */
static void arrays(void **state) {
    (void)state;
    Error error = {0};
    uint8_t file[1024], bytes[2 * 3 * 4];
    float floats[2 * 3 * 4], values[2 * 2 * 3 * 4];
    for (int i = 0; i < 24; i++) {
        bytes[i] = (uint8_t)(10 * i);
        floats[i] = (float)(i * i) * 0.3f - 7;
    }
    assert_true(make_directories(test_path("bytes"), &error));
    assert_true(make_directories(test_path("floats"), &error));
    put_file(test_path("bytes"), "a.npy", file, make_npy(file, "|u1", 2, 3, 4, bytes, 24));
    for (int i = 0; i < 2; i++)
        put_file(test_path("floats"), i == 0 ? "a.npy" : "b.NPY", file,
                 make_npy(file, "<f4", 2, 3, 4, floats, sizeof floats));
    for (int f = 0; f < 2; f++) {
        Dataset *dataset = open_well(test_path(f ? "floats" : "bytes"));
        DatasetInfo info = dataset_info(dataset);
        assert_true(info.h == 3 && info.w == 4 && info.c == 2 && info.images == 1 + f);
        assert_true(dataset_read(dataset, 0, 1 + f, values, NULL, &error));
        for (int i = 0; i < 24 * (1 + f); i++) {
            int from = i % 2 * 12 + i % 24 / 2;
            assert_true(values[i] == (f ? floats[from] : value_of(bytes[from])));
        }
        dataset_close(dataset);
    }
    floats[5] = NAN;
    put_file(test_path("floats"), "b.NPY", file, make_npy(file, "<f4", 2, 3, 4, floats, sizeof floats));
    Dataset *dataset = open_well(test_path("floats"));
    assert_false(dataset_read(dataset, 0, 2, values, NULL, &error));
    expect_message(&error, test_path("floats/b.NPY"), "value 5 is not a finite number", NULL);
    dataset_close(dataset);
}

static void every_byte_is_torch_s_value(void **state) {
    (void)state;
    Error error = {0};
    uint8_t file[1024], bytes[256];
    float values[256];
    for (int i = 0; i < 256; i++) bytes[i] = (uint8_t)i;
    assert_true(make_directories(test_path("all"), &error));
    put_file(test_path("all"), "a.npy", file, make_npy(file, "|u1", 1, 16, 16, bytes, 256));
    Dataset *dataset = open_well(test_path("all"));
    assert_true(dataset_read(dataset, 0, 1, values, NULL, &error));
    assert_true(values[0] == -1 && values[255] == 1);
    /* From PyTorch: torch.tensor([1, 100, 127, 128, 200.]) / 127.5 - 1. */
    assert_true(values[1] == -0.992156863f && values[100] == -0.215686262f);
    assert_true(values[127] == -0.00392156839f && values[128] == 0.00392162800f);
    assert_true(values[200] == 0.568627477f);
    dataset_close(dataset);
}

/* ---- ahead and in parallel ---------------------------------------------------------------------- */

static void batches_come_in_order(void **state) {
    (void)state;
    Error error = {0};
    const float *values;
    const int32_t *labels;
    Dataset *dataset = open_well(make_folder("batches", MAX_IMAGES, 1, NULL));
    static const int sizes[] = {1, 3, 7, 40, 1000};
    for (int s = 0; s < 5; s++)
        for (int first = 0; first <= 5; first += 5) {
            int count = MAX_IMAGES - 2 * first, at = first, n;
            DatasetReader *reader = dataset_reader_create(dataset, first, count, sizes[s], &error);
            assert_non_null(reader);
            while ((n = dataset_reader_next(reader, &values, &labels, &error)) > 0) {
                assert_int_equal(n, sizes[s] < first + count - at ? sizes[s] : first + count - at);
                expect_images(values, at, n, 1);
                assert_int_equal(labels[n - 1], -1);
                at += n;
            }
            assert_int_equal(n, 0);
            assert_int_equal(at, first + count);
            assert_int_equal(dataset_reader_next(reader, &values, &labels, &error), 0);
            dataset_reader_destroy(reader);
        }
    DatasetReader *reader = dataset_reader_create(dataset, 3, 0, 4, &error);
    assert_int_equal(dataset_reader_next(reader, &values, NULL, &error), 0);
    dataset_reader_destroy(reader);
    assert_null(dataset_reader_create(dataset, 30, 11, 4, &error));
    expect_message(&error, "images 30 to 40", "of a data set of 40", NULL);
    assert_null(dataset_reader_create(dataset, 0, 4, 0, &error));
    expect_message(&error, "in batches of 0", NULL);
    dataset_reader_destroy(NULL);
    dataset_close(dataset);
}

/* Left before its end, while it is reading or waits for room. */
static void a_reader_may_be_left(void **state) {
    (void)state;
    Error error = {0};
    Dataset *dataset = open_well(make_folder("left", MAX_IMAGES, 1, NULL));
    for (int taken = 0; taken < 8; taken++) {
        const float *values;
        DatasetReader *reader = dataset_reader_create(dataset, 0, MAX_IMAGES, 2, &error);
        for (int i = 0; i < taken; i++) {
            assert_int_equal(dataset_reader_next(reader, &values, NULL, &error), 2);
            if (taken % 2 == 1) usleep(200);
            expect_images(values, 2 * i, 2, 1);
        }
        dataset_reader_destroy(reader);
    }
    dataset_close(dataset);
}

typedef struct {
    Dataset *dataset;
    int first;
    bool ok;
} Share;

static void *read_share(void *argument) {
    Share *share = argument;
    Error error = {0};
    float values[H * W];
    uint8_t pixels[H * W];
    share->ok = true;
    for (int i = 0; i < 200; i++) {
        int image = (share->first + 7 * i) % MAX_IMAGES;
        share->ok &= dataset_read(share->dataset, image, 1, values, NULL, &error);
        make_pixels(image, H * W, pixels);
        for (int j = 0; j < H * W; j++) share->ok &= values[j] == value_of(pixels[j]);
    }
    return NULL;
}

static void threads_may_share_an_archive(void **state) {
    (void)state;
    Error error = {0};
    ZipEntry entries[MAX_IMAGES] = {0};
    char names[MAX_IMAGES][16];
    for (int i = 0; i < MAX_IMAGES; i++) {
        uint8_t pixels[H * W], *png;
        make_pixels(i, H * W, pixels);
        assert_true(png_encode(pixels, H, W, 1, &png, &entries[i].size, &error));
        snprintf(names[i], sizeof names[i], "%03d.png", i);
        entries[i].name = names[i];
        entries[i].data = png;
    }
    zip_write(test_path("shared.zip"), entries, MAX_IMAGES);
    for (int i = 0; i < MAX_IMAGES; i++) free((void *)entries[i].data);
    Dataset *dataset = open_well(test_path("shared.zip"));
    pthread_t threads[4];
    Share shares[4];
    for (int i = 0; i < 4; i++) {
        shares[i] = (Share){dataset, i, false};
        assert_int_equal(pthread_create(&threads[i], NULL, read_share, &shares[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(shares[i].ok);
    }
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
    Error error = {0};
    uint8_t pixels[H * W], *png;
    size_t size;
    ZipEntry entries[4] = {{.name = "0.png"}, {.name = "1.png"}, {.name = "2.png"}};
    for (int i = 0; i < 3; i++) {
        make_pixels(i, H * W, pixels);
        assert_true(png_encode(pixels, H, W, 1, &png, &size, &error));
        entries[i].data = png;
        entries[i].size = size;
    }
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
        cmocka_unit_test(a_folder_with_labels),
        cmocka_unit_test(no_labels),
        cmocka_unit_test(an_archive),
        cmocka_unit_test(arrays),
        cmocka_unit_test(every_byte_is_torch_s_value),
        cmocka_unit_test(batches_come_in_order),
        cmocka_unit_test(a_reader_may_be_left),
        cmocka_unit_test(threads_may_share_an_archive),
        cmocka_unit_test(images_that_are_wrong),
        cmocka_unit_test(a_bomb_among_the_images),
        cmocka_unit_test(sets_that_are_none),
        cmocka_unit_test(labels_that_are_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
