#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTIAL_PREFIX ".kairos-"
#define PARTIAL_SUFFIX ".partial"

struct AtomicFile {
    int descriptor;
    bool failed;
    Error error; /* the first failure */
    char *path, *partial;
};

bool file_exists(const char *path) {
    struct stat status;
    return stat(path, &status) == 0;
}

/* What a link that leads nowhere names; false: `path` is no such link. */
static bool read_dangling_link(const char *path, char target[PATH_MAX]) {
    if (file_exists(path)) return false;
    const ssize_t length = readlink(path, target, PATH_MAX - 1);
    if (length >= 0) target[length] = '\0';
    return length >= 0;
}

/* ---- folders ------------------------------------------------------------------------------------ */

static bool make_directory(const char *path, Error *error) {
    if (mkdir(path, 0777) == 0) return true;
    int reason = errno;
    struct stat status;
    if (stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode)) return true;
        return fail(error, "cannot make the folder %s: a file of that name is there", path);
    }
    char target[PATH_MAX];
    if (read_dangling_link(path, target))
        return fail(error, "cannot make the folder %s: it is a link to %s, which is not there", path,
                    target);
    return fail(error, "cannot make the folder %s: %s", path, strerror(reason));
}

bool make_directories(const char *path, Error *error) {
    if (*path == '\0') return fail(error, "cannot make a folder: its name is empty");
    char *part = strdup(path);
    if (part == NULL) return fail(error, "out of memory for the name of %s", path);
    bool ok = true;
    for (char *slash = part + 1; ok && *slash != '\0'; slash++) {
        if (*slash != '/' || slash[-1] == '/') continue;
        *slash = '\0';
        ok = make_directory(part, error);
        *slash = '/';
    }
    ok = ok && make_directory(part, error);
    free(part);
    return ok;
}

bool make_directories_above(const char *path, Error *error) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path) return true;
    char *folder = strndup(path, (size_t)(slash - path));
    if (folder == NULL) return fail(error, "out of memory for the name of %s", path);
    const bool ok = make_directories(folder, error);
    free(folder);
    return ok;
}

/* ---- reading ------------------------------------------------------------------------------------ */

static bool read_all(int descriptor, const char *path, size_t limit, char **data, size_t *size,
                     Error *error) {
    /* A file's size is only a hint: it may grow, and a pipe has none. */
    struct stat status;
    size_t capacity = 4096, length = 0;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
        if ((unsigned long long)status.st_size > limit)
            return fail(error, "%s is %lld bytes long, more than the %zu that are accepted", path,
                        (long long)status.st_size, limit);
        capacity = (size_t)status.st_size + 1;
    }
    char *buffer = malloc(capacity + 1);
    while (buffer != NULL) {
        ssize_t count = read(descriptor, buffer + length, capacity - length);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            free(buffer);
            return fail(error, "cannot read %s: %s", path, strerror(errno));
        }
        length += (size_t)count;
        if (length > limit) {
            free(buffer);
            return fail(error, "%s is longer than the %zu bytes that are accepted", path, limit);
        }
        if (count == 0) {
            buffer[length] = '\0';
            *data = buffer;
            *size = length;
            return true;
        }
        if (length == capacity) {
            capacity *= 2;
            char *larger = realloc(buffer, capacity + 1);
            if (larger == NULL) free(buffer);
            buffer = larger;
        }
    }
    return fail(error, "out of memory for the %zu bytes of %s", capacity, path);
}

static bool ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

bool fail_to_open(const char *path, Error *error) {
    const int reason = errno;
    char target[PATH_MAX];
    if (reason == ENOENT && read_dangling_link(path, target))
        return fail(error, "cannot open %s: it is a link to %s, which is not there", path, target);
    if (reason == ENOENT && strstr(path, "://") != NULL)
        return fail(error, "cannot open %s: a URL is not read, download the file first%s", path,
                    ends_with(path, ".pkl") ? ", then convert it by scripts/convert_weights.py" : "");
    return fail(error, "cannot open %s: %s", path, strerror(reason));
}

bool read_file(const char *path, size_t limit, char **data, size_t *size, Error *error) {
    *data = NULL;
    *size = 0;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return fail_to_open(path, error);
    bool ok = read_all(descriptor, path, limit, data, size, error);
    close(descriptor);
    return ok;
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* Creates and locks the passing file.  The lock says that its writer lives.  remove_partial_files may
 * come between the two; then the locked file has no name any more, and another is made. */
static bool open_partial(AtomicFile *file) {
    static atomic_uint counter;
    const char *slash = strrchr(file->path, '/');
    int folder = slash == NULL ? 0 : (int)(slash - file->path + 1);
    size_t capacity = (size_t)folder + 64;
    file->partial = malloc(capacity);
    if (file->partial == NULL) return fail(&file->error, "out of memory for writing %s", file->path);
    for (;;) {
        snprintf(file->partial, capacity, "%.*s" PARTIAL_PREFIX "%ld-%u" PARTIAL_SUFFIX, folder,
                 file->path, (long)getpid(), atomic_fetch_add(&counter, 1));
        file->descriptor = open(file->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file->descriptor < 0 && (errno == EEXIST || errno == EINTR)) continue;
        if (file->descriptor < 0)
            return fail(&file->error, "cannot write %s: %s", file->path, strerror(errno));
        while (flock(file->descriptor, LOCK_EX) != 0 && errno == EINTR) continue;
        struct stat status;
        if (fstat(file->descriptor, &status) != 0 || status.st_nlink > 0) return true;
        close(file->descriptor);
    }
}

static void atomic_file_free(AtomicFile *file) {
    free(file->path);
    free(file->partial);
    free(file);
}

/* The file that a write to `path` means: behind a link its target, which must be a regular file or
 * none, since the rename at the end would replace a device by a file.  Allocated; NULL with `error`
 * filled. */
static char *writable_target(const char *path, Error *error) {
    struct stat status;
    char nowhere[PATH_MAX];
    if (read_dangling_link(path, nowhere)) {
        fail(error, "cannot write %s: it is a link to %s, which is not there", path, nowhere);
        return NULL;
    }
    if (stat(path, &status) != 0) {
        char *copy = strdup(path);
        if (copy == NULL) fail(error, "out of memory for writing %s", path);
        return copy;
    }
    if (!S_ISREG(status.st_mode)) {
        fail(error, "cannot write %s: it is a %s, expected a file or a new name", path,
             S_ISDIR(status.st_mode) ? "folder" : "device, pipe or socket");
        return NULL;
    }
    char *target = realpath(path, NULL);
    if (target == NULL) fail(error, "cannot write %s: %s", path, strerror(errno));
    return target;
}

static bool check_name(const char *path, Error *error) {
    const size_t length = strlen(path);
    struct stat info;
    if (length == 0 || path[length - 1] == '/')
        return fail(error, "cannot write '%s': this does not name a file", path);
    return lstat(path, &info) == 0 || errno != ENAMETOOLONG ||
           fail(error, "%s: %s", path, strerror(errno));
}

AtomicFile *atomic_file_begin(const char *path, Error *error) {
    if (!check_name(path, error)) return NULL;
    char *target = writable_target(path, error);
    if (target == NULL) return NULL;
    AtomicFile *file = calloc(1, sizeof *file);
    if (file == NULL) {
        free(target);
        fail(error, "out of memory for writing %s", path);
        return NULL;
    }
    file->path = target;
    if (open_partial(file)) return file;
    fail(error, "%s", file->error.text);
    atomic_file_free(file);
    return NULL;
}

bool atomic_file_write(AtomicFile *file, const void *data, size_t size) {
    const char *bytes = data;
    while (size > 0 && !file->failed) {
        /* In pieces of 1 GiB: one write() takes no more than 2 GiB - 4 KiB. */
        ssize_t count = write(file->descriptor, bytes, size < (1u << 30) ? size : 1u << 30);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            fail(&file->error, "cannot write %s: %s", file->path, strerror(errno));
            file->failed = true;
            break;
        }
        bytes += count;
        size -= (size_t)count;
    }
    return !file->failed;
}

void atomic_file_abandon(AtomicFile *file) {
    if (file == NULL) return;
    unlink(file->partial);
    close(file->descriptor);
    atomic_file_free(file);
}

/* Some file systems (NFS) report a full disk only when a descriptor is closed: closing a twin of it
 * tells, and keeps the lock. */
static bool written_through(AtomicFile *file, bool flush) {
    if (flush && fsync(file->descriptor) != 0) return false;
    int twin = fcntl(file->descriptor, F_DUPFD_CLOEXEC, 0);
    return twin >= 0 && close(twin) == 0;
}

bool atomic_file_commit(AtomicFile *file, bool flush, Error *error) {
    if (!file->failed && !written_through(file, flush)) {
        fail(&file->error, "cannot write %s: %s", file->path, strerror(errno));
        file->failed = true;
    }
    /* Renamed while the lock is held, so that nobody takes the file for a dead writer's. */
    if (!file->failed && rename(file->partial, file->path) != 0) {
        fail(&file->error, "cannot give the finished file its name %s: %s", file->path,
             strerror(errno));
        file->failed = true;
    }
    if (file->failed) {
        fail(error, "%s", file->error.text);
        atomic_file_abandon(file);
        return false;
    }
    close(file->descriptor);
    atomic_file_free(file);
    return true;
}

bool write_file_atomically(const char *path, const void *data, size_t size, Error *error) {
    AtomicFile *file = atomic_file_begin(path, error);
    if (file == NULL) return false;
    atomic_file_write(file, data, size);
    return atomic_file_commit(file, false, error);
}

/* ---- what a killed run left --------------------------------------------------------------------- */

static bool is_partial_name(const char *name) {
    size_t length = strlen(name), suffix = strlen(PARTIAL_SUFFIX);
    return strncmp(name, PARTIAL_PREFIX, strlen(PARTIAL_PREFIX)) == 0 && length > suffix &&
           strcmp(name + length - suffix, PARTIAL_SUFFIX) == 0;
}

/* 1: removed, 0: in use or gone, -1: cannot be removed (errno). */
static int remove_if_dead(int folder, const char *name) {
    int descriptor = openat(folder, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) return errno == ENOENT ? 0 : -1;
    int result = 0;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
        /* Only its passing name may go: a writer may have finished and renamed it meanwhile. */
        result = unlinkat(folder, name, 0) == 0 ? 1 : errno == ENOENT ? 0 : -1;
    }
    int reason = errno;
    close(descriptor);
    errno = reason;
    return result;
}

bool remove_partial_files(const char *directory, int *removed, Error *error) {
    int count = 0;
    bool ok = true;
    DIR *folder = opendir(directory);
    if (folder == NULL) return fail(error, "cannot list the folder %s: %s", directory, strerror(errno));
    for (struct dirent *entry; ok && (entry = readdir(folder)) != NULL;) {
        if (!is_partial_name(entry->d_name)) continue;
        int result = remove_if_dead(dirfd(folder), entry->d_name);
        if (result < 0)
            ok = fail(error, "cannot remove the unfinished file %s/%s: %s", directory, entry->d_name,
                      strerror(errno));
        else
            count += result;
    }
    closedir(folder);
    if (removed != NULL) *removed = count;
    return ok;
}

bool prepare_output(const char *path, Error *error) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const int length = slash != NULL ? (int)(slash - path) + 1 : 0;
    if (snprintf(folder, sizeof folder, "%.*s.", length, path) >= (int)sizeof folder)
        return fail(error, "%s: the path is too long", path);
    if (!check_name(path, error) || !make_directories_above(path, error)) return false;
    AtomicFile *trial = atomic_file_begin(path, error);
    if (trial == NULL) return false;
    atomic_file_abandon(trial);
    return remove_partial_files(folder, NULL, error);
}
