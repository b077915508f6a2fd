/* Two sets of settings, JSON objects: what a file was made with, and what this run has. */
#ifndef KAIROS_IO_SETTINGS_DIFFERENCE_H
#define KAIROS_IO_SETTINGS_DIFFERENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Room for the text of any difference; longer names and values are cut. */
enum { SETTINGS_DIFFERENCE = 320 };

/* Whether they differ; if so `text` names the first key that does, and both values: "eta: 0 then, 1
 * now", "sigma: 5 values then, 6 now", "sigma[2]: 1.5 then, 1.25 now", "source.order: 2 then, nothing
 * now". Keys come in the order of `now`, then those that only `then` has.  Whole numbers and real ones
 * that are equal are the same value.  NULL differs from every object as a whole. */
bool settings_differ(const json_t *then, const json_t *now, char text[SETTINGS_DIFFERENCE]);

#endif
