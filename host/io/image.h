/* One image of a data set, from the bytes of its file: PNG or NPY, by the name's end. */
#ifndef KAIROS_IO_IMAGE_H
#define KAIROS_IO_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

typedef enum { IMAGE_NONE, IMAGE_READABLE, IMAGE_OTHER } ImageKind;

/* What a file's name says: no image, one that is read here, or one of another format (JPEG, ...). */
ImageKind image_kind(const char *name);

typedef struct {
    int h, w, c;
    bool bytes; /* values b / 127.5 - 1 of bytes; false: float32 as they are */
} ImageForm;

enum { IMAGE_MAX_VALUES = 1 << 26 }; /* h w c of an image */

/* The form that the file's header says, checked against its size.  `name` is the file, `title` stands
 * for it in messages. */
bool image_inspect(const void *data, size_t size, const char *name, const char *title, ImageForm *form,
                   Error *error);

/* values: [h,w,c]; `form` is that of image_inspect.  Values that are not finite are an error. */
bool image_decode(const void *data, size_t size, const char *name, const char *title,
                  const ImageForm *form, float *values, Error *error);

#endif
