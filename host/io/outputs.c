#include "io/outputs.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/image.h"
#include "io/origin.h"

static const char *name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* The path without links, of a file that need not be there, nor its folder. */
static bool resolve(const char *path, char resolved[PATH_MAX]) {
    char folder[PATH_MAX] = ".";
    if (realpath(path, resolved) != NULL) return true;
    const char *name = name_of(path);
    size_t length = (size_t)(name - path);
    while (length > 1 && path[length - 1] == '/') length--;
    if (*name == '\0' || length >= PATH_MAX) return false;
    if (length > 0) snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    if (!resolve(folder, resolved)) return false;
    const size_t end = strlen(resolved);
    return snprintf(resolved + end, PATH_MAX - end, "/%s", name) < (int)(PATH_MAX - end);
}

static bool is_same(const char *a, const char *b) {
    struct stat first, second;
    char resolved_a[PATH_MAX], resolved_b[PATH_MAX];
    if (strcmp(a, b) == 0) return true;
    if (stat(a, &first) == 0 && stat(b, &second) == 0)
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
    return resolve(a, resolved_a) && resolve(b, resolved_b) && strcmp(resolved_a, resolved_b) == 0;
}

static bool is_part_of_data(const char *name) {
    return image_kind(name) != IMAGE_NONE || strcmp(name, "dataset.json") == 0;
}

/* Whether a folder that is read has, or would have, the file as a part of its data. */
static bool is_inside(const char *path, const char *folder) {
    char inner[PATH_MAX], outer[PATH_MAX];
    if (!resolve(path, inner) || realpath(folder, outer) == NULL) return false;
    const size_t length = strlen(outer);
    return strncmp(inner, outer, length) == 0 && inner[length] == '/' &&
           is_part_of_data(name_of(inner));
}

static bool check_input(const char *output, const char *input, Error *error) {
    struct stat status;
    const bool folder = stat(input, &status) == 0 && S_ISDIR(status.st_mode);
    if (folder ? is_inside(output, input) : is_same(output, input))
        return fail(error, "cannot write %s: this run reads it (%s); choose another name", output,
                    input);
    return true;
}

static bool check_origin(const char *output, Error *error) {
    struct stat status;
    if (stat(output, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0 ||
        made_by_kairos(output))
        return true;
    return fail(error,
                "cannot write %s: a file is there that kairos did not make; choose another name, or "
                "replace it with --force",
                output);
}

bool outputs_check(const char *const *outputs, size_t output_count, const char *const *inputs,
                   size_t input_count, bool force, Error *error) {
    for (size_t i = 0; i < output_count; i++) {
        if (outputs[i] == NULL) continue;
        for (size_t k = 0; k < input_count; k++)
            if (inputs[k] != NULL && !check_input(outputs[i], inputs[k], error)) return false;
        for (size_t k = 0; k < i; k++)
            if (outputs[k] != NULL && is_same(outputs[i], outputs[k]))
                return fail(error,
                            "cannot write %s: this run also writes it as %s; choose another name",
                            outputs[i], outputs[k]);
        if (!force && !check_origin(outputs[i], error)) return false;
    }
    return true;
}
