/* Any bytes as an archive: refused with a message, or each of its files is refused or read within the
 * limit. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/file_set.h"

static void expect(int condition) {
    if (!condition) abort();
}

static void check_name(const FileSet *set, int64_t i) {
    const char *name = file_set_name(set, i);
    char title[512];
    expect(name[0] != '\0' && name[0] != '/' && name[0] != '.' && strchr(name, '\\') == NULL);
    expect(strstr(name, "/.") == NULL && strstr(name, "//") == NULL);
    expect(i == 0 || strcmp(file_set_name(set, i - 1), name) < 0);
    expect(file_set_find(set, name) == i);
    expect(strlen(file_set_title(set, i, title)) < sizeof title);
}

static void try_bytes(const uint8_t *data, size_t size) {
    enum { LIMIT = 1 << 16 };
    Error error = {0};
    FileSet *set = file_set_open_memory(data, size, "fuzz", &error);
    expect(set != NULL || error.text[0] != '\0');
    for (int64_t i = 0; set != NULL && i < file_set_count(set); i++) {
        char *content = NULL;
        size_t length = 0;
        Error reason = {0};
        check_name(set, i);
        if (file_set_read(set, i, LIMIT, &content, &length, &reason))
            expect(length <= LIMIT && content[length] == '\0');
        else
            expect(content == NULL && reason.text[0] != '\0');
        free(content);
    }
    file_set_close(set);
}

static void put_number(uint8_t *bytes, size_t value, int count) {
    for (int i = 0; i < count; i++) bytes[i] = (uint8_t)(value >> 8 * i);
}

/* Makes the end of the archive say where its index lies and how many entries that has, and each of
 * these where its data lie: most changes break that. */
static void mend(uint8_t *zip, size_t size) {
    size_t end = size, data = 0, count = 0;
    for (size_t i = 0; i + 22 <= size; i++)
        if (memcmp(zip + i, "PK\5\6", 4) == 0) end = i;
    if (end == size) return;
    size_t index = end;
    for (size_t i = 0; i + 46 <= end; i++) {
        if (memcmp(zip + i, "PK\1\2", 4) != 0) continue;
        if (count++ == 0) index = i;
        while (data + 4 < index && memcmp(zip + data, "PK\3\4", 4) != 0) data++;
        put_number(zip + i + 42, data, 4);
        data += data < index;
    }
    memset(zip + end + 4, 0, 4);
    put_number(zip + end + 8, count, 2);
    put_number(zip + end + 10, count, 2);
    put_number(zip + end + 12, end - index, 4);
    put_number(zip + end + 16, index, 4);
    put_number(zip + end + 20, size - end - 22, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_bytes(data, size);
    uint8_t *mended = malloc(size + !size);
    memcpy(mended, data, size);
    mend(mended, size);
    try_bytes(mended, size);
    free(mended);
    return 0;
}
