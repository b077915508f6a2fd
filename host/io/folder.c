#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file_set_kinds.h"

enum { MAX_DEPTH = 32 };

typedef struct {
    const char *root;
    char path[4096]; /* of the folder being listed, relative to the root: "" or "a/b/" */
    size_t length;
    FileNames *names;
    Error *error;
} Walk;

typedef enum { KIND_FILE, KIND_FOLDER, KIND_OTHER } Kind;

/* The file system says the kind with the name, mostly: then no file has to be looked at.  A link to a
 * file is one; a link to a folder is not followed, as it may lead round in circles. */
static Kind kind_of(int folder, const struct dirent *entry) {
    struct stat status;
    if (entry->d_type == DT_REG) return KIND_FILE;
    if (entry->d_type == DT_DIR) return KIND_FOLDER;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) return KIND_OTHER;
    if (fstatat(folder, entry->d_name, &status, 0) == 0 && S_ISREG(status.st_mode)) return KIND_FILE;
    if (fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
        return KIND_FOLDER;
    return KIND_OTHER;
}

static bool list(Walk *walk, int descriptor, int depth);

static bool list_entry(Walk *walk, int folder, const struct dirent *entry, int depth) {
    size_t before = walk->length, name = strlen(entry->d_name);
    Kind kind = kind_of(folder, entry);
    if (kind == KIND_OTHER) return true;
    if (before + name + 2 > sizeof walk->path)
        return fail(walk->error, "%s/%.100s...: its path is longer than %zu bytes", walk->root,
                    walk->path, sizeof walk->path);
    memcpy(walk->path + before, entry->d_name, name + 1);
    bool ok = true;
    if (kind == KIND_FILE) {
        ok = file_names_add(walk->names, walk->path, 0) ||
             fail(walk->error, "%s: out of memory for %zu names", walk->root, walk->names->count);
    } else {
        int below = openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below < 0)
            return fail(walk->error, "cannot open the folder %s/%.400s: %s", walk->root, walk->path,
                        strerror(errno));
        memcpy(walk->path + before + name, "/", 2);
        walk->length = before + name + 1;
        ok = list(walk, below, depth + 1);
    }
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
        if (entry->d_name[0] != '.') ok = list_entry(walk, dirfd(folder), entry, depth);
    if (ok && errno != 0)
        ok = fail(walk->error, "cannot list the folder %s/%.400s: %s", walk->root, walk->path,
                  strerror(errno));
    closedir(folder);
    return ok;
}

bool folder_list(const char *path, FileNames *names, Error *error) {
    Walk walk = {.root = path, .names = names, .error = error};
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return fail(error, "cannot open the folder %s: %s", path, strerror(errno));
    return list(&walk, descriptor, 0);
}
