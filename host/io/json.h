/* JSON files that people write: presets, schedules, manifests.  Read by a table of fields, so that
 * every message names the file and the key, and a misspelt key is an error. */
#ifndef KAIROS_IO_JSON_H
#define KAIROS_IO_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* One JSON value; duplicate keys, numbers out of range and deep nesting are errors.  Free the result
 * with json_decref.  NULL with `error` filled.  `name` stands for the file in messages. */
json_t *json_read_file(const char *path, size_t limit, Error *error); /* at most `limit` bytes */
json_t *json_parse_text(const char *text, size_t size, const char *name, Error *error);

/* A name of a file or another text of the command line as a JSON string, which must be UTF-8: each
 * other byte becomes U+FFFD.  NULL for NULL, or without memory. */
json_t *json_name(const char *text);

/* Writes the value, indented, whole or not at all, flushed to the disk. */
bool json_write_file(const char *path, const json_t *value, Error *error);

typedef enum {
    JSON_FIELD_BOOL,    /* bool */
    JSON_FIELD_INT,     /* int */
    JSON_FIELD_INT64,   /* int64_t */
    JSON_FIELD_DOUBLE,  /* double; a whole number will do */
    JSON_FIELD_TEXT,    /* const char *, owned by the json_t */
    JSON_FIELD_DOUBLES, /* JsonDoubles: an array of numbers; free values */
    JSON_FIELD_INTS,    /* JsonInts: an array of whole numbers; free values */
    JSON_FIELD_OBJECT,  /* const json_t *, owned by the parent; read it with a table of its own */
    JSON_FIELD_ARRAY    /* const json_t *, the same */
} JsonFieldKind;

typedef struct {
    double *values;
    size_t count;
} JsonDoubles;

typedef struct {
    int *values;
    size_t count;
} JsonInts;

typedef struct {
    const char *key;
    JsonFieldKind kind;
    void *value; /* of the type that the kind says; kept as it is if the key is absent */
    bool required;
    double low, high; /* numbers (each of a list): the accepted range, inclusive; both 0 = any */
} JsonField;

/* Reads the fields of an object; a key that is in no field is an error.  `where` names the object in
 * messages: the file ("configs/x.json"), or file and key ("configs/x.json: network").
 * Lists must be empty ({0}) or allocated before; after an error they can be freed all the same. */
bool json_read_fields(const json_t *object, const char *where, const JsonField *fields, int count,
                      Error *error);

#endif
