#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "io/file_set_kinds.h"
#include "io/foreign.h"

/* Deflate makes at most 1032 bytes out of one. */
enum { DEFLATE_MAX_RATIO = 1032, MAX_NAME = 4095 };

struct ZipArchive {
    pthread_mutex_t mutex; /* libzip's archives are for one thread at a time */
    zip_t *zip;
    const char *name;   /* of the archive, while it is being opened */
    int descriptor;     /* -1: in memory */
    struct stat status; /* as the file was opened */
};

/* ---- opening ------------------------------------------------------------------------------------ */

/* Entries are read by number and never written to a file, so a name that leaves the archive does no
 * harm here; it is still no data set's. */
static const char *fault_of_name(const char *name) {
    size_t length = strlen(name);
    if (length == 0) return "is empty";
    if (length > MAX_NAME) return "is too long";
    if (name[0] == '/') return "is an absolute path";
    for (const char *at = name; *at != '\0'; at++) {
        if ((unsigned char)*at < 32 || *at == 127) return "has control characters in it";
        if (*at == '\\') return "has a backslash in it";
    }
    for (const char *part = name; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        size_t end = strcspn(part, "/");
        if ((end == 1 && part[0] == '.') || (end == 2 && part[0] == '.' && part[1] == '.'))
            return "leaves the archive or its folder";
        if (end == 0 && part[0] == '/') return "has an empty folder in it";
    }
    return NULL;
}

static bool is_hidden(const char *name) { return name[0] == '.' || strstr(name, "/.") != NULL; }

/* A name that can be shown: control characters could be a terminal's commands. */
static const char *shown(const char *name, char text[128]) {
    size_t i = 0;
    for (; i < 127 && name[i] != '\0'; i++)
        text[i] = (unsigned char)name[i] < 32 || name[i] == 127 ? '?' : name[i];
    text[i] = '\0';
    return text;
}

/* Of an entry without a size or checksum these are 0. */
static FileName describe_entry(ZipArchive *archive, zip_uint64_t index, char *name) {
    FileName file = {.name = name, .entry = index};
    zip_stat_t entry;
    if (zip_stat_index(archive->zip, index, 0, &entry) != 0) return file;
    if (entry.valid & ZIP_STAT_SIZE) file.size = (int64_t)entry.size;
    if (entry.valid & ZIP_STAT_CRC) file.modified = entry.crc;
    return file;
}

static bool list_entries(ZipArchive *archive, FileNames *names, Error *error) {
    zip_int64_t count = zip_get_num_entries(archive->zip, 0);
    for (zip_int64_t i = 0; i < count; i++) {
        const char *name = zip_get_name(archive->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (name == NULL)
            return fail(error, "%s: the name of entry %" PRId64 " cannot be read", archive->name,
                        (int64_t)i);
        char text[128];
        const char *fault = fault_of_name(name);
        if (fault != NULL)
            return fail(error, "%s: the name of entry %" PRId64 " %s: '%s'", archive->name, (int64_t)i,
                        fault, shown(name, text));
        bool folder = name[strlen(name) - 1] == '/';
        if (folder || is_hidden(name)) continue;
        if (!file_names_add(names, describe_entry(archive, (zip_uint64_t)i, (char *)name)))
            return fail(error, "%s: out of memory for %" PRId64 " names", archive->name,
                        (int64_t)count);
    }
    return true;
}

static bool open_source(ZipArchive *archive, zip_source_t *source, zip_error_t *reason) {
    if (source == NULL) return false;
    archive->zip = zip_open_from_source(source, ZIP_RDONLY, reason);
    if (archive->zip == NULL) zip_source_free(source);
    return archive->zip != NULL;
}

static ZipArchive *finish_opening(ZipArchive *archive, zip_source_t *source, zip_error_t *reason,
                                  FileNames *names, Error *error) {
    bool ok = open_source(archive, source, reason);
    if (!ok) {
        char begin[64];
        const ssize_t size = pread(archive->descriptor, begin, sizeof begin, 0);
        fail(error, "%s cannot be read as a ZIP file: %.200s", archive->name,
             zip_error_strerror(reason));
        if (size > 0) fail_as_foreign(archive->name, begin, (size_t)size, "a ZIP archive", error);
    }
    zip_error_fini(reason);
    if (ok && list_entries(archive, names, error)) return archive;
    zip_archive_close(archive);
    return NULL;
}

static ZipArchive *create(const char *name, Error *error) {
    ZipArchive *archive = calloc(1, sizeof *archive);
    if (archive == NULL) {
        fail(error, "%s: out of memory", name);
        return NULL;
    }
    pthread_mutex_init(&archive->mutex, NULL);
    archive->name = name;
    archive->descriptor = -1;
    return archive;
}

ZipArchive *zip_archive_open(int descriptor, const char *name, FileNames *names, Error *error) {
    zip_error_t reason;
    ZipArchive *archive = create(name, error);
    if (archive == NULL) {
        close(descriptor);
        return NULL;
    }
    archive->descriptor = descriptor;
    /* libzip closes its file; the descriptor stays, to ask whether the file has changed. */
    int twin = fstat(descriptor, &archive->status) == 0 ? dup(descriptor) : -1;
    FILE *file = twin >= 0 ? fdopen(twin, "rb") : NULL;
    if (file == NULL) {
        fail(error, "cannot read %s: %s", name, strerror(errno));
        if (twin >= 0) close(twin);
        zip_archive_close(archive);
        return NULL;
    }
    zip_error_init(&reason);
    zip_source_t *source = zip_source_filep_create(file, 0, -1, &reason);
    if (source == NULL) fclose(file);
    return finish_opening(archive, source, &reason, names, error);
}

ZipArchive *zip_archive_open_memory(const void *data, size_t size, const char *name, FileNames *names,
                                    Error *error) {
    zip_error_t reason;
    if (size == 0) { /* libzip takes it for an archive of nothing */
        fail(error, "%s cannot be read as a ZIP file: it is empty", name);
        return NULL;
    }
    ZipArchive *archive = create(name, error);
    if (archive == NULL) return NULL;
    zip_error_init(&reason);
    zip_source_t *source = zip_source_buffer_create(data, size, 0, &reason);
    return finish_opening(archive, source, &reason, names, error);
}

void zip_archive_close(ZipArchive *archive) {
    if (archive == NULL) return;
    if (archive->zip != NULL) zip_discard(archive->zip);
    if (archive->descriptor >= 0) close(archive->descriptor);
    pthread_mutex_destroy(&archive->mutex);
    free(archive);
}

/* ---- reading ------------------------------------------------------------------------------------ */

static bool check_entry(const zip_stat_t *entry, const char *title, size_t limit, Error *error) {
    const zip_uint64_t needed =
        ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if ((entry->valid & needed) != needed)
        return fail(error, "%s: the archive does not say its size", title);
    if (entry->encryption_method != ZIP_EM_NONE) return fail(error, "%s is encrypted", title);
    if (entry->comp_method != ZIP_CM_STORE && entry->comp_method != ZIP_CM_DEFLATE)
        return fail(error, "%s is compressed by method %d; expected 0 (stored) or 8 (deflated)", title,
                    entry->comp_method);
    if (entry->size > limit)
        return fail(error, "%s is %" PRIu64 " bytes long, more than the %zu that are accepted", title,
                    entry->size, limit);
    bool stored = entry->comp_method == ZIP_CM_STORE;
    if (stored ? entry->size != entry->comp_size : entry->size / DEFLATE_MAX_RATIO > entry->comp_size)
        return fail(error,
                    "%s claims %" PRIu64 " bytes, which its %" PRIu64 " in the archive cannot be",
                    title, entry->size, entry->comp_size);
    return true;
}

/* Reads `size` bytes and sees that they end there: only then libzip compares the checksum. */
static bool read_bytes(zip_file_t *file, const char *title, char *data, size_t size, Error *error) {
    char more;
    size_t length = 0;
    zip_int64_t count = 1;
    while (length < size && count > 0) {
        count = zip_fread(file, data + length, size - length);
        if (count > 0) length += (size_t)count;
    }
    if (count >= 0 && length == size) {
        count = zip_fread(file, &more, 1);
        if (count > 0) return fail(error, "%s is longer than the %zu bytes it claims", title, size);
    }
    if (count < 0)
        return fail(error, "cannot read %s: %.200s", title,
                    zip_error_strerror(zip_file_get_error(file)));
    if (length < size)
        return fail(error, "%s is cut short: %zu bytes of the %zu it claims", title, length, size);
    return true;
}

static bool read_entry(ZipArchive *archive, uint64_t number, const char *title, size_t limit,
                       char **data, size_t *size, Error *error) {
    zip_stat_t entry;
    zip_stat_init(&entry);
    if (zip_stat_index(archive->zip, number, 0, &entry) != 0)
        return fail(error, "cannot read %s: %.200s", title, zip_strerror(archive->zip));
    if (!check_entry(&entry, title, limit, error)) return false;
    zip_file_t *file = zip_fopen_index(archive->zip, number, 0);
    if (file == NULL) return fail(error, "cannot read %s: %.200s", title, zip_strerror(archive->zip));
    char *bytes = malloc((size_t)entry.size + 1);
    bool ok = bytes != NULL ? read_bytes(file, title, bytes, (size_t)entry.size, error)
                            : fail(error, "%s: out of memory for %" PRIu64 " bytes", title, entry.size);
    zip_fclose(file);
    if (!ok) {
        free(bytes);
        return false;
    }
    bytes[entry.size] = '\0';
    *data = bytes;
    *size = (size_t)entry.size;
    return true;
}

static bool has_changed(const ZipArchive *archive) {
    struct stat now;
    const struct stat *then = &archive->status;
    if (archive->descriptor < 0) return false;
    return fstat(archive->descriptor, &now) != 0 || now.st_size != then->st_size ||
           now.st_mtim.tv_sec != then->st_mtim.tv_sec || now.st_mtim.tv_nsec != then->st_mtim.tv_nsec;
}

bool zip_archive_read(ZipArchive *archive, uint64_t number, const char *title, size_t limit,
                      char **data, size_t *size, Error *error) {
    *data = NULL;
    *size = 0;
    pthread_mutex_lock(&archive->mutex);
    bool ok = read_entry(archive, number, title, limit, data, size, error);
    bool changed = has_changed(archive);
    pthread_mutex_unlock(&archive->mutex);
    if (!changed) return ok;
    free(*data);
    *data = NULL;
    return fail(error, "%s: the archive has changed since it was opened", title);
}
