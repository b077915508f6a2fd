/* Any bytes as a preset or schedule file: refused with a message, or read into fields within bounds. */
#include <math.h>
#include <stdlib.h>

#include "io/json.h"

static void expect(int condition) {
    if (!condition) abort();
}

static bool read_network(const json_t *object, Error *error) {
    bool flag = false;
    int channels = 0;
    JsonInts blocks = {0};
    const JsonField fields[] = {
        {"channels", JSON_FIELD_INT, &channels, true, 1, 4096},
        {"blocks", JSON_FIELD_INTS, &blocks, false, 0, 0},
        {"flag", JSON_FIELD_BOOL, &flag, false, 0, 0},
    };
    bool ok = json_read_fields(object, "fuzz: network", fields, 3, error);
    expect(!ok || (channels >= 1 && channels <= 4096));
    free(blocks.values);
    return ok;
}

static bool read_document(const json_t *document, Error *error) {
    const char *kind = "edm";
    int steps = 16;
    int64_t seed = 0;
    double rho = 7;
    JsonDoubles sigmas = {0};
    const json_t *network = NULL, *list = NULL;
    const JsonField fields[] = {
        {"kind", JSON_FIELD_TEXT, &kind, false, 0, 0},
        {"steps", JSON_FIELD_INT, &steps, true, 1, 1000},
        {"seed", JSON_FIELD_INT64, &seed, false, 0, 0},
        {"rho", JSON_FIELD_DOUBLE, &rho, false, 0.5, 100},
        {"sigmas", JSON_FIELD_DOUBLES, &sigmas, false, 0, 1000},
        {"network", JSON_FIELD_OBJECT, &network, false, 0, 0},
        {"list", JSON_FIELD_ARRAY, &list, false, 0, 0},
    };
    bool ok = json_read_fields(document, "fuzz", fields, 7, error);
    if (ok) {
        expect(kind != NULL && steps >= 1 && steps <= 1000 && rho >= 0.5 && rho <= 100);
        for (size_t i = 0; i < sigmas.count; i++)
            expect(sigmas.values[i] >= 0 && isfinite(sigmas.values[i]));
        if (network != NULL) ok = read_network(network, error);
    }
    free(sigmas.values);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Error error = {0};
    json_t *document = json_parse_text((const char *)data, size, "fuzz", &error);
    bool ok = document != NULL && read_document(document, &error);
    expect(ok || error.text[0] != '\0');
    json_decref(document);
    return 0;
}
