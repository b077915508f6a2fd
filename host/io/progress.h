/* Progress of a long command, on standard error: a bar redrawn in place on a terminal, else a line
 * every 10 seconds. */
#ifndef KAIROS_IO_PROGRESS_H
#define KAIROS_IO_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Seconds of a clock that never goes back; only differences mean something. */
double monotonic_seconds(void);

typedef struct {
    FILE *stream;      /* NULL = quiet */
    const char *label; /* "sampling" */
    const char *unit;  /* "images" */
    long long total, done;
    long long start; /* done before this run (a resumed job), which does not count for the rate */
    double began, shown;
    bool terminal;
    int width; /* of the line drawn last, on a terminal */
} Progress;

/* The strings must outlive the progress.  `done` of `total` units are there already. */
void progress_begin(Progress *progress, const char *label, const char *unit, long long done,
                    long long total, bool quiet);
/* Cheap: draws at most 10 times a second, so it may be called for every unit. */
void progress_update(Progress *progress, long long done);
/* The last line: what was done, in what time, at what rate.  Also for a run that stopped early. */
void progress_end(Progress *progress);

/* The line for `seconds` since the beginning, without line break, at most `columns` wide (terminal:
 * with a bar).  Returns `text`. */
const char *progress_line(const Progress *progress, double seconds, int columns, bool finished,
                          char *text, size_t size);

#endif
