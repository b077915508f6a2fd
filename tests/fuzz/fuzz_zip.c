/* Any bytes as an archive: refused with a message, or each of its files is refused or read within the
 * limit. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
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
    return 0;
}
