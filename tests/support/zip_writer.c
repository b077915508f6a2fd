#include "support/zip_writer.h"

#include <stdlib.h>
#include <string.h>

#include "support/checksums.h"
#include "support/files.h"

typedef struct {
    uint8_t *bytes;
    size_t size;
} Buffer;

static void put(Buffer *buffer, const void *data, size_t size) {
    buffer->bytes = realloc(buffer->bytes, buffer->size + size + 1);
    memcpy(buffer->bytes + buffer->size, data, size);
    buffer->size += size;
}

static void put_number(Buffer *buffer, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) put(buffer, &(uint8_t){(uint8_t)(value >> 8 * i)}, 1);
}

/* What the header before the data and the one in the index have in common. */
static void put_fields(Buffer *buffer, const ZipEntry *entry) {
    put_number(buffer, 20, 2); /* version needed */
    put_number(buffer, (unsigned)entry->flags, 2);
    put_number(buffer, (unsigned)entry->method, 2);
    put_number(buffer, 0x00210000, 4); /* 1 January 1980 */
    put_number(buffer, entry->crc != 0 ? entry->crc : crc32_of(entry->data, entry->size), 4);
    put_number(buffer, entry->size, 4);
    put_number(buffer, entry->unpacked != 0 ? entry->unpacked : entry->size, 4);
    put_number(buffer, strlen(entry->name), 2);
    put_number(buffer, 0, 2); /* extra fields */
}

void zip_make(const ZipEntry *entries, int count, uint8_t **archive, size_t *size) {
    Buffer file = {0}, index = {0};
    for (int i = 0; i < count; i++) {
        const ZipEntry *entry = &entries[i];
        put_number(&index, 0x02014b50, 4);
        put_number(&index, 20, 2); /* version made by */
        put_fields(&index, entry);
        put_number(&index, 0, 4); /* comment, disk */
        put_number(&index, 0, 6); /* attributes */
        put_number(&index, file.size, 4);
        put(&index, entry->name, strlen(entry->name));
        put_number(&file, 0x04034b50, 4);
        put_fields(&file, entry);
        put(&file, entry->name, strlen(entry->name));
        put(&file, entry->data, entry->size);
    }
    size_t begin = file.size;
    if (index.size > 0) put(&file, index.bytes, index.size);
    put_number(&file, 0x06054b50, 4);
    put_number(&file, 0, 4); /* disks */
    put_number(&file, (unsigned)count, 2);
    put_number(&file, (unsigned)count, 2);
    put_number(&file, index.size, 4);
    put_number(&file, begin, 4);
    put_number(&file, 0, 2); /* comment */
    free(index.bytes);
    *archive = file.bytes;
    *size = file.size;
}

void zip_write(const char *path, const ZipEntry *entries, int count) {
    uint8_t *bytes;
    size_t size;
    zip_make(entries, count, &bytes, &size);
    write_bytes(path, bytes, size);
    free(bytes);
}
