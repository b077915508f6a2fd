/* dataset.json, the labels of a data set: {"labels": [["00000/img00000000.png", 6], ...]}, or null or
 * no "labels" for none.  Other keys are other tools' and are passed over. */
#ifndef KAIROS_IO_LABELS_H
#define KAIROS_IO_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { LABELS_MAX = 1000000 }; /* labels are below */

/* Gives each image of the data set its label; an image without one, one with two, and a label of no
 * image are errors.  find(context, name): the image's number, -1 = none.  *labels: [images], allocated
 * (free it), or NULL if the file says that there are none.  `title` stands for the file in messages. */
bool labels_parse(const char *text, size_t size, const char *title, int64_t images,
                  int64_t (*find)(const void *context, const char *name), const void *context,
                  int32_t **labels, Error *error);

#endif
