/* io/dataset.h: what a data set's files say, batch by batch. */
#include "io/dataset.h"

#include "io/file.h"
#include "io/shuffle.h"
#include "support/files.h"
#include "support/images.h"
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

enum { H = IMAGE_H, W = IMAGE_W, MAX_IMAGES = 40 };

static Dataset *open_well(const char *path) {
    Error error = {0};
    Dataset *dataset = dataset_open(path, &error);
    if (dataset == NULL) fail_msg("%s", error.text);
    return dataset;
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
    char name[3][16];
    ZipEntry entries[5] = {{.name = "dataset.json",
                            .data = "{\"labels\": [[\"2.png\",1],[\"1.png\",0],[\"0.png\",1]]}",
                            .size = 50},
                           {.name = "readme.txt", .data = "hello", .size = 5}};
    entries[0].size = strlen(entries[0].data);
    for (int i = 0; i < 3; i++) {
        snprintf(name[i], sizeof name[i], "%d.png", 2 - i);
        entries[2 + i].name = name[i];
        entries[2 + i].data = make_png(2 - i, 1, &entries[2 + i].size);
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

/* ---- in a random order -------------------------------------------------------------------------- */

/* Image i of the shuffled set is that of its place, with its label; the reader follows. */
static void a_shuffled_set(void **state) {
    (void)state;
    enum { N = 10 };
    Error error = {0};
    const char *labels =
        "{\"labels\": [[\"0/00.png\", 0], [\"0/01.png\", 1], [\"0/02.png\", 2], [\"0/03.png\", 3], "
        "[\"0/04.png\", 4], [\"0/05.png\", 5], [\"0/06.png\", 6], [\"0/07.png\", 7], "
        "[\"0/08.png\", 8], [\"0/09.png\", 9]]}";
    Dataset *dataset = open_well(make_folder("shuffled", N, 1, labels));
    const uint64_t hash = dataset_info(dataset).hash;
    int64_t orders[3][N], sum = 0;
    for (int s = 0; s < 3; s++) { /* seeds 0, 1 and 2^32, which is 0 */
        assert_true(dataset_shuffle(dataset, s < 2 ? (uint64_t)s : 1ull << 32, &error));
        for (int i = 0; i < N; i++) orders[s][i] = dataset_place(dataset, i);
    }
    assert_memory_not_equal(orders[0], orders[1], sizeof orders[0]);
    assert_memory_equal(orders[0], orders[2], sizeof orders[0]);
    assert_true(dataset_info(dataset).hash == hash);
    float value[H * W];
    int32_t label;
    char title[512], name[16];
    for (int i = 0; i < N; i++) {
        const int place = (int)dataset_place(dataset, i);
        assert_true(dataset_read(dataset, i, 1, value, &label, &error));
        expect_images(value, place, 1, 1);
        assert_int_equal(label, place);
        snprintf(name, sizeof name, "0/%02d.png", place);
        assert_non_null(strstr(dataset_title(dataset, i, title), name));
        sum += 1 << place;
    }
    assert_int_equal(sum, (1 << N) - 1);
    const float *values;
    const int32_t *read;
    DatasetReader *reader = dataset_reader_create(dataset, 4, N - 4, 4, &error);
    assert_int_equal(dataset_reader_next(reader, &values, &read, &error), 4);
    for (int i = 0; i < 4; i++) assert_int_equal(read[i], orders[2][4 + i]);
    dataset_reader_destroy(reader);
    dataset_close(dataset);
}

/* Every value is as likely in every place: chi-squared of the places of 8 values over 8,000 seeds. */
static void orders_are_evenly_likely(void **state) {
    (void)state;
    enum { N = 8, SEEDS = 8000 };
    int counts[N][N] = {0};
    double chi = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        int64_t values[N];
        for (int i = 0; i < N; i++) values[i] = i;
        shuffle(values, N, seed);
        for (int i = 0; i < N; i++) counts[i][values[i]]++;
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) chi += pow(counts[i][j] - SEEDS / N, 2) / (SEEDS / N);
    print_message("chi-squared %.1f, of 49 degrees of freedom\n", chi);
    assert_true(chi < 85 && chi > 23); /* each beyond 1 in 1,000 */
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
    for (int i = 0; i < 2000; i++) {
        int image = (share->first + 7 * i) % MAX_IMAGES;
        share->ok &= dataset_read(share->dataset, image, 1, values, NULL, &error);
        make_pixels(image, H * W, pixels);
        for (int j = 0; j < H * W; j++) share->ok &= values[j] == value_of(pixels[j]);
    }
    return NULL;
}

static void threads_may_share_an_archive(void **state) {
    (void)state;
    ZipEntry entries[MAX_IMAGES] = {0};
    char names[MAX_IMAGES][16];
    for (int i = 0; i < MAX_IMAGES; i++) {
        snprintf(names[i], sizeof names[i], "%03d.png", i);
        entries[i].name = names[i];
        entries[i].data = make_png(i, 1, &entries[i].size);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_with_labels),
        cmocka_unit_test(no_labels),
        cmocka_unit_test(an_archive),
        cmocka_unit_test(arrays),
        cmocka_unit_test(every_byte_is_torch_s_value),
        cmocka_unit_test(a_shuffled_set),
        cmocka_unit_test(orders_are_evenly_likely),
        cmocka_unit_test(batches_come_in_order),
        cmocka_unit_test(a_reader_may_be_left),
        cmocka_unit_test(threads_may_share_an_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
