#include "io/run_folder.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"

enum { SEEDS_A_FOLDER = 1000 };

void run_image_name(uint64_t seed, bool subdirs, char name[RUN_NAME]) {
    if (subdirs)
        snprintf(name, RUN_NAME, "%06" PRIu64 "/%06" PRIu64 ".png",
                 seed / SEEDS_A_FOLDER * SEEDS_A_FOLDER, seed);
    else
        snprintf(name, RUN_NAME, "%06" PRIu64 ".png", seed);
}

/* The names are those that the seed found in them would have. */
bool run_is_image(const char *name) {
    const char *slash = strchr(name, '/');
    const char *digits = slash != NULL ? slash + 1 : name;
    char own[RUN_NAME];
    if (!isdigit((unsigned char)*digits)) return false;
    run_image_name(strtoull(digits, NULL, 10), slash != NULL, own);
    return strcmp(name, own) == 0;
}

bool run_is_subdir(const char *name) {
    char own[RUN_NAME];
    if (!isdigit((unsigned char)*name)) return false;
    run_image_name(strtoull(name, NULL, 10), true, own);
    *strchr(own, '/') = '\0';
    return strcmp(name, own) == 0;
}

static bool has_manifest(const char *directory) {
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/" RUN_MANIFEST, directory) < (int)sizeof path &&
           file_exists(path);
}

/* Finds an image in the folder; `below` is its path from the run's: "" or "012000/". */
static bool find_in(const char *directory, const char *below, char name[RUN_NAME]) {
    bool found = false;
    DIR *folder = opendir(directory);
    if (folder == NULL) return false;
    for (struct dirent *entry; !found && (entry = readdir(folder)) != NULL;)
        found = snprintf(name, RUN_NAME, "%s%s", below, entry->d_name) < RUN_NAME && run_is_image(name);
    closedir(folder);
    return found;
}

bool run_find_image(const char *directory, bool subdirs, char name[RUN_NAME]) {
    if (!subdirs) return find_in(directory, "", name);
    bool found = false;
    DIR *folder = opendir(directory);
    if (folder == NULL) return false;
    for (struct dirent *entry; !found && (entry = readdir(folder)) != NULL;) {
        char path[PATH_MAX], below[NAME_MAX + 2];
        if (!run_is_subdir(entry->d_name) ||
            snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) >= (int)sizeof path)
            continue;
        snprintf(below, sizeof below, "%s/", entry->d_name);
        found = !has_manifest(path) && find_in(path, below, name);
    }
    closedir(folder);
    return found;
}
