#include "io/origin.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/json.h"
#include "io/png.h"
#include "io/run_folder.h"
#include "io/safetensors.h"

enum { JSON_LIMIT = 256 << 20, HEAD = 512 };

/* Manifests, results of toy, levels and curves say what made them; a result of evaluate has its parts.
 */
static bool is_json_of_kairos(const char *path) {
    json_t *root = json_read_file(path, JSON_LIMIT, NULL);
    const json_t *provenance = json_object_get(root, "provenance");
    const bool own = json_is_string(json_object_get(root, "kairos")) ||
                     json_is_array(json_object_get(provenance, "command")) ||
                     (json_is_number(json_object_get(root, "distance")) &&
                      json_is_object(json_object_get(root, "reference")) &&
                      json_is_object(json_object_get(root, "settings"))) ||
                     (json_is_object(json_object_get(root, "levels")) &&
                      json_is_integer(json_object_get(root, "cells")));
    json_decref(root);
    return own;
}

/* Whether the file has these tensors and no others; names end with NULL. */
static bool has_tensors(const Safetensors *file, const char *const *names) {
    int count = 0;
    for (; names[count] != NULL; count++)
        if (safetensors_find(file, names[count]) == NULL) return false;
    return safetensors_count(file) == count;
}

static bool is_safetensors_of_kairos(const char *path) {
    static const char *const kinds[][4] = {{"noise", "samples", "labels", NULL}, /* generate */
                                           {"denoised", "logvar", NULL},         /* denoise */
                                           {"mu", "sigma", NULL},                /* evaluate ref */
                                           {"amplitude", "power", "sigma", NULL} /* measure */};
    Safetensors *file = safetensors_open(path, NULL);
    if (file == NULL) return false;
    /* States of runs that were killed have sums of many names. */
    bool own = safetensors_metadata(file, "settings") != NULL && safetensors_find(file, "sum") != NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) own = own || has_tensors(file, kinds[i]);
    safetensors_close(file);
    return own;
}

static bool has_manifest(const char *path) {
    char manifest[PATH_MAX];
    return snprintf(manifest, sizeof manifest, "%s." RUN_MANIFEST, path) < (int)sizeof manifest &&
           file_exists(manifest) && is_json_of_kairos(manifest);
}

bool made_by_kairos(const char *path) {
    static const char title[] = "<title>kairos: ";
    char head[HEAD + 1] = "";
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    const size_t size = fread(head, 1, HEAD, file);
    fclose(file);
    return (size > 0 && head[0] == '{' && is_json_of_kairos(path)) ||
           (size > 8 && head[8] == '{' && is_safetensors_of_kairos(path)) || png_is_sheet(head, size) ||
           strstr(head, title) != NULL || has_manifest(path);
}
