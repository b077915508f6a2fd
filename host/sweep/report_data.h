/* The results of a sweep as tables: what the report's charts and tables are drawn from. */
#ifndef KAIROS_REPORT_DATA_H
#define KAIROS_REPORT_DATA_H

#include "sweep/results.h"

/* A solver with its eta. */
typedef struct {
    char solver[RESULT_SOLVER];
    double eta;
} ReportGroup;

typedef struct {
    Results results;
    ReportGroup *groups;
    int *nfe;                       /* increasing */
    char (*schedules)[RESULT_NAME]; /* in the order of the file */
    uint64_t *ranges;               /* first seed of each range */
    int group_count, nfe_count, schedule_count, range_count;
    double *distance;    /* [group][nfe][schedule][range]; NAN = not there (yet) */
    double *own, *other; /* [range]: of two cells while they are compared */
    int baseline;        /* the schedule that others are compared with: edm, else the first */
} ReportData;

/* Of a schedule over those ranges of seeds that all schedules of the column have, the whole ranges; so
 * that what is compared was sampled from the same seeds. */
typedef struct {
    int ranges; /* 0: there is nothing to show */
    double mean, low, high;
    double ratio;                 /* to the baseline's mean; NAN = it has none */
    double ratio_low, ratio_high; /* of the ratios range by range */
    double ratio_error;           /* standard error of the difference from the baseline, over the
                                     baseline's mean; NAN = of one range, or none */
    bool best;                    /* the lowest mean of the column, of two schedules or more */
    bool tied; /* not told apart from the best: of several ranges, the paired differences from it are as
                  small as chance makes them (paired.h); of one, it is within REPORT_NEAR of it */
} ReportCell;

/* Of one range no spread is known.  The shipped model's distances of 5,000 images differ by up to 3 %
 * from one range to another. */
#define REPORT_NEAR 0.05

bool report_data_read(ReportData *data, const char *path, Error *error);
void report_data_free(ReportData *data);

double report_distance(const ReportData *data, int group, int nfe, int schedule, int range);
ReportCell report_cell(const ReportData *data, int group, int nfe, int schedule);
/* The number of whole ranges of the column. */
int report_ranges(const ReportData *data, int group, int nfe);
/* Whether the group has any result of this NFE. */
bool report_has(const ReportData *data, int group, int nfe);
/* The schedule with the lowest mean; -1 = none. */
int report_best(const ReportData *data, int group, int nfe);

/* "deterministic DDIM", "stochastic DDIM, eta 0.5", "Heun" */
void report_group_name(const ReportGroup *group, char name[64]);

#endif
