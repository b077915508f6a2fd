/* manifest.h: a folder keeps to the settings that its first run had. */
#include "manifest.h"

#include "io/json.h"
#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static json_t *settings(int steps) { return json_pack("{ss si}", "solver", "ddim", "steps", steps); }

static json_t *command(const char *seeds) { return json_pack("[sss]", "generate", "--seeds", seeds); }

static bool update(const char *folder, int steps, const char *seeds, Error *error) {
    json_t *made_with = settings(steps), *words = command(seeds);
    const bool ok = manifest_update(folder, made_with, words, error);
    json_decref(made_with);
    json_decref(words);
    return ok;
}

static size_t commands_in(const char *folder) {
    char path[512];
    Error error = {""};
    snprintf(path, sizeof path, "%s/run.json", folder);
    json_t *root = json_read_file(path, 1 << 20, &error);
    assert_non_null(root);
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
    assert_false(update(folder, 32, "0-9", &error));
    expect_message(&error, "run.json", "steps = 16", "32", NULL);
    assert_int_equal(commands_in(folder), 1);
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
        cmocka_unit_test(a_broken_manifest_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
