/* schedule.h: the EDM levels against values computed by hand, and files that are no schedule. */
#include "schedule/schedule.h"

#include "support/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void edm_levels(void **state) {
    (void)state;
    Schedule s;
    Error error = {""};
    /* Karras et al. 2022, Eq. 5 with the default arguments, in 30-digit arithmetic. */
    static const double expected[] = {
        80.0, 17.527831964644111, 2.5152189761471586, 0.16975275626876403, 0.002, 0.0};
    assert_true(schedule_edm(&s, 5, 0.002, 80, 7, &error));
    assert_int_equal(s.steps, 5);
    for (int i = 0; i < 6; i++) assert_true(fabs(s.sigma[i] - expected[i]) <= 1e-13 * expected[i]);
    schedule_free(&s);
}

static void one_step_is_sigma_max(void **state) {
    (void)state;
    Schedule s;
    Error error = {""};
    assert_true(schedule_edm(&s, 1, 0.002, 80, 7, &error));
    assert_true(s.sigma[0] == 80 && s.sigma[1] == 0);
    schedule_free(&s);
}

static void refuses_impossible_ranges(void **state) {
    (void)state;
    Schedule s;
    Error error = {""};
    assert_false(schedule_edm(&s, 0, 0.002, 80, 7, &error));
    expect_message(&error, "0 steps", NULL);
    assert_false(schedule_edm(&s, 4, 80, 0.002, 7, &error));
    expect_message(&error, "sigma_max > sigma_min > 0", NULL);
    assert_false(schedule_edm(&s, 4, 0, 80, 7, &error));
    expect_message(&error, "sigma_max > sigma_min > 0", NULL);
    assert_false(schedule_edm(&s, 4, 0.002, 80, 0, &error));
    expect_message(&error, "rho", NULL);
    assert_false(schedule_edm(&s, 4, 0.002, NAN, 7, &error));
    expect_message(&error, "sigma_max", NULL);
}

static void expect_refusal(const char *text, const char *message) {
    const char *path = test_path("schedule.json");
    Schedule s;
    Error error = {""};
    write_bytes(path, text, strlen(text));
    assert_false(schedule_read(&s, path, &error));
    expect_message(&error, "schedule.json", message, NULL);
}

static void reads_files(void **state) {
    (void)state;
    static const char *const texts[] = {"{\"sigma\": [80, 1.5, 0.25]}",
                                        "{\"sigma\": [80, 1.5, 0.25, 0]}",
                                        "{\"sigma\": [80, 1.5, 0.25], \"kind\": \"edm\"}"};
    for (int i = 0; i < 3; i++) {
        const char *path = test_path("schedule.json");
        Schedule s;
        Error error = {""};
        write_bytes(path, texts[i], strlen(texts[i]));
        assert_true(schedule_read(&s, path, &error));
        assert_int_equal(s.steps, 3);
        assert_true(s.sigma[1] == 1.5 && s.sigma[2] == 0.25 && s.sigma[3] == 0);
        schedule_free(&s);
    }
}

static void refuses_files(void **state) {
    (void)state;
    expect_refusal("{\"sigma\": [1, 2]}", "follows 1");
    expect_refusal("{\"sigma\": [2, 2]}", "expected decreasing");
    expect_refusal("{\"sigma\": [2, -1]}", "expected a positive number");
    expect_refusal("{\"sigma\": [2, 0, 0]}", "expected a positive number");
    expect_refusal("{\"sigma\": [1e-60]}", "expected a positive number");
    expect_refusal("{\"sigma\": []}", "0 positive levels");
    expect_refusal("{\"sigma\": [0]}", "0 positive levels");
    expect_refusal("{\"sigma\": 3}", "sigma");
    expect_refusal("{\"sigmas\": [3]}", "sigma");
    expect_refusal("[3]", "");
    expect_refusal("{\"sigma\": [1, 2], \"squared_error\": [1, 1], \"dims\": 1}",
                   "is a curve of kairos measure, no schedule: give it as --curve");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edm_levels),    cmocka_unit_test(one_step_is_sigma_max),
        cmocka_unit_test(reads_files),   cmocka_unit_test(refuses_impossible_ranges),
        cmocka_unit_test(refuses_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
