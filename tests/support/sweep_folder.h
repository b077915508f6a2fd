/* Folders of a sweep with few results, for the tests of its report. */
#ifndef KAIROS_TESTS_SWEEP_FOLDER_H
#define KAIROS_TESTS_SWEEP_FOLDER_H

#include "sweep/results.h"

/* In the folder of the test program (support/files.h), with nothing in it that a report reads. */
const char *empty_sweep_folder(const char *name);

/* Opens its results, to which add_result appends a cell of ten images, seeds `first` and on. */
Results open_results(const char *folder);
void add_result(Results *results, const char *schedule, double eta, int nfe, uint64_t first,
                double distance);

void write_text(const char *folder, const char *name, const char *text);

/* Deterministic, NFE 8: three schedules over two ranges of seeds, rescaled 5 and 6, edm 10.4 and 11.6,
 * entropic 6 and 5.5.  Stochastic, NFE 16: edm over one range, 4. */
const char *sweep_folder(void);

#endif
