/* results.h: lines that read back, torn files repaired, bad lines refused. */
#include "sweep/results.h"

#include "support/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static Result row(const char *schedule, double order, uint64_t first) {
    Result r = {.order = order,
                .solver = "ddim",
                .eta = 0.1 + 0.2,
                .steps = 8,
                .nfe = 8,
                .first = first,
                .last = first + 99,
                .images = 100,
                .distance = 1.25 + (double)first};
    snprintf(r.schedule, sizeof r.schedule, "%s", schedule);
    return r;
}

static long long size_of(const char *path) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static void a_line_reads_back(void **state) {
    (void)state;
    Error error = {""};
    const Result rows[] = {row("edm", NAN, 0),
                           row("order-pi", 3.14159265358979312, 18446744073709551516u)};
    for (int i = 0; i < 2; i++) {
        char text[RESULT_LINE];
        Result back;
        result_line(&rows[i], text);
        assert_int_equal(text[strlen(text) - 1], '\n');
        assert_true(result_parse(text, strlen(text), "line", &back, &error));
        assert_true(result_same_cell(&back, &rows[i]));
        assert_true(back.nfe == 8 && back.images == 100 && back.eta == 0.1 + 0.2);
        assert_true(fabs(back.distance - rows[i].distance) <= 1e-8 * rows[i].distance);
        assert_int_equal(isnan(back.order), i == 0);
    }
    char text[RESULT_LINE];
    result_line(&rows[0], text);
    assert_string_equal(
        text,
        "{\"schedule\": \"edm\", \"order\": null, \"solver\": \"ddim\", \"eta\": 0.30000000000000004, "
        "\"steps\": 8, \"nfe\": 8, \"seeds\": \"0-99\", \"images\": 100, "
        "\"distance\": 1.25}\n");
}

static void cells_are_told_apart(void **state) {
    (void)state;
    const Result base = row("rescaled", NAN, 0);
    assert_true(result_same_cell(&base, &base));
    Result other[7];
    for (int i = 0; i < 7; i++) other[i] = base;
    other[0].order = 2;
    other[1].eta = 0;
    other[2].steps = 16;
    other[3].first = 1;
    other[4].last = 98;
    strcpy(other[5].solver, "heun");
    strcpy(other[6].schedule, "edm");
    for (int i = 0; i < 7; i++) assert_false(result_same_cell(&base, &other[i]));
}

/* Whatever byte a kill stops the file at, opening leaves the whole lines before it, and appending the
 * rest makes the same file. */
static void torn_lines_are_repaired(void **state) {
    (void)state;
    Error error = {""};
    char text[3 * RESULT_LINE] = "", *at = text;
    Result rows[3];
    long long ends[3];
    for (int i = 0; i < 3; i++) {
        rows[i] = row("edm", NAN, 100u * i);
        result_line(&rows[i], at);
        at += strlen(at);
        ends[i] = at - text;
    }
    for (long long cut = 0; cut <= at - text; cut++) {
        const char *path = test_path("torn.jsonl");
        write_bytes(path, text, (size_t)cut);
        const int whole = (cut >= ends[0]) + (cut >= ends[1]) + (cut >= ends[2]);
        const bool torn = cut != 0 && cut != ends[0] && cut != ends[1] && cut != ends[2];
        Results results;
        assert_true(results_read(&results, path, &error));
        assert_int_equal(results.count, whole);
        results_close(&results);
        assert_int_equal(size_of(path), cut);
        assert_true(results_open(&results, path, &error));
        assert_int_equal(results.count, whole);
        assert_int_equal(results.repaired, torn);
        assert_int_equal(size_of(path), whole == 0 ? 0 : ends[whole - 1]);
        for (int i = 0; i < 3; i++)
            assert_int_equal(results_find(&results, &rows[i]) != NULL, i < whole);
        for (int i = whole; i < 3; i++) assert_true(results_append(&results, &rows[i], &error));
        assert_int_equal(results.count, 3);
        results_close(&results);
        char found[sizeof text];
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        assert_int_equal(fread(found, 1, sizeof found, file), at - text);
        fclose(file);
        assert_memory_equal(found, text, at - text);
    }
}

static void one_writer_at_a_time(void **state) {
    (void)state;
    Error error = {""};
    Results first, second;
    assert_true(results_open(&first, test_path("shared.jsonl"), &error));
    assert_false(results_open(&second, test_path("shared.jsonl"), &error));
    expect_message(&error, "shared.jsonl", "another sweep", NULL);
    results_close(&first);
    assert_true(results_open(&second, test_path("shared.jsonl"), &error));
    results_close(&second);
}

static void expect_refusal(const char *line, const char *message) {
    char text[2 * RESULT_LINE];
    const Result good = row("edm", NAN, 0);
    const char *path = test_path("bad.jsonl");
    Results results;
    Error error = {""};
    result_line(&good, text);
    strcat(strcat(text, line), "\n");
    write_bytes(path, text, strlen(text));
    const long long size = size_of(path);
    assert_false(results_open(&results, path, &error));
    expect_message(&error, "bad.jsonl: line 2", message, NULL);
    assert_int_equal(size_of(path), size); /* not a byte of it was touched */
}

#define LINE(schedule, order, solver, seeds, distance)                                \
    "{\"schedule\": \"" schedule "\", \"order\": " order ", \"solver\": \"" solver    \
    "\", \"eta\": 0.30000000000000004, \"steps\": 8, \"nfe\": 8, \"seeds\": \"" seeds \
    "\", \"images\": 100,"                                                            \
    " \"distance\": " distance "}"

static void bad_lines_are_refused(void **state) {
    (void)state;
    expect_refusal("", "");
    expect_refusal("{\"schedule\": \"edm\"", "");
    expect_refusal("[1]", "expected an object");
    expect_refusal("{}", "order");
    expect_refusal(LINE("edm", "null", "ddim", "0-99", "1"), "there already");
    expect_refusal(LINE("../edm", "null", "ddim", "0-99", "1"), "no name of a schedule");
    expect_refusal(LINE("<b>", "null", "ddim", "0-99", "1"), "no name of a schedule");
    expect_refusal(LINE("edm", "\"2\"", "ddim", "0-99", "1"), "'order'");
    expect_refusal(LINE("edm", "null", "runge-kutta", "0-99", "1"), "solver");
    expect_refusal(LINE("edm", "null", "ddim", "99-0", "1"), "99-0");
    expect_refusal(LINE("edm", "null", "ddim", "0-", "1"), "no range");
    expect_refusal(LINE("edm", "null", "ddim", "0-99999999999999999999", "1"), "no range");
    expect_refusal(LINE("edm", "null", "ddim", "100-199", "NaN"), "");
    expect_refusal(LINE("edm", "null", "ddim", "100-199", "\"1\""), "distance");
}

static void missing_file(void **state) {
    (void)state;
    Error error = {""};
    Results results;
    assert_false(results_read(&results, test_path("none.jsonl"), &error));
    expect_message(&error, "none.jsonl", NULL);
    assert_false(results_open(&results, test_path("no/folder.jsonl"), &error));
    expect_message(&error, "folder.jsonl", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_reads_back),       cmocka_unit_test(cells_are_told_apart),
        cmocka_unit_test(torn_lines_are_repaired), cmocka_unit_test(one_writer_at_a_time),
        cmocka_unit_test(bad_lines_are_refused),   cmocka_unit_test(missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
