#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/file_set_kinds.h"
#include "io/run_folder.h"

enum { MAX_DEPTH = 32 };

typedef struct {
    const char *root;
    char path[4096]; /* of the folder being listed, relative to the root: "" or "a/b/" */
    size_t length;
    bool run; /* a run's folder: its images alone are listed */
    FileNames *names;
    Error *error;
} Walk;

static int64_t modified(const struct stat *status) {
    return (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec;
}

static bool list(Walk *walk, int descriptor, int depth);

static bool add_file(Walk *walk, const struct stat *status) {
    FileName file = {walk->path, 0, status->st_size, modified(status)};
    return file_names_add(walk->names, file) ||
           fail(walk->error, "%s: out of memory for %zu names", walk->root, walk->names->count);
}

static bool list_below(Walk *walk, int folder, const char *name, int depth) {
    int below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0)
        return fail(walk->error, "cannot open the folder %s/%.400s: %s", walk->root, walk->path,
                    strerror(errno));
    if (walk->run && faccessat(below, RUN_MANIFEST, F_OK, 0) == 0) { /* another run's */
        close(below);
        return true;
    }
    memcpy(walk->path + walk->length, "/", 2);
    walk->length++;
    return list(walk, below, depth + 1);
}

/* Images, or the labels that someone has given them. */
static bool is_of_run(const char *path) {
    return run_is_image(path) || strcmp(path, "dataset.json") == 0;
}

/* A link to a file is one.  A link to a folder is not followed, as it may lead round in circles. */
static bool list_entry(Walk *walk, int folder, const char *name, int depth) {
    struct stat status, target;
    size_t before = walk->length, length = strlen(name);
    if (before + length + 2 > sizeof walk->path)
        return fail(walk->error, "%s/%.400s...: its path is longer than %zu bytes", walk->root,
                    walk->path, sizeof walk->path);
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return fail(walk->error, "cannot look at %s/%.400s%.100s: %s", walk->root, walk->path, name,
                    strerror(errno));
    memcpy(walk->path + before, name, length + 1);
    walk->length += length;
    bool ok = true;
    const bool file = !walk->run || is_of_run(walk->path);
    if (S_ISREG(status.st_mode))
        ok = !file || add_file(walk, &status);
    else if (S_ISDIR(status.st_mode))
        ok = (walk->run && !run_is_subdir(walk->path)) || list_below(walk, folder, name, depth);
    else if (file && S_ISLNK(status.st_mode) && fstatat(folder, name, &target, 0) == 0 &&
             S_ISREG(target.st_mode))
        ok = add_file(walk, &target);
    walk->length = before;
    walk->path[before] = '\0';
    return ok;
}

/* Lists one folder; closes the descriptor. */
static bool list(Walk *walk, int descriptor, int depth) {
    DIR *folder = depth < MAX_DEPTH ? fdopendir(descriptor) : NULL;
    if (folder == NULL) {
        int reason = errno;
        close(descriptor);
        if (depth >= MAX_DEPTH)
            return fail(walk->error, "%s/%.400s: more than %d folders, one in the other", walk->root,
                        walk->path, MAX_DEPTH);
        return fail(walk->error, "cannot list the folder %s/%.400s: %s", walk->root, walk->path,
                    strerror(reason));
    }
    bool ok = true;
    struct dirent *entry;
    while (ok && (errno = 0, entry = readdir(folder)) != NULL)
        if (entry->d_name[0] != '.') ok = list_entry(walk, dirfd(folder), entry->d_name, depth);
    if (ok && errno != 0)
        ok = fail(walk->error, "cannot list the folder %s/%.400s: %s", walk->root, walk->path,
                  strerror(errno));
    closedir(folder);
    return ok;
}

bool folder_list(const char *path, FileNames *names, Error *error) {
    Walk walk = {.root = path, .names = names, .error = error};
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return fail_to_open(path, error);
    walk.run = faccessat(descriptor, RUN_MANIFEST, F_OK, 0) == 0;
    if (!list(&walk, descriptor, 0)) return false;
    return !walk.run || names->count > 0 ||
           fail(error,
                "%s: has a " RUN_MANIFEST
                " but none of the images of a run, 000000.png or 000000/000000.png",
                path);
}

static bool is_unchanged(const char *path, const FileName *file, Error *error) {
    struct stat status;
    if (stat(path, &status) != 0) return fail_to_open(path, error);
    if (!S_ISREG(status.st_mode) || status.st_size != file->size || modified(&status) != file->modified)
        return fail(error, "%s has changed since its folder was listed", path);
    return true;
}

bool folder_read(const char *folder, const FileName *file, size_t limit, char **data, size_t *size,
                 Error *error) {
    *data = NULL;
    size_t length = strlen(folder) + strlen(file->name) + 2;
    char *path = malloc(length);
    if (path == NULL) return fail(error, "%s: out of memory", folder);
    snprintf(path, length, "%s/%s", folder, file->name);
    /* Before, not to open a pipe; after, for what was written meanwhile. */
    bool ok = is_unchanged(path, file, error) && read_file(path, limit, data, size, error) &&
              is_unchanged(path, file, error);
    free(path);
    if (ok) return true;
    free(*data);
    *data = NULL;
    return false;
}
