/* Files: read with a cap on their size, written whole or not at all.
 *
 * A file is written under a passing name beside its target (same folder, hence same file system) and
 * renamed when it is complete, so no reader and no later run ever sees half a file.  A link stays a
 * link (its target is replaced); devices, pipes and folders are refused.  What a killed
 * run leaves behind is recognised by its name and lock: remove_partial_files. */
#ifndef KAIROS_IO_FILE_H
#define KAIROS_IO_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

bool file_exists(const char *path); /* any kind of file; a dangling link does not count */

/* Makes `path` and the folders above it, as mkdir -p does; no error if it is there. */
bool make_directories(const char *path, Error *error);

/* The same for the folder in which the file `path` is to be. */
bool make_directories_above(const char *path, Error *error);

/* That `path` cannot be opened, by the reason in errno; a link to nothing and a URL are named.  Returns
 * false. */
bool fail_to_open(const char *path, Error *error);

/* Reads the whole file, at most `limit` bytes of it: a longer one is an error.  *data is allocated
 * (free it), with a 0 byte after its `size` bytes. */
bool read_file(const char *path, size_t limit, char **data, size_t *size, Error *error);

/* Replaces `path` by `size` bytes.  After an error the old file, if any, is untouched.
 * Not flushed to the disk (no fsync): meant for the many images of a run. */
bool write_file_atomically(const char *path, const void *data, size_t size, Error *error);

/* The same in pieces.  begin returns NULL on errors.  A failed write needs no check of its own: the
 * first error is kept, and commit reports it.  commit renames and frees; with `flush` the bytes are
 * on the disk (fsync) before the name is.  abandon removes what was written and frees. */
typedef struct AtomicFile AtomicFile;
AtomicFile *atomic_file_begin(const char *path, Error *error);
bool atomic_file_write(AtomicFile *file, const void *data, size_t size);
bool atomic_file_commit(AtomicFile *file, bool flush, Error *error);
void atomic_file_abandon(AtomicFile *file);

/* Removes from a folder the unfinished files of writers that no longer live; a file that a living
 * process is still writing stays.  *removed (may be NULL): how many. */
bool remove_partial_files(const char *directory, int *removed, Error *error);

/* Before long work whose result is to be the file `path`: makes its folder, fails if no file can be
 * written there, and removes what killed runs were just writing. */
bool prepare_output(const char *path, Error *error);

#endif
