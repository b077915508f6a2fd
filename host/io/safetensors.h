/* safetensors files: named tensors and text metadata.
 *
 * The format (https://huggingface.co/docs/safetensors): 8 bytes of header length (little-endian), a
 * JSON header {"name": {"dtype", "shape", "data_offsets": [begin, end]}, ..., "__metadata__": {text:
 * text}}, then the tensors' bytes, row-major and little-endian, without gaps.
 *
 * The reader takes every file for hostile: nothing in it is used before it has been checked. */
#ifndef KAIROS_IO_SAFETENSORS_H
#define KAIROS_IO_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors are read in place");

typedef enum {
    SAFETENSORS_BOOL,
    SAFETENSORS_U8,
    SAFETENSORS_I8,
    SAFETENSORS_U16,
    SAFETENSORS_I16,
    SAFETENSORS_U32,
    SAFETENSORS_I32,
    SAFETENSORS_U64,
    SAFETENSORS_I64,
    SAFETENSORS_F16,
    SAFETENSORS_BF16,
    SAFETENSORS_F32,
    SAFETENSORS_F64,
    SAFETENSORS_TYPES
} SafetensorsType;

const char *safetensors_type_name(SafetensorsType type); /* "F32" */
size_t safetensors_type_size(SafetensorsType type);      /* bytes of one element */

enum {
    SAFETENSORS_MAX_RANK = 8,
    SAFETENSORS_MAX_NAME = 255,        /* bytes of a tensor's name */
    SAFETENSORS_MAX_HEADER = 100000000 /* bytes; the limit of the published library */
};

typedef struct {
    const char *name;
    SafetensorsType type;
    int rank; /* 0 = a scalar */
    int64_t shape[SAFETENSORS_MAX_RANK];
    const void *data; /* row-major; when read from a file possibly not aligned to the element */
} SafetensorsTensor;

int64_t safetensors_elements(const SafetensorsTensor *tensor);

/* "[3, 64, 64]", for messages; `text` has room for 256 bytes. */
const char *safetensors_shape_text(const SafetensorsTensor *tensor, char text[256]);

/* ---- reading ------------------------------------------------------------------------------------ */

typedef struct Safetensors Safetensors;

/* Maps the file; NULL with `error` filled if it cannot be opened or is not a valid file.  The tensors'
 * data live until safetensors_close. */
Safetensors *safetensors_open(const char *path, Error *error);
/* The same from `size` bytes of memory, which stay the caller's and must outlive the result; `name`
 * stands for the file in messages. */
Safetensors *safetensors_parse(const void *data, size_t size, const char *name, Error *error);
void safetensors_close(Safetensors *file); /* NULL is fine */

int safetensors_count(const Safetensors *file);
/* 0 <= index < count; ordered by name (strcmp). */
const SafetensorsTensor *safetensors_tensor(const Safetensors *file, int index);
const SafetensorsTensor *safetensors_find(const Safetensors *file, const char *name); /* or NULL */
const char *safetensors_metadata(const Safetensors *file, const char *key);           /* or NULL */
const char *safetensors_name(const Safetensors *file); /* the path, for messages */

/* Finds `name` and checks its shape: `rank` sizes, each -1 = any.  Returns NULL with `error` filled. */
const SafetensorsTensor *safetensors_expect(const Safetensors *file, const char *name, int rank,
                                            const int64_t *shape, Error *error);

/* Copies a tensor's `count` values, which must be all of them, as float32 (from F16 BF16 F32 F64) or as
 * int64 (from the integer types and BOOL; U64 above the range of int64 is an error). */
bool safetensors_read_floats(const Safetensors *file, const char *name, float *values, size_t count,
                             Error *error);
bool safetensors_read_integers(const Safetensors *file, const char *name, int64_t *values, size_t count,
                               Error *error);

/* ---- writing ------------------------------------------------------------------------------------ */

typedef struct {
    const char *key, *text;
} SafetensorsText;

/* Writes the file whole or not at all, flushed to the disk.  The bytes depend on the contents alone:
 * tensors are laid out widest element first, then by name, which also aligns each to its element.
 * Names must be distinct, 1 to 255 bytes of UTF-8. */
bool safetensors_write(const char *path, const SafetensorsTensor *tensors, int count,
                       const SafetensorsText *metadata, int metadata_count, Error *error);

#endif
