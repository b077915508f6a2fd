/* Checksums of PNG and ZIP, so that what lies behind them can be tested with other bytes. */
#ifndef KAIROS_TESTS_CHECKSUMS_H
#define KAIROS_TESTS_CHECKSUMS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* CRC-32 as of ISO 3309. */
static inline uint32_t crc32_of(const uint8_t *data, size_t size) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* Gives each chunk of a PNG the checksum of its bytes, as far as the lengths make sense. */
static inline void mend_png(uint8_t *png, size_t size) {
    size_t at = 8;
    while (at + 12 <= size) {
        size_t length = (size_t)png[at] << 24 | (size_t)png[at + 1] << 16 | (size_t)png[at + 2] << 8 |
                        (size_t)png[at + 3];
        if (length > size - at - 12) return;
        uint32_t crc = crc32_of(png + at + 4, length + 4);
        uint8_t bytes[4] = {(uint8_t)(crc >> 24), (uint8_t)(crc >> 16), (uint8_t)(crc >> 8),
                            (uint8_t)crc};
        memcpy(png + at + 8 + length, bytes, 4);
        at += length + 12;
    }
}

#endif
