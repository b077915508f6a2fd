/* ZIP archives with full control of every field, lies included. */
#ifndef KAIROS_TESTS_ZIP_WRITER_H
#define KAIROS_TESTS_ZIP_WRITER_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;
    const void *data; /* as it lies in the archive */
    size_t size;
    int method;        /* 0 stored, 8 deflated */
    uint32_t unpacked; /* what the archive claims; 0 = size */
    uint32_t crc;      /* 0 = that of data */
    int flags;         /* 1 encrypted */
} ZipEntry;

/* *archive is allocated (free it). */
void zip_make(const ZipEntry *entries, int count, uint8_t **archive, size_t *size);
void zip_write(const char *path, const ZipEntry *entries, int count);

#endif
