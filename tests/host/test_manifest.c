/* manifest.h: a folder keeps to the settings that its first run had. */
#include "manifest.h"

#include "io/file.h"
#include "io/json.h"
#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static json_t *settings(int steps) {
    return json_pack("{ss si ss}", "solver", "ddim", "steps", steps, "device", "A100");
}

static json_t *command(const char *seeds) { return json_pack("[sss]", "generate", "--seeds", seeds); }

/* Takes the settings over. */
static bool update_with(const char *folder, json_t *made_with, bool any_device, Error *error) {
    const Manifest manifest = {.settings = made_with,
                               .about = json_pack("{si}", "nfe", 16),
                               .command = command("0-9"),
                               .any_device = any_device};
    const bool expected = manifest_check(folder, &manifest, NULL);
    const bool ok = manifest_update(folder, &manifest, error);
    assert_true(ok == expected);
    json_decref(manifest.settings);
    json_decref(manifest.about);
    json_decref(manifest.command);
    return ok;
}

static bool update(const char *folder, int steps, const char *seeds, Error *error) {
    const Manifest manifest = {.settings = settings(steps), .command = command(seeds)};
    const bool expected = manifest_check(folder, &manifest, NULL);
    const bool ok = manifest_update(folder, &manifest, error);
    assert_true(ok == expected);
    json_decref(manifest.settings);
    json_decref(manifest.command);
    return ok;
}

static void write_image(const char *folder, const char *name) {
    char path[512];
    Error error = {""};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_true(make_directories_above(path, &error));
    write_bytes(path, "x", 1);
}

static json_t *read_manifest(const char *folder) {
    char path[512];
    Error error = {""};
    snprintf(path, sizeof path, "%s/run.json", folder);
    json_t *root = json_read_file(path, 1 << 20, &error);
    assert_non_null(root);
    return root;
}

static size_t commands_in(const char *folder) {
    json_t *root = read_manifest(folder);
    const size_t count = json_array_size(json_object_get(root, "commands"));
    json_decref(root);
    return count;
}

static void same_settings_add_commands(void **state) {
    (void)state;
    Error error = {""};
    const char *folder = test_path("same");
    assert_true(update(folder, 16, "0-9", &error));
    assert_true(update(folder, 16, "0-9", &error));
    assert_int_equal(commands_in(folder), 1);
    assert_true(update(folder, 16, "10-19", &error));
    assert_int_equal(commands_in(folder), 2);
}

static void processes_share_a_folder(void **state) {
    (void)state;
    enum { PROCESSES = 8, COMMANDS = 10 };
    const char *folder = test_path("shared");
    for (int i = 0; i < PROCESSES; i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        for (int k = 0; child == 0 && k < COMMANDS; k++) {
            char seeds[16];
            snprintf(seeds, sizeof seeds, "%d", i * COMMANDS + k);
            if (!update(folder, 16, seeds, NULL)) _exit(1);
        }
        if (child == 0) _exit(0);
    }
    for (int i = 0, status; i < PROCESSES; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(commands_in(folder), PROCESSES * COMMANDS);
}

static void other_settings_are_refused(void **state) {
    (void)state;
    Error error = {""};
    const char *folder = test_path("other");
    assert_true(update(folder, 16, "0-9", &error));
    write_image(folder, "000007.png");
    assert_false(update(folder, 32, "0-9", &error));
    expect_message(&error, "run.json", "steps: 16 then, 32 now", NULL);
    assert_int_equal(commands_in(folder), 1);
}

static void a_folder_without_images_takes_any_settings(void **state) {
    (void)state;
    Error error = {""};
    const char *folder = test_path("nobody's");
    assert_true(update(folder, 16, "0-9", &error));
    assert_true(update(folder, 32, "10-19", &error));
    json_t *root = read_manifest(folder);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "settings"), "steps")),
                     32);
    assert_int_equal(json_array_size(json_object_get(root, "commands")), 1);
    json_decref(root);
    /* What is no image is nobody's, and so is an empty list of results. */
    write_image(folder, "sheet.png");
    char path[600];
    snprintf(path, sizeof path, "%s/results.jsonl", folder);
    write_bytes(path, "", 0);
    assert_true(update(folder, 48, "0-9", &error));
    write_bytes(path, "{}\n", 3);
    assert_false(update(folder, 16, "0-9", &error));
    expect_message(&error, "steps: 48 then, 16 now", NULL);
}

static void a_check_writes_nothing(void **state) {
    (void)state;
    Error error = {""};
    const char *folder = test_path("checked");
    Manifest manifest = {.settings = settings(16), .command = command("0-9"), .any_device = true};
    assert_true(manifest_check(folder, &manifest, &error));
    assert_false(file_exists(folder));
    assert_true(update(folder, 16, "0-9", &error));
    write_image(folder, "000007.png");
    json_object_set_new(manifest.settings, "device", json_string("H100"));
    assert_true(manifest_check(folder, &manifest, &error));
    assert_string_equal(json_string_value(json_object_get(manifest.settings, "device")), "H100");
    assert_int_equal(commands_in(folder), 1);
    json_decref(manifest.settings);
    json_decref(manifest.command);
}

/* A folder that lacks a setting which this run has, and the other way round. */
static void missing_settings_are_refused(void **state) {
    (void)state;
    Error error = {""};
    const char *folder = test_path("missing");
    json_t *more = settings(16);
    json_object_set_new(more, "gnet", json_string("x"));
    assert_true(update_with(folder, more, false, &error));
    write_image(folder, "000007.png");
    assert_false(update(folder, 16, "0-9", &error));
    expect_message(&error, "gnet", "nothing now", NULL);
}

static void another_device_must_be_asked_for(void **state) {
    (void)state;
    Error error = {""};
    const char *folder = test_path("devices");
    json_t *other = settings(16);
    json_object_set_new(other, "device", json_string("H100"));
    assert_true(update(folder, 16, "0-9", &error));
    write_image(folder, "000007.png");
    assert_false(update_with(folder, json_copy(other), false, &error));
    expect_message(&error, "device: A100 then, H100 now", "--any-device", NULL);
    json_t *steps = json_copy(other);
    json_object_set_new(steps, "steps", json_integer(32));
    assert_false(update_with(folder, steps, true, &error));
    expect_message(&error, "steps", NULL);
    assert_true(update_with(folder, json_copy(other), true, &error));
    /* From then on both are its devices. */
    assert_true(update_with(folder, json_copy(other), false, &error));
    assert_true(update(folder, 16, "0-9", &error));
    json_object_set_new(other, "device", json_string("EPYC"));
    assert_false(update_with(folder, other, false, &error));
    expect_message(&error, "EPYC", NULL);
    json_t *root = read_manifest(folder), *found = json_object_get(root, "settings");
    json_t *all = json_pack("[ss]", "A100", "H100");
    assert_true(json_equal(json_object_get(found, "devices"), all));
    assert_string_equal(json_string_value(json_object_get(found, "device")), "A100");
    json_decref(all);
    json_decref(root);
}

/* Of a file from outside, in which devices may be anything. */
static void devices_that_are_no_names(void **state) {
    (void)state;
    Error error = {""};
    const char *folder = test_path("no-names");
    assert_true(update(folder, 16, "0-9", &error));
    write_image(folder, "000007.png");
    json_t *root = read_manifest(folder);
    json_object_set_new(json_object_get(root, "settings"), "device", json_integer(5));
    char path[600];
    snprintf(path, sizeof path, "%s/run.json", folder);
    assert_int_equal(json_dump_file(root, path, 0), 0);
    json_decref(root);
    assert_false(update_with(folder, settings(16), true, &error));
    expect_message(&error, "5 then, \"A100\" now", NULL);
}

/* Told, not compared; an older folder gets it too. */
static void what_is_told_is_not_compared(void **state) {
    (void)state;
    Error error = {""};
    const char *folder = test_path("told");
    assert_true(update(folder, 16, "0-9", &error));
    assert_true(update_with(folder, settings(16), false, &error));
    assert_true(update(folder, 16, "0-9", &error));
    json_t *root = read_manifest(folder);
    const json_t *nfe = json_object_get(json_object_get(root, "sampling"), "nfe");
    assert_int_equal(json_integer_value(nfe), 16);
    json_t *about = manifest_about(folder);
    assert_true(json_equal(about, json_object_get(root, "sampling")));
    assert_null(manifest_about(test_path("nowhere")));
    json_decref(about);
    json_decref(root);
}

static json_t *settings_with_subdirs(bool subdirs) {
    json_t *made_with = settings(16);
    json_object_set_new(made_with, "subdirs", json_boolean(subdirs));
    return made_with;
}

static void images_without_a_manifest_are_refused(void **state) {
    (void)state;
    Error error = {""};
    const char *flat = test_path("flat"), *deep = test_path("deep"), *sheet = test_path("sheet");
    write_image(flat, "000007.png");
    assert_false(update(flat, 16, "0-9", &error));
    expect_message(&error, flat, "000007.png", "no run.json", NULL);
    write_image(deep, "012000/012345.png");
    assert_false(update(deep, 16, "0-9", &error));
    expect_message(&error, deep, "012000/012345.png", "no run.json", NULL);
    /* What no run has made is in nobody's way, and a run below has its own manifest. */
    write_image(sheet, "demo.png");
    write_image(sheet, "000000/demo.png");
    write_image(sheet, "001000/001001.png");
    write_image(sheet, "001000/run.json");
    assert_true(update(sheet, 16, "0-9", &error));
}

static void the_layout_is_kept(void **state) {
    (void)state;
    Error error = {""};
    const char *folder = test_path("layout");
    assert_true(update_with(folder, settings_with_subdirs(false), false, &error));
    write_image(folder, "000007.png");
    assert_true(update_with(folder, settings_with_subdirs(false), false, &error));
    assert_false(update_with(folder, settings_with_subdirs(true), false, &error));
    expect_message(&error, "subdirs: false then, true now", NULL);
}

/* A folder of before the layout was a setting goes on as its images lie. */
static void an_older_folder_goes_on(void **state) {
    (void)state;
    Error error = {""};
    const char *old = test_path("old"), *empty = test_path("empty");
    assert_true(update(old, 16, "0-9", &error));
    write_image(old, "000000/000001.png");
    assert_false(update_with(old, settings_with_subdirs(false), false, &error));
    expect_message(&error, "subdirs: true then, false now", NULL);
    assert_true(update_with(old, settings_with_subdirs(true), false, &error));
    assert_true(update(empty, 16, "0-9", &error));
    assert_true(update_with(empty, settings_with_subdirs(true), false, &error));
    write_image(empty, "000000/000001.png");
    assert_false(update_with(empty, settings_with_subdirs(false), false, &error));
    expect_message(&error, "subdirs", NULL);
}

static void a_broken_manifest_is_refused(void **state) {
    (void)state;
    Error error = {""};
    write_bytes(test_path("run.json"), "[]", 2);
    assert_false(update(test_path(""), 16, "0-9", &error));
    expect_message(&error, "run.json", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_settings_add_commands),
        cmocka_unit_test(processes_share_a_folder),
        cmocka_unit_test(other_settings_are_refused),
        cmocka_unit_test(a_folder_without_images_takes_any_settings),
        cmocka_unit_test(a_check_writes_nothing),
        cmocka_unit_test(missing_settings_are_refused),
        cmocka_unit_test(another_device_must_be_asked_for),
        cmocka_unit_test(devices_that_are_no_names),
        cmocka_unit_test(what_is_told_is_not_compared),
        cmocka_unit_test(images_without_a_manifest_are_refused),
        cmocka_unit_test(the_layout_is_kept),
        cmocka_unit_test(an_older_folder_goes_on),
        cmocka_unit_test(a_broken_manifest_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
