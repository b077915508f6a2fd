#include "manifest.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "io/file.h"
#include "io/json.h"
#include "version.h"

enum { MANIFEST_LIMIT = 64 << 20 };

static bool differ(const char *path, const char *key, const json_t *old, const json_t *new,
                   Error *error) {
    char *was = json_dumps(old, JSON_ENCODE_ANY), *is = json_dumps(new, JSON_ENCODE_ANY);
    fail(error,
         "%s: this folder's images were made with %s = %.200s, this run has %.200s: choose another "
         "folder, or remove this one",
         path, key, was != NULL ? was : "nothing", is != NULL ? is : "nothing");
    free(was);
    free(is);
    return false;
}

static bool check_settings(const char *path, const json_t *old, const json_t *settings, Error *error) {
    if (!json_is_object(old)) return fail(error, "%s: expected an object \"settings\"", path);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)settings, key, value) {
        if (!json_equal(json_object_get(old, key), value))
            return differ(path, key, json_object_get(old, key), value, error);
    }
    return true;
}

/* Adds the command unless the file ends with it. */
static bool add_command(json_t *root, json_t *command) {
    json_t *commands = json_object_get(root, "commands");
    if (!json_is_array(commands)) {
        commands = json_array();
        if (json_object_set_new(root, "commands", commands) != 0) return false;
    }
    const size_t count = json_array_size(commands);
    if (count > 0 && json_equal(json_array_get(commands, count - 1), command)) return true;
    return json_array_append(commands, command) == 0;
}

static json_t *new_manifest(const char *path, json_t *settings, Error *error) {
    json_t *root = json_pack("{ss sO}", "kairos", KAIROS_VERSION, "settings", settings);
    if (root == NULL) fail(error, "%s: out of memory", path);
    return root;
}

static json_t *open_manifest(const char *path, json_t *settings, Error *error) {
    if (!file_exists(path)) return new_manifest(path, settings, error);
    json_t *root = json_read_file(path, MANIFEST_LIMIT, error);
    if (root != NULL && !check_settings(path, json_object_get(root, "settings"), settings, error)) {
        json_decref(root);
        root = NULL;
    }
    return root;
}

/* Takes the root over. */
static bool finish_manifest(const char *path, json_t *root, json_t *command, Error *error) {
    bool ok = root != NULL;
    if (ok && !add_command(root, command)) ok = fail(error, "%s: out of memory", path);
    ok = ok && json_write_file(path, root, error);
    json_decref(root);
    return ok;
}

/* Processes that share a folder read and write its manifest one after the other.  -1 on file systems
 * that cannot lock a folder; then only a command that another process adds just now may be lost. */
static int lock_folder(const char *directory) {
    const int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) flock(descriptor, LOCK_EX);
    return descriptor;
}

bool manifest_update(const char *directory, json_t *settings, json_t *command, Error *error) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/run.json", directory) >= (int)sizeof path)
        return fail(error, "%s: the path is too long", directory);
    if (!make_directories(directory, error)) return false;
    const int lock = lock_folder(directory);
    const bool ok = finish_manifest(path, open_manifest(path, settings, error), command, error);
    if (lock >= 0) close(lock);
    return ok;
}

bool manifest_write(const char *file, json_t *settings, json_t *command, Error *error) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s.run.json", file) >= (int)sizeof path)
        return fail(error, "%s: the path is too long", file);
    return finish_manifest(path, new_manifest(path, settings, error), command, error);
}
