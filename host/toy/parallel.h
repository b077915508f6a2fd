/* Independent tasks on all cores. */
#ifndef KAIROS_TOY_PARALLEL_H
#define KAIROS_TOY_PARALLEL_H

#include "error.h"
#include "io/progress.h"

/* A task writes its results where only it writes, so that the order does not matter. */
typedef bool (*ParallelTask)(void *context, long long index, Error *error);

/* Runs tasks 0 .. count - 1 on `threads` threads (0: one for each core), each task once.  After a
 * failure no new ones begin, and `error` is that of the lowest index that failed.  progress (may be
 * NULL) is told of each. */
bool parallel_run(ParallelTask task, void *context, long long count, int threads, Progress *progress,
                  Error *error);

#endif
