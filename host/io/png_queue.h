/* Encoding and writing of PNG files on threads of their own, so that sampling does not wait for them.
 */
#ifndef KAIROS_IO_PNG_QUEUE_H
#define KAIROS_IO_PNG_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

typedef struct PngQueue PngQueue;

/* `threads` writers; at most `capacity` images wait at a time.  NULL with `error` filled. */
PngQueue *png_queue_create(int threads, int capacity, Error *error);

/* Copies path and pixels ([height][width][channels]) and returns; waits only while the queue is full.
 * The first error of any image is kept and stops all further work: from then on put returns false with
 * that error. */
bool png_queue_put(PngQueue *queue, const char *path, const uint8_t *pixels, int height, int width,
                   int channels, Error *error);

/* Waits until every image is written, ends the threads and frees the queue (NULL is fine).
 * false with the first error, if there was one: then some images are missing. */
bool png_queue_finish(PngQueue *queue, Error *error);

#endif
