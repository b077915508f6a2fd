/* run.json: what a folder's images were made with, so that the run can be repeated exactly, and so that
 * a later run does not mix other images into them. */
#ifndef KAIROS_MANIFEST_H
#define KAIROS_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>

#include "error.h"

/* settings: everything that the images depend on, as an object; command: the words of the command line
 * after "kairos", as an array.  Writes DIRECTORY/run.json, or, if it is there, checks that its settings
 * are the same and adds the command.  Fails naming the setting that differs. */
bool manifest_update(const char *directory, json_t *settings, json_t *command, Error *error);

/* For a run whose only result is a file: writes FILE.run.json, replacing an old one. */
bool manifest_write(const char *file, json_t *settings, json_t *command, Error *error);

#endif
