/* io/seeds.h */
#include "io/seeds.h"

#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect_seeds(const char *text, size_t count, const uint64_t *values) {
    Error error = {0};
    Seeds seeds;
    assert_true(seeds_parse(text, 1000, &seeds, &error));
    assert_int_equal(seeds.count, count);
    for (size_t i = 0; i < count; i++) assert_true(seeds.values[i] == values[i]);
    free(seeds.values);
}

static void refused(const char *text, const char *message) {
    Error error = {0};
    Seeds seeds = {(uint64_t *)&error, 1};
    assert_false(seeds_parse(text, 1000, &seeds, &error));
    assert_null(seeds.values);
    assert_int_equal(seeds.count, 0);
    expect_message(&error, "seeds: ", message, NULL);
}

static void lists_and_ranges(void **state) {
    (void)state;
    expect_seeds("5", 1, (uint64_t[]){5});
    expect_seeds("0-3", 4, (uint64_t[]){0, 1, 2, 3});
    expect_seeds("1,5,7-9", 5, (uint64_t[]){1, 5, 7, 8, 9});
    expect_seeds(" 2 - 3 , 007\t", 3, (uint64_t[]){2, 3, 7});
    expect_seeds("9,1-2,0", 4, (uint64_t[]){9, 1, 2, 0});
    expect_seeds("4-4", 1, (uint64_t[]){4});
    expect_seeds("18446744073709551614-18446744073709551615", 2,
                 (uint64_t[]){UINT64_MAX - 1, UINT64_MAX});
}

static void wrong_texts(void **state) {
    (void)state;
    refused("", "expected a number at ''");
    refused("1,", "expected a number at ''");
    refused(",1", "expected a number at ',1'");
    refused("-5", "expected a number at '-5'");
    refused("1-", "expected a number at ''");
    refused("1--2", "expected a number at '-2'");
    refused("1-2-3", "expected a comma at '-3'");
    refused("1 2", "expected a comma at '2'");
    refused("1.5", "expected a comma at '.5'");
    refused("0x10", "expected a comma at 'x10'");
    refused("1;2", "expected a comma at ';2'");
    refused("abc", "expected a number at 'abc'");
    refused("9-1", "the range 9-1 runs backwards");
    refused("18446744073709551616", "18446744073709551616 is too large: at most 18446744073709551615");
    refused("99999999999999999999999", "is too large");
}

/* One image twice is no second image. */
static void repetitions_are_refused(void **state) {
    (void)state;
    refused("5,5", "5 is in the list twice");
    refused("9,1-2,9", "9 is in the list twice");
    refused("10-19,0-10", "10 is in the list twice");
    refused("0-9,3-4", "3 is in the list twice");
    refused("18446744073709551615,18446744073709551614-18446744073709551615", "twice");
    expect_seeds("10-19,0-9", 20,
                 (uint64_t[]){10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

static void the_count_is_capped(void **state) {
    (void)state;
    Error error = {0};
    Seeds seeds;
    assert_true(seeds_parse("0-999", 1000, &seeds, &error));
    assert_int_equal(seeds.count, 1000);
    free(seeds.values);
    refused("0-1000", "'0-1000' names more than 1000 of them");
    refused("0-999,5", "more than 1000");
    refused("0-18446744073709551615", "more than 1000");
    refused("5,0-18446744073709551615", "more than 1000");
    assert_false(seeds_parse("0-100000000", SEEDS_LIMIT, &seeds, &error));
    expect_message(&error, "more than 100000000 of them", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_ranges),
        cmocka_unit_test(wrong_texts),
        cmocka_unit_test(repetitions_are_refused),
        cmocka_unit_test(the_count_is_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
