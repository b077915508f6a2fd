#include "io/png_queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "io/png.h"

typedef struct {
    char *path;
    uint8_t *pixels;
    int height, width, channels;
} Job;

struct PngQueue {
    pthread_mutex_t mutex;
    pthread_cond_t not_empty, not_full;
    Job *jobs; /* a ring of `capacity`: `waiting` of them, from `first` on */
    int capacity, first, waiting;
    bool closed; /* nothing more is put */
    bool failed;
    Error error; /* the first one */
    pthread_t *threads;
    int thread_count;
};

static void free_job(Job job) {
    free(job.path);
    free(job.pixels);
}

/* The next image; false when there is none and will be none. */
static bool take(PngQueue *queue, Job *job) {
    pthread_mutex_lock(&queue->mutex);
    while (queue->waiting == 0 && !queue->closed) pthread_cond_wait(&queue->not_empty, &queue->mutex);
    bool found = queue->waiting > 0;
    if (found) {
        *job = queue->jobs[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->waiting--;
        pthread_cond_signal(&queue->not_full);
    }
    pthread_mutex_unlock(&queue->mutex);
    return found;
}

static bool has_failed(PngQueue *queue) {
    pthread_mutex_lock(&queue->mutex);
    bool failed = queue->failed;
    pthread_mutex_unlock(&queue->mutex);
    return failed;
}

static void keep_error(PngQueue *queue, const Error *error) {
    pthread_mutex_lock(&queue->mutex);
    if (!queue->failed) queue->error = *error;
    queue->failed = true;
    pthread_mutex_unlock(&queue->mutex);
}

static void *work(void *argument) {
    PngQueue *queue = argument;
    Job job;
    while (take(queue, &job)) {
        Error error = {0};
        if (!has_failed(queue) &&
            !png_write(job.path, job.pixels, job.height, job.width, job.channels, &error))
            keep_error(queue, &error);
        free_job(job);
    }
    return NULL;
}

PngQueue *png_queue_create(int threads, int capacity, Error *error) {
    if (threads < 1) threads = 1;
    if (capacity < 1) capacity = 1;
    PngQueue *queue = calloc(1, sizeof *queue);
    if (queue == NULL) {
        fail(error, "out of memory for a queue of images");
        return NULL;
    }
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->not_empty, NULL);
    pthread_cond_init(&queue->not_full, NULL);
    queue->capacity = capacity;
    queue->jobs = calloc((size_t)capacity, sizeof *queue->jobs);
    queue->threads = calloc((size_t)threads, sizeof *queue->threads);
    if (queue->jobs == NULL || queue->threads == NULL) {
        fail(error, "out of memory for a queue of %d images", capacity);
        png_queue_finish(queue, NULL);
        return NULL;
    }
    while (queue->thread_count < threads) {
        int reason = pthread_create(&queue->threads[queue->thread_count], NULL, work, queue);
        if (reason != 0) {
            fail(error, "cannot start a thread for writing images: %s", strerror(reason));
            png_queue_finish(queue, NULL);
            return NULL;
        }
        queue->thread_count++;
    }
    return queue;
}

bool png_queue_put(PngQueue *queue, const char *path, const uint8_t *pixels, int height, int width,
                   int channels, Error *error) {
    if (height < 1 || width < 1 || channels < 1)
        return fail(error, "%s: an image of %d x %d pixels with %d channels", path, width, height,
                    channels);
    size_t size = (size_t)height * (size_t)width * (size_t)channels;
    Job job = {strdup(path), malloc(size), height, width, channels};
    if (job.path == NULL || job.pixels == NULL) {
        free_job(job);
        return fail(error, "%s: out of memory for its pixels", path);
    }
    memcpy(job.pixels, pixels, size);
    pthread_mutex_lock(&queue->mutex);
    while (queue->waiting == queue->capacity && !queue->failed)
        pthread_cond_wait(&queue->not_full, &queue->mutex);
    bool ok = !queue->failed;
    if (ok) {
        queue->jobs[(queue->first + queue->waiting) % queue->capacity] = job;
        queue->waiting++;
        pthread_cond_signal(&queue->not_empty);
    } else {
        fail(error, "%s", queue->error.text);
    }
    pthread_mutex_unlock(&queue->mutex);
    if (!ok) free_job(job);
    return ok;
}

bool png_queue_finish(PngQueue *queue, Error *error) {
    if (queue == NULL) return true;
    pthread_mutex_lock(&queue->mutex);
    queue->closed = true;
    pthread_cond_broadcast(&queue->not_empty);
    pthread_mutex_unlock(&queue->mutex);
    for (int i = 0; i < queue->thread_count; i++) pthread_join(queue->threads[i], NULL);
    bool ok = !queue->failed;
    if (!ok) fail(error, "%s", queue->error.text);
    pthread_cond_destroy(&queue->not_full);
    pthread_cond_destroy(&queue->not_empty);
    pthread_mutex_destroy(&queue->mutex);
    free(queue->jobs);
    free(queue->threads);
    free(queue);
    return ok;
}
