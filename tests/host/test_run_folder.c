/* io/run_folder.h: which files are a run's images, and that a run's folder holds nothing else. */
#include "support/files.h"

#include "io/run_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "io/file.h"
#include "io/file_set.h"

#include <cmocka.h>

static void expect_name(uint64_t seed, bool subdirs, const char *expected) {
    char name[RUN_NAME];
    run_image_name(seed, subdirs, name);
    assert_string_equal(name, expected);
    assert_true(run_is_image(name));
}

static void names_of_images(void **state) {
    (void)state;
    expect_name(7, false, "000007.png");
    expect_name(1234567, false, "1234567.png");
    expect_name(7, true, "000000/000007.png");
    expect_name(2001, true, "002000/002001.png");
    expect_name(UINT64_MAX, true, "18446744073709551000/18446744073709551615.png");
    const char *const others[] = {"",
                                  "7.png",
                                  "0000007.png",
                                  "000007.PNG",
                                  "000007.npy",
                                  "000007",
                                  "000007.png.png",
                                  "-00007.png",
                                  "grid.png",
                                  "000000/000007",
                                  "001000/000007.png",
                                  "a/000007.png",
                                  "000000/",
                                  "000000/g.png",
                                  "/000007.png",
                                  " 000007.png",
                                  "000007 png",
                                  "0x0007.png",
                                  "000000/000000/000007.png"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_false(run_is_image(others[i]));
    assert_true(run_is_subdir("000000"));
    assert_true(run_is_subdir("1234000"));
    const char *const folders[] = {"", "0", "000001", "0001000", "sheets", "000000/", "000000x"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        assert_false(run_is_subdir(folders[i]));
}

static void put(const char *folder, const char *name) {
    char path[512];
    Error error = {""};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_true(make_directories_above(path, &error));
    write_bytes(path, "x", 1);
}

static void expect_files(const char *folder, int count, const char *const *names) {
    Error error = {""};
    FileSet *set = file_set_open(folder, &error);
    assert_non_null(set);
    assert_int_equal(file_set_count(set), count);
    for (int i = 0; i < count; i++) assert_string_equal(file_set_name(set, i), names[i]);
    file_set_close(set);
}

/* Neither sheets nor the images of another run below; without a run.json everything. */
static void a_run_holds_its_images(void **state) {
    (void)state;
    const char *folder = test_path("run");
    const char *const own[] = {"000000/000003.png", "000007.png", "dataset.json"};
    for (int i = 0; i < 3; i++) put(folder, own[i]);
    put(folder, "grid.png");
    put(folder, "000000/grid.png");
    put(folder, "demo/000009.png");
    put(folder, "001000/001001.png");
    put(folder, "001000/run.json");
    const char *const all[] = {"000000/000003.png", "000000/grid.png", "000007.png",
                               "001000/001001.png", "001000/run.json", "dataset.json",
                               "demo/000009.png",   "grid.png"};
    expect_files(folder, 8, all);
    put(folder, "run.json");
    expect_files(folder, 3, own);
}

static void a_run_without_images_is_told(void **state) {
    (void)state;
    Error error = {""};
    const char *folder = test_path("none");
    put(folder, "run.json");
    put(folder, "sheet.png");
    assert_null(file_set_open(folder, &error));
    expect_message(&error, folder, "run.json", "000000.png", NULL);
}

static void images_are_found(void **state) {
    (void)state;
    char name[RUN_NAME];
    const char *folder = test_path("find");
    assert_false(run_find_image(folder, false, name));
    assert_false(run_find_image(folder, true, name));
    put(folder, "a.png");
    put(folder, "000000/a.png");
    put(folder, "002000/002001.png");
    assert_false(run_find_image(folder, false, name));
    assert_true(run_find_image(folder, true, name));
    assert_string_equal(name, "002000/002001.png");
    put(folder, "002000/run.json");
    put(folder, "000005.png");
    assert_false(run_find_image(folder, true, name));
    assert_true(run_find_image(folder, false, name));
    assert_string_equal(name, "000005.png");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_images),
        cmocka_unit_test(a_run_holds_its_images),
        cmocka_unit_test(a_run_without_images_is_told),
        cmocka_unit_test(images_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
