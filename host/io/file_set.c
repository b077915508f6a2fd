#include "io/file_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/file_set_kinds.h"
#include "io/hash.h"

struct FileSet {
    char *path;
    FileNames names;     /* ordered */
    ZipArchive *archive; /* NULL: a folder */
};

bool file_names_add(FileNames *names, FileName file) {
    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? 64 : 2 * names->capacity;
        FileName *larger = realloc(names->files, capacity * sizeof *larger);
        if (larger == NULL) return false;
        names->files = larger;
        names->capacity = capacity;
    }
    file.name = strdup(file.name);
    if (file.name == NULL) return false;
    names->files[names->count++] = file;
    return true;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const FileName *)a)->name, ((const FileName *)b)->name);
}

static bool sort_names(FileSet *set, Error *error) {
    FileName *files = set->names.files;
    if (set->names.count > 1) qsort(files, set->names.count, sizeof *files, compare_names);
    for (size_t i = 1; i < set->names.count; i++)
        if (strcmp(files[i - 1].name, files[i].name) == 0)
            return fail(error, "%s: two files in it have the name '%.200s'", set->path, files[i].name);
    return true;
}

static FileSet *create(const char *path, Error *error) {
    FileSet *set = calloc(1, sizeof *set);
    if (set == NULL || (set->path = strdup(path)) == NULL) {
        free(set);
        fail(error, "%s: out of memory", path);
        return NULL;
    }
    return set;
}

static FileSet *close_unless(FileSet *set, bool ok) {
    if (ok) return set;
    file_set_close(set);
    return NULL;
}

FileSet *file_set_open(const char *path, Error *error) {
    FileSet *set = create(path, error);
    if (set == NULL) return NULL;
    struct stat status;
    bool ok = false;
    /* Not to wait for the writer of a pipe. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        fail_to_open(path, error);
    } else if (S_ISDIR(status.st_mode)) {
        ok = folder_list(path, &set->names, error);
    } else if (S_ISREG(status.st_mode)) {
        set->archive = zip_archive_open(descriptor, path, &set->names, error);
        descriptor = -1;
        ok = set->archive != NULL;
    } else {
        fail(error, "%s is neither a folder nor a ZIP file", path);
    }
    if (descriptor >= 0) close(descriptor);
    return close_unless(set, ok && sort_names(set, error));
}

FileSet *file_set_open_memory(const void *data, size_t size, const char *name, Error *error) {
    FileSet *set = create(name, error);
    if (set == NULL) return NULL;
    set->archive = zip_archive_open_memory(data, size, name, &set->names, error);
    return close_unless(set, set->archive != NULL && sort_names(set, error));
}

void file_set_close(FileSet *set) {
    if (set == NULL) return;
    zip_archive_close(set->archive);
    for (size_t i = 0; i < set->names.count; i++) free(set->names.files[i].name);
    free(set->names.files);
    free(set->path);
    free(set);
}

int64_t file_set_count(const FileSet *set) { return (int64_t)set->names.count; }
const char *file_set_name(const FileSet *set, int64_t index) { return set->names.files[index].name; }

int64_t file_set_find(const FileSet *set, const char *name) {
    FileName wanted = {.name = (char *)name};
    const FileName *found = set->names.count == 0 ? NULL
                                                  : bsearch(&wanted, set->names.files, set->names.count,
                                                            sizeof *set->names.files, compare_names);
    return found != NULL ? found - set->names.files : -1;
}

uint64_t file_set_hash(const FileSet *set, bool (*wanted)(const char *name)) {
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < set->names.count; i++) {
        const FileName *file = &set->names.files[i];
        if (wanted != NULL && !wanted(file->name)) continue;
        const int64_t numbers[] = {file->size, file->modified};
        hash = hash_bytes(hash_text(hash, file->name), numbers, sizeof numbers);
    }
    return hash;
}

const char *file_set_title(const FileSet *set, int64_t index, char text[512]) {
    snprintf(text, 512, "%.250s%s%.250s", set->path, set->archive != NULL ? ": " : "/",
             set->names.files[index].name);
    return text;
}

bool file_set_read(FileSet *set, int64_t index, size_t limit, char **data, size_t *size, Error *error) {
    const FileName *file = &set->names.files[index];
    char title[512];
    if (set->archive == NULL) return folder_read(set->path, file, limit, data, size, error);
    return zip_archive_read(set->archive, file->entry, file_set_title(set, index, title), limit, data,
                            size, error);
}
