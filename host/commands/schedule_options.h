/* The options that choose a schedule, for every command that takes one. */
#ifndef KAIROS_SCHEDULE_OPTIONS_H
#define KAIROS_SCHEDULE_OPTIONS_H

#include <limits.h>

#include "io/options.h"
#include "schedule/schedule_kinds.h"

typedef struct {
    /* options; until schedule_options_check, those that were not given are 0 or NULL */
    const char *name;        /* a kind or a file */
    int rule;                /* index of integration_rules; not given: -1 */
    ScheduleRequest request; /* its order, not given: NaN */
    /* found by schedule_options_check */
    const char *file; /* NULL: the request says which */
} ScheduleOptions;

ScheduleOptions schedule_options_defaults(void);

/* Fills `options`, which has room for SCHEDULE_OPTIONS, with entries of a command's table, of which
 * `name` is the one that chooses; returns how many there are. */
enum { SCHEDULE_OPTIONS = 10 };
int schedule_options(ScheduleOptions *s, Option name, Option *options);

/* Settles the kind and what was not given; refuses wrong usage that the table of options cannot see,
 * also options that would change nothing: those of other kinds, and any of them beside a file.
 * fallback: the kind of a command line without one.  option: the name of the one that chooses
 * ("schedule"). */
bool schedule_options_check(ScheduleOptions *s, const char *option, ScheduleKind fallback,
                            Error *error);

/* The files that the levels are made of, NULL where there is none: the schedule, the curve, and the
 * spectrum, whose name may be put into `memory`. */
enum { SCHEDULE_FILES = 3 };
void schedule_options_files(const ScheduleOptions *s, char memory[PATH_MAX],
                            const char *files[SCHEDULE_FILES]);

/* Makes or reads the levels. */
bool schedule_options_make(const ScheduleOptions *s, Schedule *schedule, Error *error);

#endif
