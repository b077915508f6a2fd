/* io/options.h: what people type, and what they are told. */
#include "io/options.h"

#include "io/nearest.h"
#include "support/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const solvers[] = {"ddim", "heun", NULL};

static struct {
    const char *net, *out;
    int steps, class_index, solver;
    int64_t big;
    double sigma_min, eta;
    bool subdirs;
    OptionDoubles sigmas;
} got;

/* Sets the defaults and returns the table. */
static Option *table(int *count) {
    static Option options[10];
    got.net = NULL, got.out = "out", got.steps = 32, got.class_index = -1, got.solver = 0, got.big = 5;
    got.sigma_min = 0.002, got.eta = 0, got.subdirs = false, got.sigmas.count = 0;
    const Option fresh[] = {
        {.name = "net",
         .kind = OPTION_TEXT,
         .value = &got.net,
         .argument = "FILE",
         .help = "weights",
         .required = true},
        {.name = "outdir",
         .kind = OPTION_TEXT,
         .value = &got.out,
         .argument = "DIR",
         .help = "where the images go"},
        {.name = "steps",
         .kind = OPTION_INT,
         .value = &got.steps,
         .argument = "N",
         .help = "network evaluations",
         .low = 1,
         .high = 1000},
        {.name = "class",
         .kind = OPTION_INT,
         .value = &got.class_index,
         .argument = "N",
         .help = "class label",
         .default_text = "drawn from the seed"},
        {.name = "solver",
         .kind = OPTION_CHOICE,
         .value = &got.solver,
         .help = "the solver",
         .choices = solvers},
        {.name = "big",
         .kind = OPTION_INT64,
         .value = &got.big,
         .argument = "N",
         .help = "a large number"},
        {.name = "sigma_min",
         .kind = OPTION_DOUBLE,
         .value = &got.sigma_min,
         .argument = "S",
         .help = "lowest noise level",
         .low = 1e-6,
         .high = INFINITY},
        {.name = "eta",
         .kind = OPTION_DOUBLE,
         .value = &got.eta,
         .argument = "E",
         .help = "a long explanation that does not fit on one line of the help and so must be "
                 "continued on the next one, below its own beginning",
         .low = 0,
         .high = 1,
         .default_text = ""},
        {.name = "subdirs",
         .kind = OPTION_FLAG,
         .value = &got.subdirs,
         .help = "a folder for every 1000 images"},
        {.name = "sigmas",
         .kind = OPTION_DOUBLES,
         .value = &got.sigmas,
         .argument = "S,...",
         .help = "noise levels",
         .low = 0,
         .high = 1000},
    };
    *count = sizeof fresh / sizeof *fresh;
    memcpy(options, fresh, sizeof fresh);
    return options;
}

/* Reads a command line, which is split at spaces. */
static OptionsResult read_line(const char *line, Error *error) {
    char copy[512], *arguments[32];
    int count = 0, option_count;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
        arguments[count++] = word;
    static char kept[512]; /* texts point into it */
    memcpy(kept, copy, sizeof kept);
    for (int i = 0; i < count; i++) arguments[i] = kept + (arguments[i] - copy);
    Option *options = table(&option_count);
    return options_read(options, option_count, count, arguments, error);
}

static void accepted(const char *line) {
    Error error = {0};
    if (read_line(line, &error) != OPTIONS_RUN) fail_msg("'%s': %s", line, error.text);
}

static void refused(const char *line, const char *message) {
    Error error = {0};
    assert_int_equal(read_line(line, &error), OPTIONS_WRONG);
    expect_message(&error, message, NULL);
}

static void values_of_every_kind(void **state) {
    (void)state;
    accepted(
        "--net a.st --outdir=o --steps 16 --class -1 --solver heun --big=-9223372036854775808"
        " --sigma_min=1e-3 --eta .5 --subdirs --sigmas 80,2.5,0");
    assert_string_equal(got.net, "a.st");
    assert_string_equal(got.out, "o");
    assert_true(got.steps == 16 && got.class_index == -1 && got.solver == 1 && got.big == INT64_MIN);
    assert_true(got.sigma_min == 1e-3 && got.eta == 0.5 && got.subdirs);
    assert_true(got.sigmas.count == 3 && got.sigmas.values[1] == 2.5);
}

static void defaults_stay(void **state) {
    (void)state;
    Error error = {0};
    int count;
    char *arguments[] = {"--net", "x", "--steps", "7"};
    Option *options = table(&count);
    assert_int_equal(options_read(options, count, 4, arguments, &error), OPTIONS_RUN);
    assert_true(got.steps == 7 && got.sigma_min == 0.002 && got.class_index == -1 && !got.subdirs);
    assert_true(options[2].given && !options[3].given);
}

static void spellings(void **state) {
    (void)state;
    accepted("--net x --sigma-min 3");
    assert_true(got.sigma_min == 3);
    accepted("--net x --sigma-min=4 --sigma_min=5"); /* the last one counts */
    assert_true(got.sigma_min == 5);
    accepted("--net=a=b --outdir=");
    assert_string_equal(got.net, "a=b");
    assert_string_equal(got.out, "");
    accepted("--net x --subdirs=true");
    assert_true(got.subdirs);
    accepted("--net x --subdirs --subdirs=no");
    assert_false(got.subdirs);
}

static void unknown_options(void **state) {
    (void)state;
    refused("--stpes 3", "unknown option --stpes (did you mean --steps?)");
    refused("--sigma_mim=3", "unknown option --sigma_mim (did you mean --sigma_min?)");
    refused("--hlep", "unknown option --hlep (did you mean --help?)");
    refused("--frobnicate", "unknown option --frobnicate");
    refused("--sigma", "unknown option --sigma (did you mean --sigmas?)");
    refused("x.st", "unexpected argument 'x.st': options begin with --");
    refused("-s 3", "unexpected argument '-s'");
    refused("--", "unexpected argument '--'");
    refused("--=3", "unknown option --");
    Error error = {0};
    read_line("--frobnicate", &error);
    assert_null(strstr(error.text, "did you mean"));
}

static void missing_values(void **state) {
    (void)state;
    refused("--net", "--net needs a value: --net FILE");
    refused("--net --steps 3", "--net needs a value");
    refused("--steps 3", "--net is missing: --net FILE");
}

static void wrong_numbers(void **state) {
    (void)state;
    refused("--steps ten", "--steps: 'ten' is not a whole number");
    refused("--steps 1.5", "--steps: '1.5' is not a whole number");
    refused("--steps 16x", "--steps: '16x' is not a whole number");
    refused("--steps=", "--steps: '' is not a whole number");
    refused("--steps 0", "--steps: 0 is out of range: 1 to 1000");
    refused("--steps 99999999999999999999", "--steps: 99999999999999999999 is out of range: 1 to 1000");
    refused("--class 3000000000", "--class: 3000000000 is out of range: -2147483648 to 2147483647");
    refused("--big 9223372036854775808", "--big: 9223372036854775808 is out of range");
    refused("--eta nan", "--eta: 'nan' is not a number");
    refused("--eta inf", "--eta: inf is not finite");
    refused("--eta 1e999", "--eta: 1e999 is not finite");
    refused("--eta 1.5", "--eta: 1.5 is out of range: 0 to 1");
    refused("--eta 0.5,", "--eta: '0.5,' is not a number");
    refused("--sigma_min 0", "--sigma_min: 0 is out of range: at least 1e-06");
    refused("--sigmas 1,,2", "--sigmas: '' is not a number");
    refused("--sigmas 1,-2", "--sigmas: -2 is out of range: 0 to 1000");
    refused("--solver hein", "--solver: 'hein' is none of ddim, heun (did you mean heun?)");
    refused("--subdirs=maybe", "--subdirs: 'maybe' is neither true nor false");
    char line[6000] = "--sigmas=1";
    for (int i = 0; i < 1024; i++) strcat(line, ",1");
    Error error = {0};
    int count;
    char *arguments[] = {line};
    Option *options = table(&count);
    assert_int_equal(options_read(options, count, 1, arguments, &error), OPTIONS_WRONG);
    expect_message(&error, "--sigmas: more than 1024 numbers", NULL);
}

static void help(void **state) {
    (void)state;
    Error error = {0};
    assert_int_equal(read_line("--steps 3 --help --nonsense", &error), OPTIONS_HELP);
    assert_int_equal(read_line("-h", &error), OPTIONS_HELP);
    int count;
    Option *options = table(&count);
    OptionsUsage usage = {"kairos generate", "Makes images.", "  kairos generate --net x\n"};
    char text[8192] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    options_print_help(stream, &usage, options, count);
    fclose(stream);
    static const char *const expected[] = {
        "Usage: kairos generate --net FILE [options]\n\nMakes images.\n\nOptions:\n",
        "  --net FILE                weights (required)\n",
        "  --steps N                 network evaluations (default 32)\n",
        "  --class N                 class label (default drawn from the seed)\n",
        "  --solver ddim|heun        the solver (default ddim)\n",
        "  --sigma_min S             lowest noise level (default 0.002)\n",
        "  --outdir DIR              where the images go (default out)\n",
        "  --subdirs                 a folder for every 1000 images\n",
        "  --eta E                   a long explanation that does not fit on one line of the help and "
        "so must\n"
        "                            be continued on the next one, below its own beginning\n",
        "  --help                    print this and exit\n\nExamples:\n  kairos generate --net x\n",
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (strstr(text, expected[i]) == NULL) fail_msg("the help lacks '%s':\n%s", expected[i], text);
}

/* An argument without --, wherever it stands. */
static void positional(void **state) {
    (void)state;
    const char *file = NULL, *outdir = NULL;
    bool quiet = false;
    Option options[] = {{.name = "FILE", .kind = OPTION_TEXT, .value = &file, .positional = true},
                        {.name = "outdir", .kind = OPTION_TEXT, .value = &outdir},
                        {.name = "quiet", .kind = OPTION_FLAG, .value = &quiet}};
    char *orders[][4] = {{"f", "--outdir", "d", "--quiet"},
                         {"--outdir", "d", "f", "--quiet"},
                         {"--outdir", "d", "--quiet", "f"},
                         {"--quiet", "f", "--outdir", "d"}};
    Error error = {""};
    for (int i = 0; i < 4; i++) {
        file = outdir = NULL, quiet = false;
        assert_int_equal(options_read(options, 3, 4, orders[i], &error), OPTIONS_RUN);
        assert_string_equal(file, "f");
        assert_string_equal(outdir, "d");
        assert_true(quiet);
    }
    char *two[] = {"f", "g"}, *named[] = {"--FILE", "f"}, *dash[] = {"-f"};
    assert_int_equal(options_read(options, 3, 2, two, &error), OPTIONS_WRONG);
    expect_message(&error, "unexpected argument 'g'", NULL);
    assert_int_equal(options_read(options, 3, 2, named, &error), OPTIONS_WRONG);
    expect_message(&error, "unknown option --FILE", NULL);
    assert_int_equal(options_read(options, 3, 1, dash, &error), OPTIONS_WRONG);
    expect_message(&error, "unexpected argument '-f'", NULL);
    options[0].required = true;
    assert_int_equal(options_read(options, 3, 0, NULL, &error), OPTIONS_WRONG);
    expect_message(&error, "FILE is missing", NULL);
    const OptionsUsage usage = {"kairos sweep", "Samples.", NULL};
    char text[1024] = "";
    FILE *stream = fmemopen(text, sizeof text, "w");
    options_print_help(stream, &usage, options, 3);
    fclose(stream);
    assert_non_null(strstr(text, "Usage: kairos sweep FILE [options]\n"));
    assert_non_null(strstr(text, "\n  FILE  "));
}

static void exit_statuses(void **state) {
    (void)state;
    int count;
    Option *options = table(&count);
    OptionsUsage usage = {"kairos generate", "Makes images.", NULL};
    char *good[] = {"--net", "x"}, *help_wanted[] = {"--help"}, *bad[] = {"--nett", "x"};
    assert_int_equal(options_parse(&usage, options, count, 2, good), -1);
    assert_int_equal(options_parse(&usage, options, count, 1, help_wanted), 0);
    assert_int_equal(options_parse(&usage, options, count, 2, bad), 2);
}

static void nearest(void **state) {
    (void)state;
    char text[128];
    Nearest best = {0};
    assert_string_equal(nearest_question(&best, "--", text), "");
    nearest_offer(&best, "ab", "xy");
    assert_null(best.name);
    nearest_offer(&best, "recsaled", "rescale");
    nearest_offer(&best, "recsaled", "rescaled");
    assert_string_equal(best.name, "rescaled");
    char huge[200];
    memset(huge, 'a', 199);
    huge[199] = '\0';
    nearest_offer(&best, huge, huge); /* too long to compare, not too long to be given */
    assert_string_equal(nearest_question(&best, "", text), " (did you mean rescaled?)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_kind),
        cmocka_unit_test(defaults_stay),
        cmocka_unit_test(spellings),
        cmocka_unit_test(unknown_options),
        cmocka_unit_test(missing_values),
        cmocka_unit_test(wrong_numbers),
        cmocka_unit_test(help),
        cmocka_unit_test(positional),
        cmocka_unit_test(exit_statuses),
        cmocka_unit_test(nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
