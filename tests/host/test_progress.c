/* io/progress.h: the line, and when it is drawn. */
#include "io/progress.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void expect_line(Progress progress, double seconds, int columns, bool finished,
                        const char *text) {
    char line[512];
    assert_string_equal(progress_line(&progress, seconds, columns, finished, line, sizeof line), text);
}

static void lines(void **state) {
    (void)state;
    Progress progress = {.label = "sampling", .unit = "images", .total = 200, .done = 50};
    expect_line(progress, 10, 200, false, "sampling  25%  50/200  5.0 images/s  0:30 left");
    expect_line(progress, 10, 20, false, "sampling  25%  50/20");
    expect_line(progress, 10, 200, true, "sampling  25%  50/200  5.0 images/s  in 0:10");
    progress.terminal = true;
    expect_line(progress, 0.1, 100, false,
                "sampling [######------------------]  25%  50/200  500 images/s  0:00 left");
    expect_line(progress, 10, 79, false, "sampling  25%  50/200  5.0 images/s  0:30 left");
    progress.start = 40; /* what an earlier run did says nothing about this one's rate */
    expect_line(progress, 10, 79, false, "sampling  25%  50/200  1.0 images/s  2:30 left");
    progress.start = 50;
    expect_line(progress, 61, 79, false, "sampling  25%  50/200  0.0 images/s  1:01 so far");
    progress.start = 49;
    expect_line(progress, 40, 79, false, "sampling  25%  50/200  40.0 s each  1:40:00 left");
    progress.total = 0;
    progress.done = progress.start = 0;
    expect_line(progress, 0, 79, false, "sampling 100%  0/0  0.0 images/s  0:00 so far");
}

static void drawing(void **state) {
    (void)state;
    char text[4096] = "";
    Progress progress;
    progress_begin(&progress, "sampling", "images", 0, 10, true);
    assert_null(progress.stream);
    progress_update(&progress, 5); /* quiet: nothing happens */
    progress_end(&progress);

    progress_begin(&progress, "sampling", "images", 0, 10, true);
    progress.stream = fmemopen(text, sizeof text, "w");
    FILE *stream = progress.stream;
    progress.terminal = false;
    progress_update(&progress, 1); /* too early for a line */
    fflush(stream);
    assert_string_equal(text, "");
    progress.shown -= 11;
    progress_update(&progress, 2);
    fflush(stream);
    assert_non_null(strstr(text, "sampling  20%  2/10"));
    assert_null(strstr(text, "\r"));
    progress.terminal = true;
    progress.shown -= 11;
    progress_update(&progress, 3);
    fflush(stream);
    assert_non_null(strstr(text, "\rsampling"));
    progress_end(&progress);
    fclose(stream);
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_null(progress.stream);
}

static void the_clock_goes_forward(void **state) {
    (void)state;
    double before = monotonic_seconds();
    assert_true(monotonic_seconds() >= before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(drawing),
        cmocka_unit_test(the_clock_goes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
