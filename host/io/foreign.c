#include "io/foreign.h"

#include <string.h>
#include <strings.h>

typedef struct {
    const char *begin; /* of the file, behind white space */
    size_t size;
    const char *what, *advice; /* "" = none */
} Kind;

#define BEGIN(text) text, sizeof text - 1

static const Kind kinds[] = {
    {BEGIN("version https://git-lfs"), "a pointer of git-lfs, not the file that it stands for",
     ": 'git lfs pull' fetches that"},
    {BEGIN("<!doctype html"), "an HTML page", ": a download has fetched a page instead of the file"},
    {BEGIN("<html"), "an HTML page", ": a download has fetched a page instead of the file"},
    {BEGIN("<?xml"), "an XML file", ""},
    {BEGIN("PK\3\4"), "a ZIP archive", ""},
    {BEGIN("\x89PNG"), "a PNG image", ""},
    {BEGIN("\xff\xd8\xff"), "a JPEG image", ""},
    {BEGIN("\x93NUMPY"), "a NumPy array", ""},
    {BEGIN("\x89HDF"), "an HDF5 file", ""},
    {BEGIN("\x1f\x8b"), "a gzip file", ": unpack it first"},
    {BEGIN("{"), "a JSON file", ""},
};

static const Kind pickle = {"", 0, "a Python pickle",
                            ": scripts/convert_weights.py makes a safetensors file of a published one"};

/* A pickle of the protocols 2 to 5 begins so. */
static bool is_pickle(const unsigned char *bytes, size_t size) {
    return size >= 2 && bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5;
}

static const Kind *find_kind(const char *data, size_t size) {
    if (is_pickle((const unsigned char *)data, size)) return &pickle;
    while (size > 0 && strchr(" \t\r\n", *data) != NULL && *data != '\0') data++, size--;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (size >= kinds[i].size && strncasecmp(data, kinds[i].begin, kinds[i].size) == 0)
            return &kinds[i];
    return NULL;
}

bool fail_as_foreign(const char *name, const void *data, size_t size, const char *expected,
                     Error *error) {
    const Kind *kind = find_kind(data, size);
    if (kind == NULL || strcmp(kind->what, expected) == 0) return false;
    return fail(error, "%s is %s, expected %s%s", name, kind->what, expected, kind->advice);
}
