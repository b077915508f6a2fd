/* Differences of pairs: what two schedules make of the same seeds, range by range. */
#ifndef KAIROS_PAIRED_H
#define KAIROS_PAIRED_H

#include <stdbool.h>

typedef struct {
    int count;             /* of the pairs */
    double mean;           /* of a - b */
    double standard_error; /* of the mean; NAN = one pair tells nothing of it */
} Paired;

/* Of the first `count` pairs, of which at least one is expected; else all NAN. */
Paired paired_differences(const double *a, const double *b, int count);

/* Whether the mean is so far from 0 as that of equal ones is in 1 of 20 cases at most: farther than the
 * two-sided 95 % quantile of Student's t times the standard error.  Never of one pair. */
bool paired_differ(const Paired *paired);

/* The 97.5 % quantile of Student's t of `degrees` >= 1 degrees of freedom: a table up to 10, then its
 * expansion in 1 / degrees (Abramowitz and Stegun 26.7.5), within 2e-4. */
double student_quantile(int degrees);

#endif
