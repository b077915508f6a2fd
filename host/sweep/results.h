/* results.jsonl: what a sweep found, a cell a line, appended as the cells come.  The lines hold nothing
 * that differs between two runs (no times), so a sweep that was killed and continued ends with the same
 * bytes as one that was not. */
#ifndef KAIROS_RESULTS_H
#define KAIROS_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { RESULT_NAME = 48, RESULT_SOLVER = 8 };

typedef struct {
    char schedule[RESULT_NAME]; /* letters, digits and -_.+ (result_name_ok) */
    double order;               /* of err / sigma^order; NAN = none */
    char solver[RESULT_SOLVER]; /* "ddim", "heun" */
    double eta;
    int steps, nfe;
    uint64_t first, last; /* seeds */
    long long images;
    double distance;
} Result;

/* Names become parts of file names and of the report: letters, digits and -_.+, not at first a dot. */
bool result_name_ok(const char *name);

/* "0-4999", first <= last. */
bool result_parse_seeds(const char *text, uint64_t *first, uint64_t *last);

/* Same schedule, order, solver, eta, steps and seeds. */
bool result_same_cell(const Result *a, const Result *b);

/* A line of the file, with its line break.  `text` has room for RESULT_LINE bytes. */
enum { RESULT_LINE = 512 };
void result_line(const Result *result, char *text);
/* `where` stands for the line in messages: "results.jsonl: line 3". */
bool result_parse(const char *text, size_t size, const char *where, Result *result, Error *error);

typedef struct {
    Result *rows; /* in the order of the file */
    size_t count, capacity;
    char *path;
    int descriptor; /* -1: only read */
    bool repaired;  /* the last line was cut short by a kill, and has been removed */
} Results;

/* Reads the file as it is; a last line that is cut short is left out. */
bool results_read(Results *results, const char *path, Error *error);

/* Opens the file for appending, making it if it is absent, and removes a last line that is cut short.
 * Fails if another process has it open for appending. */
bool results_open(Results *results, const char *path, Error *error);

/* The row of this cell, or NULL. */
const Result *results_find(const Results *results, const Result *cell);

/* Adds a line; on the disk when it returns. */
bool results_append(Results *results, const Result *result, Error *error);

void results_close(Results *results);

#endif
