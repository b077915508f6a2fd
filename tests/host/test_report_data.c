/* report_data.h: what the tables compare, and with what ground. */
#include "sweep/report_data.h"

#include "support/files.h"
#include "support/sweep_folder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static ReportData read_data(const char *folder) {
    ReportData data;
    Error error = {""};
    char path[512];
    snprintf(path, sizeof path, "%s/results.jsonl", folder);
    if (!report_data_read(&data, path, &error)) fail_msg("%s", error.text);
    return data;
}

static void compares_the_same_seeds(void **state) {
    (void)state;
    ReportData d = read_data(sweep_folder());
    assert_true(d.group_count == 2 && d.nfe_count == 2 && d.schedule_count == 3 && d.range_count == 2);
    assert_true(d.nfe[0] == 8 && d.nfe[1] == 16 && d.baseline == 1);
    const ReportCell rescaled = report_cell(&d, 0, 0, 0), edm = report_cell(&d, 0, 0, 1);
    assert_true(rescaled.best && !rescaled.tied && rescaled.ranges == 2 && rescaled.mean == 5.5);
    assert_true(rescaled.low == 5 && rescaled.high == 6 && fabs(rescaled.ratio - 0.5) < 1e-12);
    assert_true(rescaled.ratio_low == 5 / 10.4 && rescaled.ratio_high == 6 / 11.6);
    assert_true(fabs(rescaled.ratio_error - 0.1 / 11) < 1e-12); /* differences of 5.4 and 5.6 */
    assert_true(!edm.best && !edm.tied && fabs(edm.mean - 11) < 1e-12);
    assert_int_equal(report_best(&d, 0, 0), 0);
    assert_int_equal(report_best(&d, 0, 1), -1);
    assert_true(report_has(&d, 1, 1) && !report_has(&d, 1, 0));
    assert_true(report_ranges(&d, 0, 0) == 2 && report_ranges(&d, 1, 1) == 1);
    assert_int_equal(report_ranges(&d, 0, 1), 0);
    report_data_free(&d);
}

/* A range that one schedule still lacks does not count for the others: not for the means, nor for the
 * spreads. */
static void unfinished_ranges_do_not_count(void **state) {
    (void)state;
    const char *folder = sweep_folder();
    Results results = open_results(folder);
    add_result(&results, "gaussian", 0, 8, 0, 7);
    results_close(&results);
    ReportData d = read_data(folder);
    const ReportCell rescaled = report_cell(&d, 0, 0, 0), edm = report_cell(&d, 0, 0, 1);
    assert_true(rescaled.ranges == 1 && rescaled.mean == 5 && edm.ranges == 1 && edm.mean == 10.4);
    assert_true(rescaled.low == 5 && rescaled.high == 5);
    assert_true(rescaled.ratio_low == rescaled.ratio && rescaled.ratio_high == rescaled.ratio);
    assert_true(isnan(rescaled.ratio_error));
    assert_int_equal(report_ranges(&d, 0, 0), 1);
    report_data_free(&d);
}

/* `count` ranges of edm and of a schedule that is above it by each of the differences. */
static ReportCell compared(const double *differences, int count) {
    const char *folder = empty_sweep_folder("compared");
    Results results = open_results(folder);
    for (int i = 0; i < count; i++) {
        const double edm = 10 + i % 3; /* the ranges' own ups and downs cancel */
        add_result(&results, "edm", 0, 8, 10u * (unsigned)i, edm);
        add_result(&results, "other", 0, 8, 10u * (unsigned)i, edm + differences[i]);
    }
    results_close(&results);
    ReportData d = read_data(folder);
    assert_true(report_cell(&d, 0, 0, 0).best);
    const ReportCell cell = report_cell(&d, 0, 0, 1);
    report_data_free(&d);
    return cell;
}

/* 3 differences of mean m and standard deviation 1: told apart from m = 4.303 / sqrt 3 = 2.484 on. */
static void schedules_are_told_apart_by_their_differences(void **state) {
    (void)state;
    assert_true(compared((double[]){1.47, 2.47, 3.47}, 3).tied);
    assert_false(compared((double[]){1.50, 2.50, 3.50}, 3).tied);
    assert_true(compared((double[]){1, 0.2}, 2).tied); /* above in each of two ranges: no ground yet */
    assert_false(compared((double[]){1, 0.9}, 2).tied);
    assert_true(compared((double[]){0, 0}, 2).tied); /* of the same noise levels */
    assert_true(compared((double[]){0.49}, 1).tied); /* of one range: 5 % of 10 */
    assert_false(compared((double[]){0.51}, 1).tied);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_the_same_seeds),
        cmocka_unit_test(unfinished_ranges_do_not_count),
        cmocka_unit_test(schedules_are_told_apart_by_their_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
