/* A folder of its own for each test program, removed when it ends, and checks of error messages. */
#ifndef KAIROS_TESTS_FILES_H
#define KAIROS_TESTS_FILES_H

#include <stddef.h>

/* First: cmocka's macro `fail` hides the function that error.h declares. */
#include "error.h"

/* The path of `name` in the folder; valid until the 16th call after it. */
const char *test_path(const char *name);
void write_bytes(const char *path, const void *data, size_t size);
/* How many entries the folder has, hidden ones too; `path` is test_path("") for the whole. */
int count_entries(const char *path);

/* The error contains every one of the texts (the last is NULL); then it is emptied. */
void expect_message(Error *error, ...) __attribute__((sentinel));

#endif
