#include "support/files.h"

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[256];
static pid_t owner; /* a forked child must not remove it */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    return remove(path);
}

static void remove_folder(void) {
    if (getpid() == owner) nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *test_path(const char *name) {
    static char paths[16][512];
    static unsigned turn;
    if (*folder == '\0') {
        const char *parent = getenv("TMPDIR");
        snprintf(folder, sizeof folder, "%.200s/kairos-test-XXXXXX", parent != NULL ? parent : "/tmp");
        assert_non_null(mkdtemp(folder));
        owner = getpid();
        atexit(remove_folder);
    }
    char *path = paths[turn++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void write_bytes(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

int count_entries(const char *path) {
    int count = 0;
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(directory);
    return count;
}

void expect_message(Error *error, ...) {
    va_list texts;
    va_start(texts, error);
    for (const char *text; (text = va_arg(texts, const char *)) != NULL;)
        if (strstr(error->text, text) == NULL)
            fail_msg("expected a message with '%s', got '%s'", text, error->text);
    va_end(texts);
    error->text[0] = '\0';
}
