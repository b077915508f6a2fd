/* io/file.h: whole files or none, whatever goes wrong. */
#include "io/file.h"

#include "support/files.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void expect_contents(const char *path, const char *text) {
    char *data;
    size_t size;
    assert_true(read_file(path, 1 << 20, &data, &size, NULL));
    assert_int_equal(size, strlen(text));
    assert_string_equal(data, text);
    free(data);
}

static void writes_and_replaces(void **state) {
    (void)state;
    Error error = {0};
    const char *path = test_path("a.txt");
    assert_false(file_exists(path));
    assert_true(write_file_atomically(path, "first", 5, &error));
    assert_true(file_exists(path));
    expect_contents(path, "first");
    assert_true(write_file_atomically(path, "", 0, &error));
    expect_contents(path, "");
    assert_int_equal(count_entries(test_path("")), 1);
}

static void makes_the_folders_above_a_file(void **state) {
    (void)state;
    Error error = {0};
    assert_true(make_directories_above("bare.txt", &error));
    assert_true(make_directories_above("/bare.txt", &error));
    assert_true(make_directories_above(test_path("above/it/a.txt"), &error));
    assert_int_equal(count_entries(test_path("above/it")), 0);
    assert_int_equal(rmdir(test_path("above/it")), 0);
    assert_int_equal(rmdir(test_path("above")), 0);
}

static void writes_in_the_current_folder(void **state) {
    (void)state;
    Error error = {0};
    test_path("");
    assert_int_equal(chdir(test_path("")), 0);
    assert_true(write_file_atomically("bare.txt", "x", 1, &error));
    expect_contents(test_path("bare.txt"), "x");
    assert_int_equal(unlink("bare.txt"), 0);
    assert_int_equal(chdir("/"), 0);
}

static void files_have_ordinary_permissions(void **state) {
    (void)state;
    mode_t old = umask(027);
    assert_true(write_file_atomically(test_path("mode"), "x", 1, NULL));
    umask(old);
    struct stat status;
    assert_int_equal(stat(test_path("mode"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    unlink(test_path("mode"));
}

static void writes_in_pieces_or_not_at_all(void **state) {
    (void)state;
    Error error = {0};
    const char *path = test_path("pieces");
    AtomicFile *file = atomic_file_begin(path, &error);
    assert_non_null(file);
    assert_true(atomic_file_write(file, "ab", 2));
    assert_false(file_exists(path));
    assert_true(atomic_file_write(file, "cd", 2));
    assert_true(atomic_file_commit(file, true, &error));
    expect_contents(path, "abcd");

    file = atomic_file_begin(path, &error);
    assert_true(atomic_file_write(file, "lost", 4));
    atomic_file_abandon(file);
    expect_contents(path, "abcd");
    unlink(path);
    assert_int_equal(count_entries(test_path("")), 1);
}

/* A limit on the size of files stands for a full disk: part of the data is written, then none. */
static void a_full_disk_leaves_the_old_file(void **state) {
    (void)state;
    Error error = {0};
    const char *path = test_path("full");
    char *big = calloc(1, 100000);
    assert_true(write_file_atomically(path, "old", 3, &error));
    struct rlimit before, tight;
    getrlimit(RLIMIT_FSIZE, &before);
    tight = before;
    tight.rlim_cur = 50000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &tight);
    bool ok = write_file_atomically(path, big, 100000, &error);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_false(ok);
    expect_message(&error, "cannot write ", path, "File too large", NULL);
    expect_contents(path, "old");
    unlink(path);
    assert_int_equal(count_entries(test_path("")), 1);
    free(big);
}

static void unwritable_places_are_named(void **state) {
    (void)state;
    Error error = {0};
    assert_false(write_file_atomically(test_path("none/x.png"), "x", 1, &error));
    expect_message(&error, "none/x.png", "No such file or directory", NULL);
    assert_false(write_file_atomically(test_path("a.txt/x.png"), "x", 1, &error));
    expect_message(&error, "a.txt/x.png", "Not a directory", NULL);
    assert_false(write_file_atomically("", "x", 1, &error));
    expect_message(&error, "does not name a file", NULL);
    assert_true(make_directories(test_path("taken"), &error));
    assert_false(write_file_atomically(test_path("taken"), "x", 1, &error));
    expect_message(&error, "it is a folder", "taken", NULL);
    assert_false(write_file_atomically(test_path("taken/"), "x", 1, &error));
    expect_message(&error, "does not name a file", NULL);
    assert_int_equal(count_entries(test_path("")), 2);
    rmdir(test_path("taken"));
    if (geteuid() == 0) return; /* root may write everywhere */
    assert_true(make_directories(test_path("locked"), &error));
    chmod(test_path("locked"), 0555);
    assert_false(write_file_atomically(test_path("locked/x"), "x", 1, &error));
    expect_message(&error, "locked/x", "Permission denied", NULL);
    rmdir(test_path("locked"));
}

static void devices_are_refused_and_links_stay(void **state) {
    (void)state;
    Error error = {""};
    assert_false(write_file_atomically("/dev/null", "x", 1, &error));
    expect_message(&error, "/dev/null", "device", NULL);
    assert_false(write_file_atomically(test_path("."), "x", 1, &error));
    expect_message(&error, "folder", NULL);
    const char *target = test_path("target"), *link = test_path("link");
    write_bytes(target, "old", 3);
    assert_int_equal(symlink(target, link), 0);
    assert_true(write_file_atomically(link, "new", 3, &error));
    expect_contents(target, "new");
    struct stat status;
    assert_int_equal(lstat(link, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    unlink(link);
    unlink(target);
}

static void makes_folders(void **state) {
    (void)state;
    Error error = {0};
    assert_true(make_directories(test_path("p/q//r/"), &error));
    assert_true(make_directories(test_path("p/q/r"), &error));
    assert_true(file_exists(test_path("p/q/r")));
    assert_false(make_directories(test_path("a.txt"), &error));
    expect_message(&error, "a.txt", "a file of that name is there", NULL);
    assert_false(make_directories(test_path("a.txt/b"), &error));
    expect_message(&error, "a.txt", "a file of that name is there", NULL);
    assert_false(make_directories("", &error));
    expect_message(&error, "name is empty", NULL);
    rmdir(test_path("p/q/r"));
    rmdir(test_path("p/q"));
    rmdir(test_path("p"));
}

static void reads_with_a_cap(void **state) {
    (void)state;
    Error error = {0};
    char *data;
    size_t size;
    write_bytes(test_path("five"), "12345", 5);
    assert_true(read_file(test_path("five"), 5, &data, &size, &error));
    assert_int_equal(size, 5);
    assert_string_equal(data, "12345");
    free(data);
    assert_false(read_file(test_path("five"), 4, &data, &size, &error));
    assert_null(data);
    expect_message(&error, "five", "is 5 bytes long, more than the 4", NULL);
    assert_false(read_file("/dev/zero", 10000, &data, &size, &error));
    expect_message(&error, "/dev/zero is longer than the 10000 bytes", NULL);
    assert_false(read_file(test_path("absent"), 4, &data, &size, &error));
    expect_message(&error, "cannot open", "absent", "No such file", NULL);
    assert_false(read_file(test_path(""), 1 << 20, &data, &size, &error));
    expect_message(&error, "Is a directory", NULL);
    unlink(test_path("five"));
}

/* A child writes half a file and waits; killed, it leaves a remnant that only then may go. */
static void a_killed_writer_is_cleaned_up(void **state) {
    (void)state;
    Error error = {0};
    int ready[2], removed = -1;
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        AtomicFile *file = atomic_file_begin(test_path("killed.png"), NULL);
        atomic_file_write(file, "half", 4);
        if (write(ready[1], "!", 1) != 1) _exit(1);
        for (;;) pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    write_bytes(test_path(".kairos-mine"), "x", 1);
    assert_true(remove_partial_files(test_path(""), &removed, &error));
    assert_int_equal(removed, 0);
    assert_int_equal(count_entries(test_path("")), 3);

    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_true(remove_partial_files(test_path(""), &removed, &error));
    assert_int_equal(removed, 1);
    assert_int_equal(count_entries(test_path("")), 2);
    assert_false(file_exists(test_path("killed.png")));
    assert_false(remove_partial_files(test_path("absent"), &removed, &error));
    expect_message(&error, "cannot list the folder", "absent", NULL);
    unlink(test_path(".kairos-mine"));
    close(ready[0]);
    close(ready[1]);
}

/* Its folder is there, and clean. */
static void output_is_prepared(void **state) {
    (void)state;
    Error error = {0};
    assert_true(prepare_output(test_path("prepared/deep/result.json"), &error));
    write_bytes(test_path("prepared/deep/.kairos-1.partial"), "half", 4);
    assert_true(prepare_output(test_path("prepared/deep/result.json"), &error));
    assert_int_equal(count_entries(test_path("prepared/deep")), 0);
    assert_int_equal(chdir(test_path("prepared/deep")), 0);
    assert_true(prepare_output("result.json", &error));
    assert_int_equal(chdir("/"), 0);
    write_bytes(test_path("prepared/file"), "x", 1);
    assert_false(prepare_output(test_path("prepared/file/result.json"), &error));
    expect_message(&error, "prepared/file", NULL);
    assert_true(prepare_output(test_path("prepared/file"), &error));
    expect_contents(test_path("prepared/file"), "x");
}

/* Before the work, and without a trace. */
static void impossible_outputs_are_refused(void **state) {
    (void)state;
    Error error = {0};
    assert_true(make_directories(test_path("impossible"), &error));
    assert_false(prepare_output(test_path("impossible"), &error));
    expect_message(&error, "impossible", "it is a folder", NULL);
    assert_false(prepare_output(test_path("impossible/."), &error));
    expect_message(&error, "it is a folder", NULL);
    assert_false(prepare_output(test_path("impossible/a/b/"), &error));
    expect_message(&error, "does not name a file", NULL);
    assert_int_equal(count_entries(test_path("impossible")), 0);
    assert_false(prepare_output("/proc/result.json", &error));
    expect_message(&error, "cannot write /proc/result.json", NULL);
    assert_false(prepare_output("/dev/null", &error));
    expect_message(&error, "/dev/null", "device", NULL);
    rmdir(test_path("impossible"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_replaces),
        cmocka_unit_test(makes_the_folders_above_a_file),
        cmocka_unit_test(writes_in_the_current_folder),
        cmocka_unit_test(files_have_ordinary_permissions),
        cmocka_unit_test(writes_in_pieces_or_not_at_all),
        cmocka_unit_test(a_full_disk_leaves_the_old_file),
        cmocka_unit_test(unwritable_places_are_named),
        cmocka_unit_test(devices_are_refused_and_links_stay),
        cmocka_unit_test(makes_folders),
        cmocka_unit_test(reads_with_a_cap),
        cmocka_unit_test(a_killed_writer_is_cleaned_up),
        cmocka_unit_test(output_is_prepared),
        cmocka_unit_test(impossible_outputs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
