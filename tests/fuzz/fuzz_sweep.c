/* Any bytes as the configuration of a sweep, or as a line of its results: refused with a message, or
 * read into cells within bounds. */
#include <stdlib.h>
#include <string.h>

#include "io/json.h"
#include "sweep/sweep_config.h"

static void expect(int condition) {
    if (!condition) abort();
}

static void check_cells(const SweepConfig *config) {
    SweepCell *cells;
    int count;
    Error error = {""};
    if (!sweep_cells(config, &cells, &count, &error)) {
        expect(error.text[0] != '\0');
        return;
    }
    expect(count >= 1);
    for (int i = 0; i < count; i++) {
        const Result *r = &cells[i].result;
        expect(cells[i].schedule >= 0 && cells[i].schedule < config->schedule_count);
        expect(r->steps >= 1 && r->nfe >= r->steps && r->images >= 2 && result_name_ok(r->schedule));
    }
    free(cells);
}

/* What was read is written and read as the same cell. */
static void check_line(const uint8_t *data, size_t size) {
    Result result, again;
    char text[RESULT_LINE];
    Error error = {""};
    if (!result_parse((const char *)data, size, "fuzz", &result, &error)) {
        expect(error.text[0] != '\0');
        return;
    }
    result_line(&result, text);
    expect(strlen(text) < RESULT_LINE - 1);
    expect(result_parse(text, strlen(text), "fuzz", &again, &error));
    expect(strcmp(result.schedule, again.schedule) == 0 && result.first == again.first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Error error = {""};
    SweepConfig config;
    json_t *json = json_parse_text((const char *)data, size, "fuzz", &error);
    if (json != NULL && sweep_config_parse(&config, json, "fuzz/sweep.json", &error)) {
        check_cells(&config);
        sweep_config_free(&config);
    } else {
        expect(error.text[0] != '\0');
    }
    json_decref(json);
    check_line(data, size);
    return 0;
}
