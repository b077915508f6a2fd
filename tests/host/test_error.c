/* error.h: what a message may hold. */
#include "error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

static bool report(Error *error, const char *name) { return fail(error, "%s: not found", name); }

#include <cmocka.h>

static void control_characters_do_not_reach_the_terminal(void **state) {
    (void)state;
    Error error;
    assert_false(report(&error, "a\033[2J\nb\177"));
    assert_string_equal(error.text, "a?[2J?b?: not found");
    assert_false(report(&error, "gr\303\274n"));
    assert_string_equal(error.text, "gr\303\274n: not found");
}

/* In the middle: a message begins with what it is about and ends with the reason. */
static void long_messages_are_cut(void **state) {
    (void)state;
    Error error;
    char name[4096];
    for (size_t length = 1000; length < sizeof name; length += length < 1030 ? 1 : 500) {
        memset(name, 'x', length);
        name[0] = 'n';
        name[length] = '\0';
        report(&error, name);
        const size_t whole = length + strlen(": not found"), most = sizeof error.text - 1;
        assert_int_equal(strlen(error.text), whole < most ? whole : most);
        assert_memory_equal(error.text, "nx", 2);
        assert_non_null(strstr(error.text, "xx: not found"));
        assert_true((strstr(error.text, "xx ... xx") != NULL) == (whole > most));
        assert_false(report(NULL, name));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(long_messages_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
