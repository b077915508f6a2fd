/* Data sets in EDM's form: a ZIP file (stored, not compressed) or a folder, of PNG or NPY images, with
 * dataset.json at the top for the labels ({"labels": [["00000/img00000000.png", 6], ...]} or null); one
 * that is only in a folder below is an error, as the labels would be missing.
 *
 * Every file is taken for hostile: sizes are checked before they are trusted, names may not leave the
 * folder, and no image takes more memory than its sizes say.  Hidden files and those that are no images
 * are passed over; images of other formats (JPEG, ...) are an error, as they would be missing. */
#ifndef KAIROS_IO_DATASET_H
#define KAIROS_IO_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

typedef struct Dataset Dataset;

/* Lists the images (sorted by name, as EDM's ImageFolderDataset does) and reads the labels; the sizes
 * are those of the first image, which all others must share.  Other images are not opened before they
 * are read; what has changed by then is an error.  NULL with `error` filled. */
Dataset *dataset_open(const char *path, Error *error);
void dataset_close(Dataset *dataset); /* NULL is fine */

typedef struct {
    int64_t images;
    int h, w, c;
    int label_dim; /* largest label + 1; 0 = the data set has no labels */
    uint64_t hash; /* of names, sizes, and checksums (ZIP) or times (folder) of images and labels */
} DatasetInfo;
DatasetInfo dataset_info(const Dataset *dataset);

/* Puts the images into a random order, which the seed and their number alone decide: from then on image
 * i is another one.  Not while one is being read. */
bool dataset_shuffle(Dataset *dataset, uint64_t seed, Error *error);
/* Where image i stands in the order of names: i itself before dataset_shuffle. */
int64_t dataset_place(const Dataset *dataset, int64_t i);
/* Data set and file of image i, for messages. */
const char *dataset_title(const Dataset *dataset, int64_t i, char text[512]);

/* Reads images [first, first + n) as values [n,h,w,c]: bytes (PNG, NPY of uint8 [c,h,w]) become
 * b / 127.5 - 1; NPY of float32 [c,h,w] (latents) are taken as they are and must be finite.
 * labels: [n], -1 without labels; may be NULL.  May be called from several threads. */
bool dataset_read(Dataset *dataset, int64_t first, int n, float *values, int32_t *labels, Error *error);

/* Reads batches ahead on a thread of its own, a bounded number of them, so that the network never
 * waits. */
typedef struct DatasetReader DatasetReader;

/* Images [first, first + count) in batches of `batch` (the last may be smaller). */
DatasetReader *dataset_reader_create(Dataset *dataset, int64_t first, int64_t count, int batch,
                                     Error *error);
/* The next batch, valid until the next call: its size n, 0 after the last; -1 with `error` filled. */
int dataset_reader_next(DatasetReader *reader, const float **values, const int32_t **labels,
                        Error *error);
void dataset_reader_destroy(DatasetReader *reader);

#endif
