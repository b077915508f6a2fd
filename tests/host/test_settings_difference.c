/* io/settings_difference.h: the first key that differs, and both values. */
#include "io/settings_difference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Of JSON texts; NULL for a text that is none. */
static bool texts_differ(const char *then, const char *now, char text[SETTINGS_DIFFERENCE]) {
    json_t *was = then != NULL ? json_loads(then, 0, NULL) : NULL, *is = json_loads(now, 0, NULL);
    const bool differ = settings_differ(was, is, text);
    json_decref(was);
    json_decref(is);
    return differ;
}

static void expect(const char *then, const char *now, const char *expected) {
    char text[SETTINGS_DIFFERENCE] = "?";
    const bool differ = texts_differ(then, now, text);
    assert_string_equal(text, expected);
    assert_int_equal(differ, *expected != '\0');
}

static void the_same(void **state) {
    (void)state;
    expect("{}", "{}", "");
    expect("{\"a\": 1, \"b\": [1, {\"c\": \"x\"}]}", "{\"b\": [1.0, {\"c\": \"x\"}], \"a\": 1}", "");
    expect("{\"a\": null, \"b\": true}", "{\"b\": true, \"a\": null}", "");
}

static void values(void **state) {
    (void)state;
    expect("{\"eta\": 0, \"steps\": 4}", "{\"eta\": 0.0, \"steps\": 5}", "steps: 4 then, 5 now");
    expect("{\"sigma_max\": 80.0}", "{\"sigma_max\": 80.00000000001}",
           "sigma_max: 80 then, 80.000000000010004 now");
    expect("{\"device\": \"A\"}", "{\"device\": \"B\"}", "device: \"A\" then, \"B\" now");
    expect("{\"spectral\": false}", "{\"spectral\": true}", "spectral: false then, true now");
    expect("{\"rule\": null}", "{\"rule\": \"left\"}", "rule: null then, \"left\" now");
    expect("{\"a\": [1]}", "{\"a\": 1}", "a: [1] then, 1 now");
}

static void keys_that_one_side_lacks(void **state) {
    (void)state;
    expect("{}", "{\"shuffled\": true}", "shuffled: nothing then, true now");
    expect("{\"batch\": 8}", "{}", "batch: 8 then, nothing now");
    /* The first in the order of what is now; what only the old one has comes last. */
    expect("{\"x\": 1, \"b\": 2, \"a\": 3}", "{\"a\": 4, \"b\": 5}", "a: 3 then, 4 now");
}

static void lists_and_objects(void **state) {
    (void)state;
    expect("{\"sigma\": [80, 2, 0]}", "{\"sigma\": [80, 3, 2, 0]}", "sigma: 3 values then, 4 now");
    expect("{\"sigma\": [80, 2.5, 0]}", "{\"sigma\": [80, 2.25, 0]}", "sigma[1]: 2.5 then, 2.25 now");
    expect("{\"source\": {\"kind\": \"edm\", \"rho\": 7}}", "{\"source\": {\"kind\": \"edm\"}}",
           "source.rho: 7 then, nothing now");
    expect("{\"cells\": [{\"eta\": 0}]}", "{\"cells\": [{\"eta\": 1}]}", "cells[0].eta: 0 then, 1 now");
}

static void what_is_no_object(void **state) {
    (void)state;
    expect("[", "{}", "nothing then, {} now");
    expect(NULL, "{\"a\": 1}", "nothing then, {\"a\":1} now");
}

/* Of any length: cut, and never beyond the end. */
static void long_ones_are_cut(void **state) {
    (void)state;
    static char then[20000], now[20000];
    char text[SETTINGS_DIFFERENCE], name[5000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(then, sizeof then, "{\"%s\": {\"%s\": [\"%s\"]}}", name, name, name);
    snprintf(now, sizeof now, "{\"%s\": {\"%s\": [\"x%s\"]}}", name, name, name);
    assert_true(texts_differ(then, now, text));
    assert_true(strlen(text) < sizeof text);
    assert_non_null(strstr(text, "[0]: \"nnn"));
    assert_non_null(strstr(text, "... then, \"xnnn"));
    assert_non_null(strstr(text, "... now"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same),
        cmocka_unit_test(values),
        cmocka_unit_test(keys_that_one_side_lacks),
        cmocka_unit_test(lists_and_objects),
        cmocka_unit_test(what_is_no_object),
        cmocka_unit_test(long_ones_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
