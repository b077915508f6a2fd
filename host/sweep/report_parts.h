/* The parts of the report's page; only its own files know this header. */
#ifndef KAIROS_REPORT_PARTS_H
#define KAIROS_REPORT_PARTS_H

#include <jansson.h>
#include <stdio.h>

#include "sweep/report_chart.h"
#include "sweep/report_data.h"
#include "sweep/sweep_floor.h"

typedef struct {
    FILE *page;
    const char *outdir;
    ReportData data;
    json_t *sweep;      /* sweep.json, or an empty object */
    json_t *manifest;   /* run.json, or an empty object */
    SweepFloor floor;   /* of no images: not known */
    ChartPoint *points; /* for a chart's lines: room for every schedule at every x */
    ChartLine *lines;
} Report;

/* As the text of HTML; control characters are left out. */
void report_text(FILE *page, const char *text);

/* A schedule's mark and name in its colour; and those of a chart's lines, one after the other. */
void report_key(FILE *page, int schedule, const char *name);
void report_keys(FILE *page, const ChartLine *lines, int count);

void report_head(const Report *r);    /* the title, what the sweep is of, and its settings */
void report_summary(const Report *r); /* a sentence for each solver: which schedule to take */
void report_distances(Report *r);     /* for each solver charts and a table */
void report_levels(Report *r);        /* where the schedules' steps are */
void report_images(const Report *r);  /* the same seeds under each schedule */

#endif
