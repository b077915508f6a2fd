/* report_chart.h: ticks that can be read, names in full, marks that differ; paired.h: Student's t. */
#include "sweep/report_chart.h"

#include "sweep/paired.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *draw(const Chart *chart) {
    char *text = NULL;
    size_t size = 0;
    FILE *page = open_memstream(&text, &size);
    assert_non_null(page);
    chart_write(page, chart);
    fclose(page);
    return text;
}

static int count_text(const char *text, const char *part) {
    int count = 0;
    while ((text = strstr(text, part)) != NULL) text++, count++;
    return count;
}

static void expect_ticks(double low, double high, bool log) {
    const ChartPoint points[2] = {{8, low, low, low}, {16, high, high, high}};
    const ChartLine line = {"edm", 0, points, 2};
    const Chart chart = {.title = "",
                         .x_label = "",
                         .log_x = true,
                         .log_y = log,
                         .labels = true,
                         .lines = &line,
                         .line_count = 1};
    char *text = draw(&chart);
    const int ticks = count_text(text, "<text class=\"y\"");
    if (ticks < 3 || ticks > 16) fail_msg("%d ticks from %g to %g", ticks, low, high);
    free(text);
}

/* Frechet distances that lie close together, and far apart. */
static void ticks_can_be_read(void **state) {
    (void)state;
    const double cases[][2] = {{1.49, 1.93}, {102, 123},   {936, 957},   {82, 111},
                               {4, 4},       {9.99, 10.0}, {0.55, 0.58}, {11.4, 229},
                               {2.9, 3.1},   {1, 1e6},     {0.5, 90},    {1.5, 480},
                               {70, 230},    {3e-4, 4e-4}, {1500, 1501}, {1, 20}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_ticks(cases[i][0], cases[i][1], true);
        expect_ticks(cases[i][0], cases[i][1], false);
    }
    expect_ticks(-52.6, 0, false);
}

/* Of values over two decades and a half, of which only 10 and 100 are whole powers. */
static void ticks_are_spread(void **state) {
    (void)state;
    const ChartPoint points[2] = {{8, 1.3, 1.3, 1.3}, {16, 480, 480, 480}};
    const ChartLine line = {"edm", 0, points, 2};
    const Chart chart = {.title = "", .x_label = "", .log_y = true, .lines = &line, .line_count = 1};
    char *text = draw(&chart);
    assert_non_null(strstr(text, ">2</text>"));
    assert_non_null(strstr(text, ">200</text>"));
    free(text);
}

/* A tick of a value lies where a mark of the value lies. */
static void ticks_lie_at_their_values(void **state) {
    (void)state;
    const ChartPoint points[3] = {{8, 1.5, 1.5, 1.5}, {16, 1.6, 1.6, 1.6}, {32, 1.9, 1.9, 1.9}};
    const ChartLine line = {"edm", 0, points, 3};
    const Chart chart = {
        .title = "", .x_label = "", .log_y = true, .labels = true, .lines = &line, .line_count = 1};
    char *text = draw(&chart), tick[80];
    const double y = 278 + (32 - 278) * log(1.6 / 1.5) / log(1.9 / 1.5);
    snprintf(tick, sizeof tick, "y=\"%.1f\" text-anchor=\"end\">1.6</text>", y + 4);
    assert_non_null(strstr(text, tick));
    snprintf(tick, sizeof tick, "cy=\"%.1f\"", y);
    assert_non_null(strstr(text, tick));
    free(text);
}

static void names_are_whole(void **state) {
    (void)state;
    const ChartPoint points[1] = {{8, 1, 1, 1}};
    const ChartLine fitting[2] = {{"rescaled-logvar", 0, points, 1}, {"edm", 1, points, 1}};
    const ChartLine longer[2] = {{"edm-with-exponent-rho-3", 0, points, 1}, {"edm", 1, points, 1}};
    ChartLine many[24];
    for (int i = 0; i < 24; i++) many[i] = fitting[1];
    assert_true(chart_labels_fit(fitting, 2));
    assert_false(chart_labels_fit(longer, 2));
    assert_false(chart_labels_fit(many, 24));
    const Chart chart = {.title = "", .x_label = "", .labels = true, .lines = fitting, .line_count = 2};
    char *text = draw(&chart);
    assert_non_null(strstr(text, ">rescaled-logvar</text>"));
    free(text);
}

/* Colour and mark together are of one line. */
static void marks_differ(void **state) {
    (void)state;
    enum { MOST = CHART_COLOURS * CHART_MARKS };
    char *marks[MOST];
    for (int i = 0; i < MOST; i++) {
        size_t size;
        FILE *page = open_memstream(&marks[i], &size);
        fprintf(page, "s%d ", i % CHART_COLOURS);
        chart_mark(page, i, 0, 0);
        fclose(page);
        for (int k = 0; k < i; k++) assert_string_not_equal(marks[i], marks[k]);
    }
    for (int i = 0; i < MOST; i++) free(marks[i]);
}

/* From tables; 10 and 11 degrees are on the two sides of where the formula begins. */
static void students_quantiles(void **state) {
    (void)state;
    const struct {
        int degrees;
        double t;
    } known[] = {{1, 12.7062},  {2, 4.30265},  {5, 2.57058},  {10, 2.22814},
                 {11, 2.20099}, {15, 2.13145}, {30, 2.04227}, {255, 1.96931}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!(fabs(student_quantile(known[i].degrees) - known[i].t) <= 2e-4))
            fail_msg("%d degrees: %.6f, expected %.6f", known[i].degrees,
                     student_quantile(known[i].degrees), known[i].t);
}

static void differences_of_pairs(void **state) {
    (void)state;
    const double a[] = {3, 5, 10}, b[] = {1, 2, 6};
    const Paired three = paired_differences(a, b, 3), one = paired_differences(a, b, 1);
    assert_true(three.count == 3 && fabs(three.mean - 3) < 1e-12);
    assert_true(fabs(three.standard_error - 1 / sqrt(3)) < 1e-12);
    assert_true(paired_differ(&three)); /* 3 sqrt 3 = 5.2 standard errors, above 4.3 */
    assert_true(one.mean == 2 && isnan(one.standard_error) && !paired_differ(&one));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_can_be_read),
        cmocka_unit_test(ticks_are_spread),
        cmocka_unit_test(ticks_lie_at_their_values),
        cmocka_unit_test(names_are_whole),
        cmocka_unit_test(marks_differ),
        cmocka_unit_test(students_quantiles),
        cmocka_unit_test(differences_of_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
