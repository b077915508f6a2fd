#include "toy/parallel.h"

#include <pthread.h>
#include <unistd.h>

enum { MAX_THREADS = 256 };

typedef struct {
    pthread_mutex_t lock; /* of all that follows */
    long long next, count, done, failed_index;
    bool failed;
    Error error;
    Progress *progress;
    ParallelTask task;
    void *context;
} Team;

static void *work(void *argument) {
    Team *team = argument;
    pthread_mutex_lock(&team->lock);
    while (team->next < team->count && !team->failed) {
        const long long index = team->next++;
        Error error = {""};
        pthread_mutex_unlock(&team->lock);
        const bool ok = team->task(team->context, index, &error);
        pthread_mutex_lock(&team->lock);
        if (!ok && (!team->failed || index < team->failed_index)) {
            team->failed = true;
            team->failed_index = index;
            team->error = error;
        }
        team->done++;
        if (team->progress != NULL) progress_update(team->progress, team->done);
    }
    pthread_mutex_unlock(&team->lock);
    return NULL;
}

bool parallel_run(ParallelTask task, void *context, long long count, int threads, Progress *progress,
                  Error *error) {
    Team team = {.lock = PTHREAD_MUTEX_INITIALIZER,
                 .count = count,
                 .progress = progress,
                 .task = task,
                 .context = context};
    pthread_t helper[MAX_THREADS];
    int helpers = 0;
    long wanted = threads > 0 ? threads : sysconf(_SC_NPROCESSORS_ONLN);
    if (wanted > count) wanted = (long)count;
    if (wanted > MAX_THREADS) wanted = MAX_THREADS;
    /* A helper that cannot be had is no failure: the others do its share. */
    while (helpers < wanted - 1 && pthread_create(&helper[helpers], NULL, work, &team) == 0) helpers++;
    work(&team);
    for (int i = 0; i < helpers; i++) pthread_join(helper[i], NULL);
    pthread_mutex_destroy(&team.lock);
    return !team.failed || fail(error, "%s", team.error.text);
}
