/* The report of a sweep: one HTML file without scripts and without anything fetched, made from what
 * the sweep's folder holds. */
#ifndef KAIROS_REPORT_H
#define KAIROS_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "error.h"

/* Writes OUTDIR/report.html from OUTDIR/results.jsonl, sweep.json, run.json and sheets/; what there is
 * of them.  The same results make the same bytes. */
bool report_write(const char *outdir, Error *error);

/* The tables of OUTDIR/results.jsonl alone, for a terminal. */
bool report_print(const char *outdir, FILE *stream, Error *error);

#endif
