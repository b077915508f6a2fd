#include "support/sweep_folder.h"

#include "io/file.h"
#include "support/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void add_result(Results *results, const char *schedule, double eta, int nfe, uint64_t first,
                double distance) {
    Error error = {""};
    Result r = {.order = NAN,
                .solver = "ddim",
                .eta = eta,
                .steps = nfe,
                .nfe = nfe,
                .first = first,
                .last = first + 9,
                .images = 10,
                .distance = distance};
    snprintf(r.schedule, sizeof r.schedule, "%s", schedule);
    assert_true(results_append(results, &r, &error));
}

void write_text(const char *folder, const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    write_bytes(path, text, strlen(text));
}

const char *empty_sweep_folder(const char *name) {
    static const char *const files[] = {"results.jsonl", "sweep.json", "run.json",
                                        "sheets/edm-ddim-eta0-nfe8.png",
                                        "sheets/edm-ddim-eta0-nfe8-seed10.png"};
    const char *folder = test_path(name);
    Error error = {""};
    char path[512];
    snprintf(path, sizeof path, "%s/sheets", folder);
    assert_true(make_directories(path, &error));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        remove(path);
    }
    return folder;
}

Results open_results(const char *folder) {
    Results results;
    Error error = {""};
    char path[512];
    snprintf(path, sizeof path, "%s/results.jsonl", folder);
    if (!results_open(&results, path, &error)) fail_msg("%s", error.text);
    return results;
}

const char *sweep_folder(void) {
    const char *folder = empty_sweep_folder("sweep");
    Results results = open_results(folder);
    add_result(&results, "rescaled", 0, 8, 0, 5);
    add_result(&results, "edm", 0, 8, 0, 10.4);
    add_result(&results, "entropic", 0, 8, 0, 6);
    add_result(&results, "edm", 1, 16, 0, 4);
    add_result(&results, "rescaled", 0, 8, 10, 6);
    add_result(&results, "edm", 0, 8, 10, 11.6);
    add_result(&results, "entropic", 0, 8, 10, 5.5);
    results_close(&results);
    return folder;
}
