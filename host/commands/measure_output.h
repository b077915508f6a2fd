/* What a measurement leaves, and what an earlier one left under the same name. */
#ifndef KAIROS_MEASURE_OUTPUT_H
#define KAIROS_MEASURE_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>

#include "error.h"
#include "schedule/curve.h"

typedef struct {
    const char *net, *data; /* their names, which are none of the settings; data: NULL = none */
    int count;              /* the command line after "kairos measure" */
    char **arguments;
} MeasureOrigin;

/* After outputs_check: a file that kairos did not make may be replaced.
 * *done: the curve `out` is there, with its spectrum if it is to have one, and was measured with these
 * settings.  Fails if something else is there that this measurement would replace, or a spectrum that
 * would be taken for this curve's.  state: the file of an unfinished measurement.
 * any_device: settings.h. */
bool measure_output_check(const char *out, const char *state, bool spectral, json_t *settings,
                          bool any_device, bool *done, Error *error);

/* Writes the curve with its settings and origin as provenance. */
bool measure_output_write(const Curve *curve, const char *out, const json_t *settings,
                          const MeasureOrigin *origin, Error *error);

/* One line on standard output. */
void measure_output_report(const Curve *curve, const char *out);

#endif
