#include "manifest.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/file.h"
#include "io/json.h"
#include "io/run_folder.h"
#include "io/settings.h"
#include "version.h"

enum { MANIFEST_LIMIT = 64 << 20 };

/* Folders of before the layout was kept: it is that of their images. */
static void complete_settings(const char *directory, json_t *was, const json_t *now) {
    json_t *subdirs = json_object_get(now, "subdirs");
    char name[RUN_NAME];
    if (!json_is_object(was) || subdirs == NULL || json_object_get(was, "subdirs") != NULL) return;
    const bool wanted = json_is_true(subdirs);
    const bool other =
        !run_find_image(directory, wanted, name) && run_find_image(directory, !wanted, name);
    json_object_set_new(was, "subdirs", json_boolean(wanted != other));
}

static bool check_settings(const char *path, const json_t *was, const Manifest *manifest,
                           Error *error) {
    char difference[SETTINGS_DIFFERENCE];
    if (!json_is_object(was)) return fail(error, "%s: expected an object \"settings\"", path);
    return settings_continue(was, manifest->settings, manifest->any_device, difference) ||
           fail(
               error,
               "%s: this folder's images were made with other settings (%s): choose another folder, or "
               "remove this one",
               path, difference);
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

static json_t *new_manifest(const char *path, Error *error) {
    json_t *root = json_pack("{ss}", "kairos", KAIROS_VERSION);
    if (root == NULL) fail(error, "%s: out of memory", path);
    return root;
}

static bool check_no_images(const char *directory, Error *error) {
    char name[RUN_NAME];
    if (!run_find_image(directory, false, name) && !run_find_image(directory, true, name)) return true;
    return fail(error,
                "%s: has images (%s) but no " RUN_MANIFEST
                " that says what they were made with: choose another folder",
                directory, name);
}

/* Whether the folder has what its settings are the settings of: images, or a sweep's results. */
static bool holds_anything(const char *directory) {
    char path[PATH_MAX], name[RUN_NAME];
    struct stat status;
    return run_find_image(directory, false, name) || run_find_image(directory, true, name) ||
           snprintf(path, sizeof path, "%s/" RUN_RESULTS, directory) >= (int)sizeof path ||
           (stat(path, &status) == 0 && status.st_size > 0);
}

/* The manifest that is there, or a new one.  A run that left nothing else does not keep others out. */
static json_t *open_manifest(const char *directory, const char *path, const Manifest *manifest,
                             Error *error) {
    Error reason = {""};
    if (!file_exists(path)) return check_no_images(directory, error) ? new_manifest(path, error) : NULL;
    json_t *root = json_read_file(path, MANIFEST_LIMIT, error);
    if (root == NULL) return NULL;
    json_t *was = json_object_get(root, "settings");
    const bool known = json_is_object(was);
    complete_settings(directory, was, manifest->settings);
    if (check_settings(path, was, manifest, &reason)) return root;
    json_decref(root);
    if (known && !holds_anything(directory)) return new_manifest(path, error);
    fail(error, "%s", reason.text);
    return NULL;
}

static const char about_key[] = "sampling";

/* What is told of the first run stays. */
static bool fill(json_t *root, const Manifest *manifest) {
    const bool about = manifest->about != NULL && json_object_get(root, about_key) == NULL;
    return json_object_set(root, "settings", manifest->settings) == 0 &&
           (!about || json_object_set(root, about_key, manifest->about) == 0) &&
           add_command(root, manifest->command);
}

/* Takes the root over. */
static bool finish_manifest(const char *path, json_t *root, const Manifest *manifest, Error *error) {
    bool ok = root != NULL;
    if (ok && !fill(root, manifest)) ok = fail(error, "%s: out of memory", path);
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

static bool folder_manifest(const char *directory, char path[PATH_MAX], Error *error) {
    return snprintf(path, PATH_MAX, "%s/" RUN_MANIFEST, directory) < PATH_MAX ||
           fail(error, "%s: the path is too long", directory);
}

bool manifest_check(const char *directory, const Manifest *manifest, Error *error) {
    char path[PATH_MAX];
    if (!folder_manifest(directory, path, error)) return false;
    /* Settings are told of the devices when they are written. */
    Manifest copy = *manifest;
    copy.settings = json_deep_copy(manifest->settings);
    json_t *root = copy.settings != NULL ? open_manifest(directory, path, &copy, error) : NULL;
    const bool ok = root != NULL;
    json_decref(copy.settings);
    json_decref(root);
    return ok;
}

bool manifest_update(const char *directory, const Manifest *manifest, Error *error) {
    char path[PATH_MAX];
    if (!folder_manifest(directory, path, error) || !make_directories(directory, error)) return false;
    const int lock = lock_folder(directory);
    const bool ok =
        finish_manifest(path, open_manifest(directory, path, manifest, error), manifest, error);
    if (lock >= 0) close(lock);
    return ok;
}

json_t *manifest_about(const char *directory) {
    char path[PATH_MAX];
    if (!folder_manifest(directory, path, NULL)) return NULL;
    json_t *root = json_read_file(path, MANIFEST_LIMIT, NULL);
    json_t *about = json_incref(json_object_get(root, about_key));
    json_decref(root);
    return about;
}

bool manifest_path(const char *file, char path[PATH_MAX], Error *error) {
    return snprintf(path, PATH_MAX, "%s." RUN_MANIFEST, file) < PATH_MAX ||
           fail(error, "%s: the path is too long", file);
}

bool manifest_write(const char *file, const Manifest *manifest, Error *error) {
    char path[PATH_MAX];
    if (!manifest_path(file, path, error)) return false;
    return finish_manifest(path, new_manifest(path, error), manifest, error);
}
