/* report.h: a page that is whole, closed, fetches nothing, and says the numbers; tables for a terminal.
 */
#include "sweep/report.h"

#include "io/file.h"
#include "io/png.h"
#include "support/files.h"
#include "support/sweep_folder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

static void write_sheet(const char *folder, const char *name) {
    const uint8_t pixels[4] = {0, 128, 200, 255};
    char path[512];
    Error error = {""};
    snprintf(path, sizeof path, "%s/sheets/%s", folder, name);
    assert_true(png_write(path, pixels, 2, 2, 1, &error));
}

static void the_page_stands_alone(void **state) {
    (void)state;
    const char *folder = sweep_folder();
    write_text(folder, "sweep.json",
               "{\"description\": \"a <script> & \\\"quotes\\\"\", \"net\": \"m\", \"cells\": 9, "
               "\"levels\": {\"edm\": {\"8\": [80, 1, 0.002]}}}");
    write_sheet(folder, "edm-ddim-eta0-nfe8.png");
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
    assert_int_equal(count_text(page, "<p"), count_text(page, "</p>") + count_text(page, "<path"));
    assert_int_equal(count_text(page, "class=\"best\""), 1); /* at NFE 16 there is one schedule */
    assert_null(strstr(page, "<p></p>"));
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "inf"));
    free(page);
    free(again);
}

static void expect_text(const char *page, const char *text) {
    if (strstr(page, text) == NULL) fail_msg("the page lacks '%s'", text);
}

/* What the fixture's numbers are on the page: of schedules 5.5, 11 and 5.75, each of two ranges. */
static void the_page_says_the_numbers(void **state) {
    (void)state;
    char *page = read_report(sweep_folder());
    expect_text(page, "10 images a cell; tables of 1 to 2 disjoint ranges of seeds; 7 cells are done");
    expect_text(page,
                "NFE 8, 2 ranges of seeds: the lowest mean is <b class=\"key s0\">rescaled</b> (5.5, "
                "50.0 &plusmn; 0.9 % below edm); not told apart from it: entropic (5.75).</li>");
    expect_text(page, "NFE 16, 1 range of seeds: only edm so far (4).</li>");
    expect_text(page,
                "<td class=\"best\"><b>5.5</b><small>5 &ndash; 6</small><small>&minus;50.0 "
                "&plusmn; 0.9 %</small></td>");
    expect_text(page, "<td><b>11</b><small>10.4 &ndash; 11.6</small></td>");
    expect_text(page, "<td><b>5.75</b>&nbsp;&asymp;<small>5.5 &ndash; 6</small><small>&minus;47.7");
    assert_null(strstr(page, "floor:"));
    assert_null(strstr(page, "<p></p>"));
    assert_null(strstr(page, "Made by kairos"));
    free(page);
}

/* Marks and bars lie where their values are: x in the middle of 52 to 308 (one NFE), each line 1.6
 * beside the one before; y from 278, the lowest value of all bars, to 32, the highest. */
static void marks_lie_at_their_values(void **state) {
    (void)state;
    char *page = read_report(sweep_folder()), text[160];
    char *relative = strstr(page, "aria-label=\"Distance, % above or below edm");
    assert_non_null(relative);
    const double lowest = 100 * (5.5 / 11.6 - 1), per = (32 - 278) / (0 - lowest);
    const double low = 278 + per * (100 * (5 / 10.4 - 1) - lowest);
    const double high = 278 + per * (100 * (6 / 11.6 - 1) - lowest);
    snprintf(text, sizeof text,
             "<path class=\"spread\" d=\"M178.4 %.1fV%.1f\"/><circle cx=\"178.4\" cy=\"%.1f\"", low,
             high, 278 + per * (-50 - lowest));
    expect_text(relative, text);
    expect_text(relative, "<rect x=\"177.2\" y=\"29.2\""); /* edm, at 0: its middle is (180, 32) */
    *relative = '\0';
    snprintf(text, sizeof text, "<circle cx=\"178.4\" cy=\"%.1f\"",
             278 + (32 - 278) * log(5.5 / 5) / log(11.6 / 5));
    expect_text(page, text);
    free(page);
}

static void one_range_knows_no_spread(void **state) {
    (void)state;
    const char *folder = empty_sweep_folder("one");
    Results results = open_results(folder);
    add_result(&results, "edm", 0, 8, 0, 20.5);
    add_result(&results, "rescaled", 0, 8, 0, 11.6);
    add_result(&results, "spectral", 0, 8, 0, 11.4);
    add_result(&results, "edm", 0, 8, 10, 21); /* a range that is only begun */
    results_close(&results);
    char *page = read_report(folder);
    expect_text(page, "tables of 1 range of seeds (2 are begun)");
    expect_text(page,
                "1 range of seeds: the lowest distance is <b class=\"key s2\">spectral</b> (11.4, 44.4 "
                "% below edm); close to it: rescaled (11.6).");
    expect_text(page, "Of one range of seeds no spread is known");
    assert_null(strstr(page, "Student"));
    assert_null(strstr(page, "class=\"spread\""));
    free(page);
}

/* Two schedules, each of another range of seeds: there is nothing to compare. */
static void ranges_without_a_pair(void **state) {
    (void)state;
    const char *folder = empty_sweep_folder("apart");
    Results results = open_results(folder);
    add_result(&results, "edm", 0, 8, 0, 20.5);
    add_result(&results, "rescaled", 0, 8, 10, 11.6);
    results_close(&results);
    char *page = read_report(folder);
    expect_text(page, "tables of 0 ranges of seeds (2 are begun)");
    expect_text(page, "<li>NFE 8: no range of seeds of all its schedules yet.</li>");
    assert_null(strstr(page, "lowest distance"));
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "inf"));
    free(page);
}

static void the_page_says_what_it_was_made_with(void **state) {
    (void)state;
    const char *folder = empty_sweep_folder("settings");
    Results results = open_results(folder);
    add_result(&results, "edm", 0, 8, 0, 20.5);
    Result heun = results.rows[0];
    Error error = {""};
    strcpy(heun.solver, "heun");
    heun.steps = 4, heun.nfe = 7;
    assert_true(results_append(&results, &heun, &error));
    results_close(&results);
    write_text(folder, "run.json",
               "{\"kairos\": \"1.2.3\", \"settings\": {\"guidance\": 1.5, \"class\": 3, \"precision\": "
               "\"bf16\", \"engine\": \"native\", \"device\": \"A <GPU>\"}}");
    write_text(folder, "sweep.json",
               "{\"floor\": {\"images\": 10, \"features\": 4, \"distance\": 2.5, \"deviation\": 0.5, "
               "\"sets\": 64}, \"levels\": {\"edm\": {\"1\": [50], \"16\": [50, 0.01], \"4\": [50, 3, "
               "1, 0.01], \"8\": "
               "[50, 20, 9, 4, "
               "1, 0.3, 0.1, 0.01], \"32\": [50, 0.01], \"64\": [50, 0.01]}}}");
    char *page = read_report(folder), text[160];
    expect_text(
        page,
        "Made by kairos 1.2.3 in bf16 with the native engine on A &lt;GPU&gt;; guidance 1.5 by the "
        "zero label; class 3; noise levels from 50 down to 0.01.");
    expect_text(page,
                "10 draws of a Gaussian with the reference's own mean and covariance have a distance "
                "of <b>2.5</b> &plusmn; 0.5");
    expect_text(page, "10 images are few for 4 features (ten for each would be 40)");
    /* The line of the floor is the lowest value of its chart. */
    snprintf(text, sizeof text, "<path class=\"floor\" d=\"M44 278.0H");
    expect_text(page, text);
    expect_text(page, "Noise levels of 8 steps"); /* of 4 and 8, which have results; not of 32 */
    assert_int_equal(count_text(page, "Heun's NFE is 2 steps"), 1);
    free(page);
}

/* Those that it has gone on on too; what is no list of names is no reason to fail. */
static void the_page_says_all_devices(void **state) {
    (void)state;
    const char *folder = empty_sweep_folder("devices");
    Results results = open_results(folder);
    add_result(&results, "edm", 0, 8, 0, 20.5);
    results_close(&results);
    write_text(folder, "run.json",
               "{\"kairos\": \"1.2.3\", \"settings\": {\"guidance\": 1, \"class\": -1, \"precision\": "
               "\"fp32\", "
               "\"engine\": \"native\", \"device\": \"A\", \"devices\": [\"A\", \"B\", 5]}}");
    char *page = read_report(folder);
    expect_text(page, " engine on A and B and ?; no guidance");
    free(page);
}

/* A sheet is shown with the seeds that it is of; one without a name for them is of the results' first.
 */
static void sheets_are_of_their_seeds(void **state) {
    (void)state;
    const char *folder = sweep_folder();
    /* The first seeds have no result of it, so the sheet is of others. */
    Results results = open_results(folder);
    add_result(&results, "gaussian", 0, 8, 10, 7);
    results_close(&results);
    write_sheet(folder, "gaussian-ddim-eta0-nfe8.png");
    char *page = read_report(folder);
    assert_null(strstr(page, "The same seeds"));
    free(page);
    write_sheet(folder, "edm-ddim-eta0-nfe8-seed10.png");
    page = read_report(folder);
    expect_text(page, "Deterministic DDIM, NFE 8, seeds from 10 on");
    free(page);
    write_sheet(folder, "edm-ddim-eta0-nfe8.png");
    page = read_report(folder);
    expect_text(page, "Deterministic DDIM, NFE 8, seeds from 0 on");
    assert_int_equal(count_text(page, "<figure>"), 1);
    free(page);
}

static void expect_table(const char *folder, const char *expected) {
    char *text = NULL;
    size_t size = 0;
    Error error = {""};
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    assert_true(report_print(folder, stream, &error));
    fclose(stream);
    assert_string_equal(text, expected);
    free(text);
}

static void tables_for_a_terminal(void **state) {
    (void)state;
    expect_table(sweep_folder(),
                 "Frechet distances, 10 images a cell\n"
                 "\n"
                 "Deterministic DDIM\n"
                 "NFE                    8\n"
                 "ranges of seeds        2\n"
                 "rescaled             5.5 *\n"
                 "edm                   11\n"
                 "entropic            5.75 ~\n"
                 "\n"
                 "Stochastic DDIM\n"
                 "NFE                   16\n"
                 "ranges of seeds        1\n"
                 "rescaled               -\n"
                 "edm                    4\n"
                 "entropic               -\n"
                 "\n"
                 "* the lowest mean; ~ not told apart from it (of one range: within 5 %)\n");
    const char *folder = empty_sweep_folder("none-yet");
    char expected[600];
    write_text(folder, "results.jsonl", "");
    snprintf(expected, sizeof expected, "%s: no results yet\n", folder);
    expect_table(folder, expected);
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
    expect_text(page, "no results yet");
    assert_int_equal(count_text(page, "<svg"), 0);
    free(page);
    assert_false(report_write(test_path("none"), &error));
    expect_message(&error, "none/results.jsonl", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_stands_alone),
        cmocka_unit_test(the_page_says_the_numbers),
        cmocka_unit_test(marks_lie_at_their_values),
        cmocka_unit_test(one_range_knows_no_spread),
        cmocka_unit_test(ranges_without_a_pair),
        cmocka_unit_test(the_page_says_what_it_was_made_with),
        cmocka_unit_test(the_page_says_all_devices),
        cmocka_unit_test(sheets_are_of_their_seeds),
        cmocka_unit_test(tables_for_a_terminal),
        cmocka_unit_test(other_numbers_of_images_are_refused),
        cmocka_unit_test(nothing_yet_is_a_page_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
