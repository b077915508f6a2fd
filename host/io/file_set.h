/* The files below a folder, or those in a ZIP archive, read by name: a data set is either.
 *
 * Opening lists the names only.  Hidden files and folders (".name") are skipped.  An archive is refused
 * whole if a name of it leaves the archive ("..", an absolute path, a backslash) or comes twice; an
 * entry that is encrypted, or compressed by more than deflate can, is refused when it is read. */
#ifndef KAIROS_IO_FILE_SET_H
#define KAIROS_IO_FILE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef struct FileSet FileSet;

/* A folder, with those below it (links to folders are not followed), or a ZIP file.  Of a folder with
 * a run.json, the images that kairos generate has made there are all (run_folder.h).  NULL with `error`
 * filled. */
FileSet *file_set_open(const char *path, Error *error);
/* A ZIP archive in memory, which stays the caller's; `name` stands for it in messages. */
FileSet *file_set_open_memory(const void *data, size_t size, const char *name, Error *error);
void file_set_close(FileSet *set); /* NULL is fine */

/* In the order of strcmp, which for UTF-8 is Python's order.  Names use '/'. */
int64_t file_set_count(const FileSet *set);
const char *file_set_name(const FileSet *set, int64_t index);
int64_t file_set_find(const FileSet *set, const char *name); /* -1 = there is none */

/* Of the names and sizes of the files that are `wanted` (NULL = all), and of the checksums that an
 * archive has of its files, or the times at which a folder's were changed: tells one state of a set
 * from another. */
uint64_t file_set_hash(const FileSet *set, bool (*wanted)(const char *name));

/* Folder and file, for messages. */
const char *file_set_title(const FileSet *set, int64_t index, char text[512]);

/* The bytes of a file, at most `limit`: a longer one is an error.  *data is allocated (free it), with a
 * 0 byte after its `size` bytes.  A file, or an archive, that has changed since the set was opened is
 * an error too.  May be called from several threads. */
bool file_set_read(FileSet *set, int64_t index, size_t limit, char **data, size_t *size, Error *error);

#endif
