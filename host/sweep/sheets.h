/* Sheets: the first images of a cell's seeds side by side, for the report. */
#ifndef KAIROS_SHEETS_H
#define KAIROS_SHEETS_H

#include "sweep/results.h"

enum { SHEET_NAME = 128 };

/* "sheets/edm-ddim-eta0-nfe8-seed5000.png": with the first of its seeds. */
void sheet_name(const Result *cell, char name[SHEET_NAME]);

/* The path of the cell's sheet, if the folder has it; `path` has room for PATH_MAX bytes.  In folders
 * of before the names say no seeds: such a sheet is of the seeds with which the results begin. */
bool sheet_find(const char *outdir, const Results *results, const Result *cell, char *path);

#endif
