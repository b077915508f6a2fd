/* Statistics in files: reference statistics (safetensors: mu [D], sigma [D,D] F64; metadata
 * num_images), and the sums of a run that may be killed. */
#ifndef KAIROS_STATISTICS_FILE_H
#define KAIROS_STATISTICS_FILE_H

#include "io/safetensors.h"
#include "quality/statistics.h"

/* Reads PREFIXmu and PREFIXsigma; `prefix` is "" or, for other statistics in the same file, as "test.".
 * Fails unless everything is finite and sigma symmetric. */
bool gaussian_read(Gaussian *gaussian, const char *path, const char *prefix, Error *error);
bool gaussian_parse(Gaussian *gaussian, const Safetensors *file, const char *prefix, Error *error);
/* Fails unless the statistics in `path` are of the features of the network in `detector_path`. */
bool gaussian_check(const Gaussian *gaussian, const char *path, int features, uint64_t detector,
                    const char *detector_path, Error *error);
/* Of mean and covariance: the same statistics may be in files of several names. */
uint64_t gaussian_hash(const Gaussian *gaussian);
bool gaussian_write(const Gaussian *gaussian, const char *path, Error *error);

/* The sums, with a text that tells what they are of.  Reading fails if the file's text is another. */
bool statistics_write(const Statistics *statistics, const char *path, const char *settings,
                      Error *error);
/* The text of such a file, allocated; NULL with `error` filled. */
char *statistics_settings(const char *path, Error *error);
/* `statistics` was created with the number of features that the file must have. */
bool statistics_read(Statistics *statistics, const char *path, const char *settings, Error *error);

#endif
