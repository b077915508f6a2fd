/* Schedules by the name of their kind, with the files that they are made from. */
#ifndef KAIROS_SCHEDULE_KINDS_H
#define KAIROS_SCHEDULE_KINDS_H

#include <jansson.h>
#include <stdbool.h>

#include "error.h"
#include "schedule/schedule.h"
#include "schedule/times.h"

typedef enum {
    SCHEDULE_EDM,         /* equal steps in sigma^(1/rho) */
    SCHEDULE_LOG_UNIFORM, /* in ln sigma */
    SCHEDULE_GAUSSIAN,    /* in arctan(sigma / c) */
    SCHEDULE_ENTROPIC,    /* in the entropic time of a curve */
    SCHEDULE_RESCALED,    /* in its rescaled entropic time */
    SCHEDULE_SPECTRAL,    /* in the spectral time of its spectrum */
    SCHEDULE_ORDER        /* in the integral of err / sigma^order of a curve */
} ScheduleKind;

extern const char *const schedule_kinds[];    /* their names, in this order, then NULL */
extern const char *const integration_rules[]; /* those of IntegrationRule, then NULL */

typedef struct {
    ScheduleKind kind;
    int steps;
    double sigma_min, sigma_max; /* 0: the ends of the curve; without a curve, EDM's 0.002 and 80 */
    double rho;                  /* of edm */
    double c;                    /* of gaussian */
    double order;                /* of order */
    IntegrationRule rule;        /* of the kinds that integrate */
    const char *curve;           /* file; NULL = none; not read by the kinds that need none */
    const char *spectrum;        /* file, of spectral; NULL: the one beside the curve */
} ScheduleRequest;

/* 32 steps of edm with rho = 7, c = 0.5 (the standard deviation of EDM2's data). */
ScheduleRequest schedule_request_defaults(void);

/* Whether a setting ("rho", "c", "curve", "rule", "spectrum"; any other is of all kinds) changes
 * schedules of this kind; if not, `kinds` lists those that it does: "entropic, rescaled, spectral,
 * order". */
enum { SCHEDULE_KINDS_TEXT = 128 };
bool schedule_kind_uses(ScheduleKind kind, const char *setting, char kinds[SCHEDULE_KINDS_TEXT]);

/* Index in schedule_kinds, or -1. */
int schedule_kind_of(const char *name);

/* Fails if the kind needs a file that the request does not name. */
bool schedule_request_check(const ScheduleRequest *request, Error *error);

/* Reads what the kind needs and makes the levels.  Errors name the file. */
bool schedule_make(Schedule *schedule, const ScheduleRequest *request, Error *error);

/* What the levels were made from, as an object for provenance: the kind, its parameters, the file and
 * the hash of its contents.  NULL with `error` filled. */
json_t *schedule_request_describe(const ScheduleRequest *request, Error *error);

#endif
