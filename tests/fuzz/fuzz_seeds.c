/* Any text as a list of seeds, and as a number: refused with a message, or within bounds. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/numbers.h"
#include "io/seeds.h"

static void expect(int condition) {
    if (!condition) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { LIMIT = 1000 };
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    Error error = {0};
    Seeds seeds;
    if (seeds_parse(text, LIMIT, &seeds, &error))
        expect(seeds.count >= 1 && seeds.count <= LIMIT);
    else
        expect(error.text[0] != '\0' && seeds.values == NULL);
    free(seeds.values);

    int64_t integer;
    double numbers[8];
    int count;
    if (parse_integer(text, "integer", -5, 1 << 20, &integer, &error))
        expect(integer >= -5 && integer <= 1 << 20);
    if (parse_doubles(text, "numbers", 0, INFINITY, numbers, 8, &count, &error)) {
        expect(count >= 1 && count <= 8);
        for (int i = 0; i < count; i++) expect(numbers[i] >= 0 && isfinite(numbers[i]));
    }
    free(text);
    return 0;
}
