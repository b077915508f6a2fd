/* What file_set.c needs of its two kinds; for no one else. */
#ifndef KAIROS_IO_FILE_SET_KINDS_H
#define KAIROS_IO_FILE_SET_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* One file, as it was found. */
typedef struct {
    char *name;
    uint64_t entry;         /* its number in an archive */
    int64_t size, modified; /* bytes; in a folder nanoseconds since 1970, in an archive the CRC-32 */
} FileName;

typedef struct {
    FileName *files;
    size_t count, capacity;
} FileNames;

/* Keeps a copy of the file, its name too; false: no memory. */
bool file_names_add(FileNames *names, FileName file);

/* Adds every file below the folder, as "sub/name"; of a run's folder, which has a run.json, the images
 * alone (run_folder.h): not a sheet of them, nor what other runs have put below. */
bool folder_list(const char *path, FileNames *names, Error *error);
bool folder_read(const char *path, const FileName *file, size_t limit, char **data, size_t *size,
                 Error *error);

typedef struct ZipArchive ZipArchive;

/* Opens the archive and adds its files.  The descriptor is the archive's from then on, also after an
 * error. */
ZipArchive *zip_archive_open(int descriptor, const char *name, FileNames *names, Error *error);
ZipArchive *zip_archive_open_memory(const void *data, size_t size, const char *name, FileNames *names,
                                    Error *error);
void zip_archive_close(ZipArchive *archive); /* NULL is fine */
/* `title` names the entry in messages. */
bool zip_archive_read(ZipArchive *archive, uint64_t entry, const char *title, size_t limit, char **data,
                      size_t *size, Error *error);

#endif
