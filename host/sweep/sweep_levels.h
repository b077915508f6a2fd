/* The noise levels of a sweep's schedules, and sweep.json, which keeps them. */
#ifndef KAIROS_SWEEP_LEVELS_H
#define KAIROS_SWEEP_LEVELS_H

#include "sweep/sweep_config.h"

typedef struct {
    int schedule; /* index in the configuration */
    Schedule levels;
} SweepLevels;

typedef struct {
    SweepLevels *items;
    int count;
} SweepLevelsList;

/* Makes the levels that the cells need, each once. */
bool sweep_levels_make(SweepLevelsList *list, const SweepConfig *config, const SweepCell *cells,
                       int cell_count, Error *error);
void sweep_levels_free(SweepLevelsList *list);

const Schedule *sweep_levels_find(const SweepLevelsList *list, int schedule, int steps);

/* Writes OUTDIR/sweep.json.  If it is there and there are results, schedules that it does not have are
 * added, and one whose levels are others than the folder's results were made with is refused. */
bool sweep_levels_keep(const SweepLevelsList *list, const SweepConfig *config, const char *net_name,
                       int cells, const char *outdir, bool results, Error *error);

#endif
