/* sweep_config.h: what files mean, in which order their cells come, and what is refused. */
#include "sweep/sweep_config.h"

#include "io/json.h"
#include "support/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char base[] =
    "{\"net\": \"m.safetensors\", \"features\": \"/f.safetensors\", \"reference\": "
    "\"../r.safetensors\","
    " \"curve\": \"curve.json\","
    " \"schedules\": [\"edm\", \"rescaled\", {\"kind\": \"order\", \"order\": 2.25},"
    "  {\"name\": \"logvar\", \"kind\": \"rescaled\", \"curve\": \"logvar.json\"}],"
    " \"solvers\": [\"ddim\"], \"eta\": [0, 1], \"nfe\": [8, 16], \"seeds\": [\"0-9\", \"10-19\"]}";

static bool parse(SweepConfig *config, json_t *json, Error *error) {
    return sweep_config_parse(config, json, "some/sweep.json", error);
}

static SweepConfig read_base(const char *changes) {
    Error error = {""};
    SweepConfig config;
    json_t *json = json_parse_text(base, strlen(base), "base", &error);
    json_t *other = json_parse_text(changes, strlen(changes), "changes", &error);
    assert_non_null(json);
    assert_non_null(other);
    json_object_update(json, other);
    if (!parse(&config, json, &error)) fail_msg("%s", error.text);
    json_decref(json);
    json_decref(other);
    return config;
}

static void reads_what_it_says(void **state) {
    (void)state;
    SweepConfig config = read_base("{}");
    assert_string_equal(config.net, "some/m.safetensors");
    assert_string_equal(config.features, "/f.safetensors");
    assert_string_equal(config.reference, "some/../r.safetensors");
    assert_int_equal(config.schedule_count, 4);
    const SweepSchedule *s = config.schedules;
    assert_true(strcmp(s[0].name, "edm") == 0 && s[0].request.kind == SCHEDULE_EDM &&
                isnan(s[0].order));
    assert_true(strcmp(s[1].name, "rescaled") == 0 && s[1].order == 2);
    assert_string_equal(s[1].request.curve, "some/curve.json");
    assert_true(strcmp(s[2].name, "order-2.25") == 0 && s[2].order == 2.25 &&
                s[2].request.order == 2.25);
    assert_true(strcmp(s[3].name, "logvar") == 0 && s[3].request.kind == SCHEDULE_RESCALED);
    assert_string_equal(s[3].request.curve, "some/logvar.json");
    assert_true(s[0].request.sigma_min == 0.002 && s[3].request.sigma_max == 80);
    assert_true(config.ddim && !config.heun);
    sweep_config_free(&config);
}

static void expect_cell(const Result *r, const char *schedule, double eta, int nfe, uint64_t first) {
    assert_string_equal(r->schedule, schedule);
    assert_string_equal(r->solver, "ddim");
    assert_true(r->eta == eta && r->nfe == nfe && r->steps == nfe);
    assert_true(r->first == first && r->last == first + 9 && r->images == 10);
}

static void whole_tables_come_first(void **state) {
    (void)state;
    Error error = {""};
    SweepConfig config = read_base("{}");
    SweepCell *cells;
    int count;
    assert_true(sweep_cells(&config, &cells, &count, &error));
    assert_int_equal(count, 4 * 2 * 2 * 2);
    expect_cell(&cells[0].result, "edm", 0, 8, 0);
    expect_cell(&cells[3].result, "logvar", 0, 8, 0);
    expect_cell(&cells[4].result, "edm", 1, 8, 0);
    expect_cell(&cells[8].result, "edm", 0, 16, 0);
    expect_cell(&cells[16].result, "edm", 0, 8, 10);
    expect_cell(&cells[31].result, "logvar", 1, 16, 10);
    assert_true(cells[15].report && !cells[16].report);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < i; k++) assert_false(result_same_cell(&cells[i].result, &cells[k].result));
    free(cells);
    sweep_config_free(&config);
}

/* Heun takes 2 N - 1 evaluations: 8 and 7 of them are the same 4 steps, and eta is not its. */
static void heun_takes_what_the_nfe_allows(void **state) {
    (void)state;
    Error error = {""};
    SweepConfig config = read_base(
        "{\"solvers\": [\"heun\"], \"nfe\": [7, 8, 1, 15], \"schedules\": [\"edm\"], \"seeds\": "
        "[\"5-6\"]}");
    SweepCell *cells;
    int count;
    assert_true(sweep_cells(&config, &cells, &count, &error));
    assert_int_equal(count, 3);
    static const int steps[] = {4, 1, 8};
    for (int i = 0; i < 3; i++) {
        const Result *r = &cells[i].result;
        assert_true(r->steps == steps[i] && r->nfe == 2 * steps[i] - 1 && r->eta == 0);
    }
    free(cells);
    sweep_config_free(&config);
}

/* `key` of the base replaced by the JSON `value` (NULL: taken away). */
static void expect_refusal(const char *key, const char *value, const char *message) {
    Error error = {""};
    SweepConfig config;
    json_t *json = json_parse_text(base, strlen(base), "base", &error);
    if (value == NULL)
        json_object_del(json, key);
    else
        json_object_set_new(json, key, json_parse_text(value, strlen(value), "value", &error));
    assert_false(parse(&config, json, &error));
    expect_message(&error, "some/sweep.json", message, NULL);
    json_decref(json);
}

static void refuses_bad_schedules(void **state) {
    (void)state;
    expect_refusal("schedules", "[]", "0 entries");
    expect_refusal("schedules", "[\"emd\"]", "'emd' is no kind of schedule, expected edm, log-uniform");
    expect_refusal("schedules", "[3]", "schedules[0]");
    expect_refusal("schedules", "[\"edm\", \"edm\"]",
                   "schedules[1]: is named 'edm', as schedules[0] is");
    expect_refusal("schedules", "[{\"kind\": \"order\"}]", "'order'");
    expect_refusal("schedules", "[{\"kind\": \"edm\", \"order\": 2}]", "'order'");
    expect_refusal("schedules", "[{\"kind\": \"order\", \"order\": 200}]", "expected -20 to 20");
    expect_refusal("schedules", "[{\"kind\": \"edm\", \"name\": \"../x\"}]", "'../x'");
    expect_refusal("schedules", "[{\"kind\": \"edm\", \"name\": \"\"}]", "letters");
    expect_refusal("schedules", "[{\"kind\": \"rescaled\", \"rule\": \"right\"}]", "'right'");
    expect_refusal("schedules", "[{\"kind\": \"edm\", \"curves\": \"x\"}]", "did you mean curve?");
    expect_refusal("schedules", "[{\"kind\": \"gaussian\", \"c\": 1e-7}]", "expected 1e-06 to 1e+06");
    expect_refusal("curve", NULL, "schedules[1]: the rescaled schedule needs a \"curve\"");
}

/* Keys that would do nothing. */
static void refuses_keys_of_other_kinds(void **state) {
    (void)state;
    expect_refusal("schedules", "[{\"kind\": \"rescaled\", \"rho\": 3}]",
                   "key 'rho' does nothing for the kind \"rescaled\": it is for edm");
    expect_refusal("schedules", "[{\"kind\": \"edm\", \"c\": 2}]", "key 'c' does nothing");
    expect_refusal("schedules", "[{\"kind\": \"gaussian\", \"curve\": \"x\"}]", "key 'curve' does");
    expect_refusal("schedules", "[{\"kind\": \"log-uniform\", \"rule\": \"left\"}]", "'rule'");
    expect_refusal("schedules", "[{\"kind\": \"entropic\", \"spectrum\": \"x\"}]",
                   "key 'spectrum' does nothing for the kind \"entropic\"");
    expect_refusal("schedules", "[{\"kind\": \"spectral\", \"curve\": \"x\", \"spectrum\": \"y\"}]",
                   "keys 'curve' and 'spectrum'");
    SweepConfig config = read_base(
        "{\"schedules\": [{\"kind\": \"edm\", \"rho\": 3}, {\"kind\": \"gaussian\", \"c\": 2}, "
        "{\"kind\": "
        "\"spectral\", \"spectrum\": \"y\", \"rule\": \"left\"}]}");
    assert_true(config.schedules[0].request.rho == 3 && config.schedules[1].request.c == 2);
    assert_string_equal(config.schedules[2].request.spectrum, "some/y");
    sweep_config_free(&config);
}

static void refuses_bad_lists(void **state) {
    (void)state;
    expect_refusal("solvers", "[]", "'solvers' is empty");
    expect_refusal("solvers", "[\"euler\"]", "'euler'");
    expect_refusal("solvers", "[\"ddim\", \"ddim\"]", "there already");
    expect_refusal("eta", "[]", "'eta' is empty");
    expect_refusal("eta", "[1.5]", "expected 0 to 1");
    expect_refusal("eta", "[1, 1]", "there already");
    expect_refusal("nfe", "[]", "'nfe'");
    expect_refusal("nfe", "[0]", "expected 1 to");
    expect_refusal("nfe", "[8.5]", "nfe[0]");
    expect_refusal("nfe", "[8, 8]", "there already");
}

static void refuses_bad_seeds(void **state) {
    (void)state;
    expect_refusal("seeds", "[]", "0 entries");
    expect_refusal("seeds", "[5]", "not a string");
    expect_refusal("seeds", "[\"5\"]", "'5' is no range");
    expect_refusal("seeds", "[\"9-0\"]", "'9-0' is no range");
    expect_refusal("seeds", "[\"5-5\"]", "no range of two seeds or more");
    expect_refusal("seeds", "[\"0-9x\"]", "no range");
    expect_refusal("seeds", "[\"0-9-12\"]", "no range");
    expect_refusal("seeds", "[\"0--9\"]", "no range");
    expect_refusal("seeds", "[\"0-18446744073709551615\"]", "more than");
    expect_refusal("seeds", "[\"0-9\", \"10-20\"]", "cannot be compared");
    expect_refusal("seeds", "[\"0-9\", \"9-18\"]", "overlaps seeds[0]");
    expect_refusal("seeds", "[\"0-9\", \"4294967305-4294967314\"]", "overlaps seeds[0]");
}

static void refuses_bad_files(void **state) {
    (void)state;
    expect_refusal("net", NULL, "'net' is missing");
    expect_refusal("reference", NULL, "'reference' is missing");
    expect_refusal("steps", "[8]", "unknown key 'steps'");
    expect_refusal("sigma_max", "0.001", "sigma_min < sigma_max");
    expect_refusal("gnet", "\"g\"", "'gnet' without 'guidance'");
    SweepConfig config;
    Error error = {""};
    assert_false(sweep_config_read(&config, test_path("none.json"), &error));
    expect_message(&error, "none.json", NULL);
    write_bytes(test_path("bad.json"), "{\"net\": ", 8);
    assert_false(sweep_config_read(&config, test_path("bad.json"), &error));
    expect_message(&error, "bad.json", "line 1", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_says),
        cmocka_unit_test(whole_tables_come_first),
        cmocka_unit_test(heun_takes_what_the_nfe_allows),
        cmocka_unit_test(refuses_bad_schedules),
        cmocka_unit_test(refuses_keys_of_other_kinds),
        cmocka_unit_test(refuses_bad_lists),
        cmocka_unit_test(refuses_bad_seeds),
        cmocka_unit_test(refuses_bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
