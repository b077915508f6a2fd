/* io/file_set.h: archives and folders, honest and hostile. */
#include "io/file_set.h"

#include "io/file.h"
#include "support/checksums.h"
#include "support/files.h"
#include "support/zip_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <cmocka.h>

/* In a block of exactly its size, so that the sanitizer sees a read beyond its end. */
typedef struct {
    uint8_t *bytes;
    FileSet *set;
    Error error;
} Opened;

static Opened open_bytes(const uint8_t *bytes, size_t size) {
    Opened opened = {.bytes = malloc(size + !size)};
    memcpy(opened.bytes, bytes, size);
    opened.set = file_set_open_memory(opened.bytes, size, "evil.zip", &opened.error);
    return opened;
}

static Opened open_entries(const ZipEntry *entries, int count) {
    uint8_t *bytes;
    size_t size;
    zip_make(entries, count, &bytes, &size);
    Opened opened = open_bytes(bytes, size);
    free(bytes);
    return opened;
}

static void close_all(Opened opened) {
    file_set_close(opened.set);
    free(opened.bytes);
}

static void expect_file(FileSet *set, const char *name, const void *content, size_t length) {
    Error error = {0};
    char *data;
    size_t size;
    int64_t index = file_set_find(set, name);
    assert_true(index >= 0);
    assert_string_equal(file_set_name(set, index), name);
    if (!file_set_read(set, index, length, &data, &size, &error)) fail_msg("%s", error.text);
    assert_int_equal(size, length);
    assert_memory_equal(data, content, length);
    assert_int_equal(data[size], 0);
    free(data);
}

static void names_refused(const char *name, const char *reason) {
    ZipEntry entries[] = {{.name = "a.png", .data = "x", .size = 1},
                          {.name = name, .data = "y", .size = 1}};
    Opened opened = open_entries(entries, 2);
    assert_null(opened.set);
    expect_message(&opened.error, "evil.zip", reason, NULL);
    close_all(opened);
}

/* The archive opens, and this entry of it is refused. */
static void entry_refused(ZipEntry entry, size_t limit, const char *reason) {
    char *data = NULL;
    size_t size;
    entry.name = "a/b.png";
    Opened opened = open_entries(&entry, 1);
    if (opened.set == NULL) fail_msg("%s", opened.error.text);
    assert_false(file_set_read(opened.set, 0, limit, &data, &size, &opened.error));
    assert_null(data);
    expect_message(&opened.error, "evil.zip: a/b.png", reason, NULL);
    close_all(opened);
}

/* ---- what is read ------------------------------------------------------------------------------- */

static void lists_in_order_and_reads(void **state) {
    (void)state;
    const ZipEntry entries[] = {{.name = "b/2.png", .data = "two", .size = 3},
                                {.name = "b/", .data = "", .size = 0},
                                {.name = "B.png", .data = "", .size = 0},
                                {.name = "__MACOSX/._b.png", .data = "no", .size = 2},
                                {.name = ".hidden/x.png", .data = "no", .size = 2},
                                {.name = "b/10.png", .data = "ten", .size = 3},
                                {.name = "\xc3\xa9.png", .data = "e", .size = 1},
                                {.name = "b-.png", .data = "dash", .size = 4}};
    const char *expected[] = {"B.png", "b-.png", "b/10.png", "b/2.png", "\xc3\xa9.png"};
    Opened opened = open_entries(entries, 8);
    assert_non_null(opened.set);
    assert_int_equal(file_set_count(opened.set), 5);
    for (int i = 0; i < 5; i++) assert_string_equal(file_set_name(opened.set, i), expected[i]);
    expect_file(opened.set, "b/2.png", "two", 3);
    expect_file(opened.set, "b/10.png", "ten", 3);
    expect_file(opened.set, "B.png", "", 0);
    expect_file(opened.set, "\xc3\xa9.png", "e", 1);
    assert_int_equal(file_set_find(opened.set, ".hidden/x.png"), -1);
    assert_int_equal(file_set_find(opened.set, "b/"), -1);
    close_all(opened);
    opened = open_entries(NULL, 0);
    assert_non_null(opened.set);
    assert_int_equal(file_set_count(opened.set), 0);
    assert_int_equal(file_set_find(opened.set, "x"), -1);
    close_all(opened);
}

static uint64_t hash_of(ZipEntry entry) {
    Opened opened = open_entries(&entry, 1);
    assert_non_null(opened.set);
    const uint64_t hash = file_set_hash(opened.set, NULL);
    close_all(opened);
    return hash;
}

/* The contents by their checksums. */
static void the_hash_tells_names_and_contents(void **state) {
    (void)state;
    const uint64_t hash = hash_of((ZipEntry){.name = "a.npy", .data = "one", .size = 3});
    assert_true(hash == hash_of((ZipEntry){.name = "a.npy", .data = "one", .size = 3}));
    assert_true(hash != hash_of((ZipEntry){.name = "a.npy", .data = "two", .size = 3}));
    assert_true(hash != hash_of((ZipEntry){.name = "b.npy", .data = "one", .size = 3}));
}

/* `size` zeros, deflated by libzip. */
static void write_deflated(const char *path, size_t size) {
    int reason;
    void *zeros = calloc(size, 1);
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, &reason);
    zip_int64_t index = zip_file_add(zip, "zeros.npy", zip_source_buffer(zip, zeros, size, 1), 0);
    assert_int_equal(zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_DEFLATE, 9), 0);
    assert_int_equal(zip_close(zip), 0);
}

static void reads_deflated_entries_within_the_limit(void **state) {
    (void)state;
    enum { SIZE = 1 << 22 };
    Error error = {0};
    char *data;
    size_t size;
    write_deflated(test_path("deflated.zip"), SIZE);
    FileSet *set = file_set_open(test_path("deflated.zip"), &error);
    assert_non_null(set);
    char *zeros = calloc(SIZE, 1);
    expect_file(set, "zeros.npy", zeros, SIZE);
    free(zeros);
    assert_false(file_set_read(set, 0, SIZE - 1, &data, &size, &error));
    expect_message(&error, "deflated.zip: zeros.npy", "4194304 bytes long, more than the 4194303",
                   NULL);
    file_set_close(set);
    unlink(test_path("deflated.zip"));
}

/* ---- hostile archives --------------------------------------------------------------------------- */

static void names_that_leave_are_refused(void **state) {
    (void)state;
    names_refused("../evil.png", "entry 1 leaves the archive or its folder: '../evil.png'");
    names_refused("a/../../evil.png", "leaves");
    names_refused("a/..", "leaves");
    names_refused("./a.png", "leaves");
    names_refused("/etc/evil.png", "is an absolute path");
    names_refused("a//b.png", "has an empty folder in it");
    names_refused("..\\evil.png", "has a backslash");
    names_refused("a\x1b[2J.png", "has control characters in it: 'a?[2J.png'");
    names_refused("", "is empty");
    names_refused("a.png", "two files in it have the name 'a.png'");
    char *name = malloc(5000);
    memset(name, 'n', 5000);
    name[4999] = '\0';
    names_refused(name, "is too long");
    free(name);
}

/* A deflated stream of one stored block: "data". */
static const uint8_t block[] = {1, 4, 0, 0xfb, 0xff, 'd', 'a', 't', 'a'};

static void entries_that_lie_are_refused(void **state) {
    (void)state;
    const uint32_t crc = crc32_of((const uint8_t *)"data", 4);
    const ZipEntry deflated = {
        .data = block, .size = sizeof block, .method = 8, .crc = crc, .unpacked = 4};
    ZipEntry entry = deflated;
    entry.name = "fine";
    Opened opened = open_entries(&entry, 1);
    expect_file(opened.set, "fine", "data", 4);
    close_all(opened);

    entry.unpacked = 1u << 30;
    entry_refused(entry, 1u << 31, "claims 1073741824 bytes, which its 9 in the archive cannot be");
    entry_refused(entry, 1u << 20, "more than the 1048576 that are accepted");
    entry.unpacked = 3;
    entry_refused(entry, 100, "longer than the 3 bytes it claims");
    entry.unpacked = 5;
    entry_refused(entry, 100, "");
    entry = deflated;
    entry.crc = crc + 1;
    entry_refused(entry, 100, "CRC error");
    entry = deflated;
    entry.flags = 1;
    entry_refused(entry, 100, "is encrypted");
    entry = deflated;
    entry.method = 12;
    entry_refused(entry, 100, "compressed by method 12; expected 0 (stored) or 8 (deflated)");
    entry = (ZipEntry){.data = "data", .size = 4, .unpacked = 5};
    entry_refused(entry, 100, "claims 5 bytes, which its 4");
    entry = (ZipEntry){.data = "data", .size = 4, .crc = 7};
    entry_refused(entry, 100, "CRC error");
    entry = (ZipEntry){.data = "\xff\xff\xff\xff", .size = 4, .method = 8, .unpacked = 9};
    entry_refused(entry, 100, "cannot read");
}

/* 10 MB that pack to 10 kB: not read where an image of 32 x 32 is expected. */
static void a_bomb_is_not_unpacked(void **state) {
    (void)state;
    Error error = {0};
    char *data;
    size_t size;
    struct stat status;
    write_deflated(test_path("bomb.zip"), 10000000);
    assert_int_equal(stat(test_path("bomb.zip"), &status), 0);
    assert_true(status.st_size < 20000);
    FileSet *set = file_set_open(test_path("bomb.zip"), &error);
    assert_non_null(set);
    assert_false(file_set_read(set, 0, 1 << 20, &data, &size, &error));
    expect_message(&error, "bomb.zip: zeros.npy", "10000000 bytes long, more than the 1048576", NULL);
    file_set_close(set);
    unlink(test_path("bomb.zip"));
}

/* Cut at every byte, and every byte changed: refused, or read within bounds. */
static void damaged_archives_do_no_harm(void **state) {
    (void)state;
    const ZipEntry entries[] = {
        {.name = "a.png", .data = "stored", .size = 6},
        {.name = "b/c.npy", .data = block, .size = sizeof block, .method = 8, .unpacked = 4}};
    uint8_t *bytes;
    size_t size, length;
    zip_make(entries, 2, &bytes, &size);
    for (size_t cut = 0; cut < size; cut++) {
        Opened opened = open_bytes(bytes, cut);
        assert_null(opened.set);
        expect_message(&opened.error, "evil.zip cannot be read as a ZIP file", NULL);
        close_all(opened);
    }
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1 << bit);
            Opened opened = open_bytes(bytes, size);
            for (int64_t f = 0; opened.set != NULL && f < file_set_count(opened.set); f++) {
                char *data;
                if (!file_set_read(opened.set, f, 1000, &data, &length, &opened.error)) continue;
                assert_true(length <= 1000);
                free(data);
            }
            assert_true(opened.set != NULL || opened.error.text[0] != '\0');
            close_all(opened);
            bytes[i] ^= (uint8_t)(1 << bit);
        }
    free(bytes);
}

/* ---- files that change -------------------------------------------------------------------------- */

static void an_archive_that_changes_is_refused(void **state) {
    (void)state;
    Error error = {0};
    char *data;
    size_t size;
    const char *path = test_path("live.zip");
    const ZipEntry entry = {.name = "a.png", .data = "before", .size = 6};
    zip_write(path, &entry, 1);
    FileSet *set = file_set_open(path, &error);
    expect_file(set, "a.png", "before", 6);
    FILE *file = fopen(path, "ab");
    fputc('x', file);
    fclose(file);
    assert_false(file_set_read(set, 0, 100, &data, &size, &error));
    expect_message(&error, path, "a.png: the archive has changed since it was opened", NULL);
    file_set_close(set);

    zip_write(path, &entry, 1); /* a new file in its place is another; the old one is still there */
    set = file_set_open(path, &error);
    unlink(path);
    expect_file(set, "a.png", "before", 6);
    file_set_close(set);
}

static void folders_are_listed_in_order(void **state) {
    (void)state;
    Error error = {0};
    make_directories(test_path("set/b/.git"), &error);
    write_bytes(test_path("set/b/10.png"), "ten", 3);
    write_bytes(test_path("set/b/2.png"), "two", 3);
    write_bytes(test_path("set/b/.git/x.png"), "no", 2);
    write_bytes(test_path("set/.x.png"), "no", 2);
    write_bytes(test_path("set/a.png"), "a", 1);
    assert_int_equal(symlink("a.png", test_path("set/link.png")), 0);
    assert_int_equal(symlink("..", test_path("set/b/up")), 0);
    assert_int_equal(symlink("nowhere", test_path("set/b/dangling.png")), 0);
    assert_int_equal(mkfifo(test_path("set/pipe.png"), 0600), 0);
    const char *expected[] = {"a.png", "b/10.png", "b/2.png", "link.png"};
    FileSet *set = file_set_open(test_path("set"), &error);
    assert_non_null(set);
    const uint64_t hash = file_set_hash(set, NULL);
    assert_int_equal(file_set_count(set), 4);
    for (int i = 0; i < 4; i++) assert_string_equal(file_set_name(set, i), expected[i]);
    expect_file(set, "b/10.png", "ten", 3);
    expect_file(set, "link.png", "a", 1);

    char *data;
    size_t size;
    write_bytes(test_path("set/a.png"), "longer", 6);
    assert_false(file_set_read(set, 0, 100, &data, &size, &error));
    expect_message(&error, test_path("set/a.png"), "has changed since its folder was listed", NULL);
    assert_false(file_set_read(set, 1, 2, &data, &size, &error));
    expect_message(&error, test_path("set/b/10.png"), "3 bytes long, more than the 2", NULL);
    unlink(test_path("set/b/2.png"));
    assert_false(file_set_read(set, 2, 100, &data, &size, &error));
    expect_message(&error, test_path("set/b/2.png"), "No such file", NULL);
    unlink(test_path("set/b/10.png"));
    assert_int_equal(mkfifo(test_path("set/b/10.png"), 0600), 0); /* must not wait for a writer */
    assert_false(file_set_read(set, 1, 100, &data, &size, &error));
    expect_message(&error, test_path("set/b/10.png"), "has changed", NULL);
    file_set_close(set);
    set = file_set_open(test_path("set"), &error);
    assert_non_null(set);
    assert_true(file_set_hash(set, NULL) != hash);
    file_set_close(set);
}

static void what_is_neither_is_refused(void **state) {
    (void)state;
    Error error = {0};
    char deep[512] = "deep";
    assert_null(file_set_open(test_path("absent"), &error));
    expect_message(&error, "cannot open", "absent", "No such file", NULL);
    write_bytes(test_path("text.zip"), "this is no archive", 18);
    assert_null(file_set_open(test_path("text.zip"), &error));
    expect_message(&error, "text.zip cannot be read as a ZIP file", NULL);
    write_bytes(test_path("empty.zip"), "", 0);
    assert_null(file_set_open(test_path("empty.zip"), &error));
    expect_message(&error, "empty.zip cannot be read as a ZIP file", NULL);
    assert_int_equal(mkfifo(test_path("pipe"), 0600), 0);
    assert_null(file_set_open(test_path("pipe"), &error));
    expect_message(&error, "pipe is neither a folder nor a ZIP file", NULL);
    for (int i = 0; i < 40; i++) strcat(deep, "/d");
    make_directories(test_path(deep), &error);
    assert_null(file_set_open(test_path("deep"), &error));
    expect_message(&error, "more than 32 folders", NULL);
    file_set_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_in_order_and_reads),
        cmocka_unit_test(the_hash_tells_names_and_contents),
        cmocka_unit_test(reads_deflated_entries_within_the_limit),
        cmocka_unit_test(names_that_leave_are_refused),
        cmocka_unit_test(entries_that_lie_are_refused),
        cmocka_unit_test(a_bomb_is_not_unpacked),
        cmocka_unit_test(damaged_archives_do_no_harm),
        cmocka_unit_test(an_archive_that_changes_is_refused),
        cmocka_unit_test(folders_are_listed_in_order),
        cmocka_unit_test(what_is_neither_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
