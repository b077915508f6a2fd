#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "io/dataset.h"

/* One batch is the caller's, one waits, one is being read. */
enum { SLOTS = 3 };

typedef struct {
    float *values;
    int32_t *labels;
    int n;
} Slot;

struct DatasetReader {
    Dataset *dataset;
    int64_t first, end; /* images that are not read yet */
    int batch;
    Slot slots[SLOTS]; /* a ring: `filled` of them, from `head` on; the head may be the caller's */
    int head, filled;
    bool lent;    /* the caller has the head */
    bool stopped; /* nothing more will be filled */
    bool failed;
    Error error;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    bool running;
};

/* A slot to fill; NULL when the reader is being destroyed. */
static Slot *wait_for_room(DatasetReader *reader) {
    pthread_mutex_lock(&reader->mutex);
    while (reader->filled == SLOTS && !reader->stopped)
        pthread_cond_wait(&reader->changed, &reader->mutex);
    Slot *slot = reader->stopped ? NULL : &reader->slots[(reader->head + reader->filled) % SLOTS];
    pthread_mutex_unlock(&reader->mutex);
    return slot;
}

static void hand_over(DatasetReader *reader, bool ok, const Error *error) {
    pthread_mutex_lock(&reader->mutex);
    if (ok) {
        reader->filled++;
    } else {
        reader->failed = reader->stopped = true;
        reader->error = *error;
    }
    pthread_cond_broadcast(&reader->changed);
    pthread_mutex_unlock(&reader->mutex);
}

static void *work(void *argument) {
    DatasetReader *reader = argument;
    bool ok = true;
    while (ok && reader->first < reader->end) {
        Slot *slot = wait_for_room(reader);
        if (slot == NULL) return NULL;
        int64_t left = reader->end - reader->first;
        Error error = {0};
        slot->n = left < reader->batch ? (int)left : reader->batch;
        ok = dataset_read(reader->dataset, reader->first, slot->n, slot->values, slot->labels, &error);
        reader->first += slot->n;
        hand_over(reader, ok, &error);
    }
    pthread_mutex_lock(&reader->mutex);
    reader->stopped = true;
    pthread_cond_broadcast(&reader->changed);
    pthread_mutex_unlock(&reader->mutex);
    return NULL;
}

static bool allocate(DatasetReader *reader, Error *error) {
    DatasetInfo info = dataset_info(reader->dataset);
    size_t image = (size_t)info.h * (size_t)info.w * (size_t)info.c, batch = (size_t)reader->batch;
    for (int i = 0; i < SLOTS; i++) {
        Slot *slot = &reader->slots[i];
        slot->values = batch <= SIZE_MAX / sizeof(float) / image
                           ? malloc(batch * image * sizeof *slot->values)
                           : NULL;
        slot->labels = malloc(batch * sizeof *slot->labels);
        if (slot->values == NULL || slot->labels == NULL)
            return fail(error, "out of memory for %d batches of %zu images of %zu values", SLOTS, batch,
                        image);
    }
    return true;
}

DatasetReader *dataset_reader_create(Dataset *dataset, int64_t first, int64_t count, int batch,
                                     Error *error) {
    int64_t images = dataset_info(dataset).images;
    if (first < 0 || count < 0 || first > images - count || batch < 1) {
        fail(error,
             "images %" PRId64 " to %" PRId64 " in batches of %d, of a data set of %" PRId64 " images",
             first, first + count - 1, batch, images);
        return NULL;
    }
    DatasetReader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        fail(error, "out of memory for reading a data set");
        return NULL;
    }
    reader->dataset = dataset;
    reader->first = first;
    reader->end = first + count;
    reader->batch = count > 0 && count < batch ? (int)count : batch;
    pthread_mutex_init(&reader->mutex, NULL);
    pthread_cond_init(&reader->changed, NULL);
    bool ok = allocate(reader, error);
    int reason = ok ? pthread_create(&reader->thread, NULL, work, reader) : 0;
    if (ok && reason != 0)
        ok = fail(error, "cannot start a thread for reading a data set: %s", strerror(reason));
    reader->running = ok;
    if (ok) return reader;
    dataset_reader_destroy(reader);
    return NULL;
}

int dataset_reader_next(DatasetReader *reader, const float **values, const int32_t **labels,
                        Error *error) {
    int n = 0;
    pthread_mutex_lock(&reader->mutex);
    if (reader->lent) {
        reader->head = (reader->head + 1) % SLOTS;
        reader->filled--;
        reader->lent = false;
        pthread_cond_broadcast(&reader->changed);
    }
    while (reader->filled == 0 && !reader->stopped) pthread_cond_wait(&reader->changed, &reader->mutex);
    if (reader->filled > 0) {
        const Slot *slot = &reader->slots[reader->head];
        *values = slot->values;
        if (labels != NULL) *labels = slot->labels;
        n = slot->n;
        reader->lent = true;
    } else if (reader->failed) {
        fail(error, "%s", reader->error.text);
        n = -1;
    }
    pthread_mutex_unlock(&reader->mutex);
    return n;
}

void dataset_reader_destroy(DatasetReader *reader) {
    if (reader == NULL) return;
    pthread_mutex_lock(&reader->mutex);
    reader->stopped = true;
    pthread_cond_broadcast(&reader->changed);
    pthread_mutex_unlock(&reader->mutex);
    if (reader->running) pthread_join(reader->thread, NULL);
    for (int i = 0; i < SLOTS; i++) {
        free(reader->slots[i].values);
        free(reader->slots[i].labels);
    }
    pthread_cond_destroy(&reader->changed);
    pthread_mutex_destroy(&reader->mutex);
    free(reader);
}
