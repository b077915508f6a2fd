/* run.json: what a folder's images were made with, so that the run can be repeated exactly, and so that
 * a later run does not mix other images into them. */
#ifndef KAIROS_MANIFEST_H
#define KAIROS_MANIFEST_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>

#include "error.h"

typedef struct {
    json_t *settings; /* everything that the images depend on, an object; may get "devices" */
    json_t *about;    /* told, but not compared; NULL = nothing */
    json_t *command;  /* the words of the command line after "kairos", an array */
    bool any_device;  /* settings.h */
} Manifest;

/* Writes DIRECTORY/run.json, or, if it is there, checks that its settings are the same and adds the
 * command.  Fails naming the setting that differs, or if there are images but no run.json: nobody knows
 * what those were made with.  A folder without images and without a sweep's results takes any settings.
 */
bool manifest_update(const char *directory, const Manifest *manifest, Error *error);

/* Whether manifest_update would succeed; writes nothing.  For the time before there is an image. */
bool manifest_check(const char *directory, const Manifest *manifest, Error *error);

/* What DIRECTORY/run.json tells of the images besides; NULL = nothing. */
json_t *manifest_about(const char *directory);

/* "FILE.run.json". */
bool manifest_path(const char *file, char path[PATH_MAX], Error *error);

/* For a run whose only result is a file: writes FILE.run.json, replacing an old one. */
bool manifest_write(const char *file, const Manifest *manifest, Error *error);

#endif
