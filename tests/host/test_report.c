/* report.h: what the tables compare, and a page that is whole, closed and fetches nothing. */
#include "sweep/report.h"

#include "io/file.h"
#include "io/png.h"
#include "support/files.h"
#include "sweep/report_data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add(Results *results, const char *schedule, double eta, int nfe, uint64_t first,
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

/* NFE 8: three schedules over two ranges and one over the first; NFE 16: one range. */
static const char *make_folder(void) {
    const char *folder = test_path("sweep");
    Error error = {""};
    Results results;
    char path[512];
    snprintf(path, sizeof path, "%s/sheets", folder);
    assert_true(make_directories(path, &error));
    snprintf(path, sizeof path, "%s/results.jsonl", folder);
    remove(path);
    assert_true(results_open(&results, path, &error));
    add(&results, "rescaled", 0, 8, 0, 5);
    add(&results, "edm", 0, 8, 0, 10);
    add(&results, "entropic", 0, 8, 0, 6);
    add(&results, "edm", 1, 16, 0, 4);
    add(&results, "rescaled", 0, 8, 10, 6);
    add(&results, "edm", 0, 8, 10, 12);
    add(&results, "entropic", 0, 8, 10, 5.5);
    results_close(&results);
    return folder;
}

static void compares_the_same_seeds(void **state) {
    (void)state;
    Error error = {""};
    ReportData d;
    char path[512];
    snprintf(path, sizeof path, "%s/results.jsonl", make_folder());
    assert_true(report_data_read(&d, path, &error));
    assert_true(d.group_count == 2 && d.nfe_count == 2 && d.schedule_count == 3 && d.range_count == 2);
    assert_true(d.nfe[0] == 8 && d.nfe[1] == 16 && d.baseline == 1);
    const ReportCell rescaled = report_cell(&d, 0, 0, 0), edm = report_cell(&d, 0, 0, 1);
    const ReportCell entropic = report_cell(&d, 0, 0, 2);
    assert_true(rescaled.best && rescaled.ranges == 2 && rescaled.mean == 5.5);
    assert_true(rescaled.low == 5 && rescaled.high == 6 && rescaled.ratio == 0.5);
    assert_true(!edm.best && !edm.tied && edm.mean == 11);
    assert_true(entropic.tied && !entropic.best); /* below the best in the second range */
    assert_int_equal(report_best(&d, 0, 0), 0);
    assert_int_equal(report_best(&d, 0, 1), -1);
    assert_true(report_has(&d, 1, 1) && !report_has(&d, 1, 0));
    report_data_free(&d);
}

/* A range that one schedule still lacks does not count for the others. */
static void unfinished_ranges_do_not_count(void **state) {
    (void)state;
    Error error = {""};
    ReportData d;
    Results results;
    char path[512];
    snprintf(path, sizeof path, "%s/results.jsonl", make_folder());
    assert_true(results_open(&results, path, &error));
    add(&results, "gaussian", 0, 8, 0, 7);
    results_close(&results);
    assert_true(report_data_read(&d, path, &error));
    const ReportCell rescaled = report_cell(&d, 0, 0, 0), edm = report_cell(&d, 0, 0, 1);
    assert_true(rescaled.ranges == 1 && rescaled.mean == 5 && edm.ranges == 1 && edm.mean == 10);
    assert_false(report_cell(&d, 0, 0, 2).tied);
    report_data_free(&d);
}

static char *read_report(const char *folder) {
    Error error = {""};
    char path[512], *text;
    size_t size;
    if (!report_write(folder, &error)) fail_msg("%s", error.text);
    snprintf(path, sizeof path, "%s/report.html", folder);
    assert_true(read_file(path, 64 << 20, &text, &size, &error));
    assert_int_equal(strlen(text), size);
    return text;
}

static int count_text(const char *text, const char *part) {
    int count = 0;
    while ((text = strstr(text, part)) != NULL) text++, count++;
    return count;
}

static void the_page_stands_alone(void **state) {
    (void)state;
    Error error = {""};
    const char *folder = make_folder();
    const uint8_t pixels[4] = {0, 128, 200, 255};
    char path[512];
    static const char sweep[] =
        "{\"description\": \"a <script> & \\\"quotes\\\"\", \"net\": \"m\", \"cells\": 9, \"levels\": "
        "{\"edm\": {\"8\": [80, 1, 0.002]}}}";
    snprintf(path, sizeof path, "%s/sweep.json", folder);
    write_bytes(path, sweep, strlen(sweep));
    snprintf(path, sizeof path, "%s/sheets/edm-ddim-eta0-nfe8.png", folder);
    assert_true(png_write(path, pixels, 2, 2, 1, &error));
    char *page = read_report(folder), *again = read_report(folder);
    assert_string_equal(page, again);
    assert_non_null(strstr(page, "a &lt;script&gt; &amp; &quot;quotes&quot;"));
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "http"));
    assert_null(strstr(page, "url("));
    assert_non_null(strstr(page, "7 of 9 cells"));
    assert_non_null(strstr(page, "data:image/png;base64,iVBORw0KGgo"));
    assert_int_equal(count_text(page, "<svg"), count_text(page, "</svg>"));
    assert_int_equal(count_text(page, "role=\"img\""), 5); /* two a solver, and the noise levels */
    assert_int_equal(count_text(page, "<div"), count_text(page, "</div>"));
    assert_int_equal(count_text(page, "<g "), count_text(page, "</g>"));
    assert_int_equal(count_text(page, "class=\"best\""), 2);
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "inf"));
    free(page);
    free(again);
}

static void other_numbers_of_images_are_refused(void **state) {
    (void)state;
    static const char lines[] =
        "{\"schedule\": \"edm\", \"order\": null, \"solver\": \"ddim\", \"eta\": 0, \"steps\": 8, "
        "\"nfe\": 8, \"seeds\": \"0-299\", \"images\": 300, \"distance\": 40}\n"
        "{\"schedule\": \"edm\", \"order\": null, \"solver\": \"ddim\", \"eta\": 0, \"steps\": 8, "
        "\"nfe\": 8, \"seeds\": \"0-4999\", \"images\": 5000, \"distance\": 20}\n";
    Error error = {""};
    const char *folder = test_path("mixed");
    char path[512];
    assert_true(make_directories(folder, &error));
    snprintf(path, sizeof path, "%s/results.jsonl", folder);
    write_bytes(path, lines, strlen(lines));
    assert_false(report_write(folder, &error));
    expect_message(&error, "line 2 is of 5000 images, the first of 300", NULL);
}

static void nothing_yet_is_a_page_too(void **state) {
    (void)state;
    Error error = {""};
    const char *folder = test_path("empty");
    char path[512];
    assert_true(make_directories(folder, &error));
    snprintf(path, sizeof path, "%s/results.jsonl", folder);
    write_bytes(path, "", 0);
    char *page = read_report(folder);
    assert_non_null(strstr(page, "</html>"));
    assert_int_equal(count_text(page, "<svg"), 0);
    free(page);
    assert_false(report_write(test_path("none"), &error));
    expect_message(&error, "none/results.jsonl", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_the_same_seeds),
        cmocka_unit_test(unfinished_ranges_do_not_count),
        cmocka_unit_test(the_page_stands_alone),
        cmocka_unit_test(other_numbers_of_images_are_refused),
        cmocka_unit_test(nothing_yet_is_a_page_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
