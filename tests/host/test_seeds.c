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

/* Nor is it one under another number: seeds count modulo 2^32. */
static void the_same_image_is_refused(void **state) {
    (void)state;
    refused("0,4294967296", "0 and 4294967296 make the same image, as seeds count modulo 2^32");
    refused("4294967296,0", "0 and 4294967296 make the same image");
    refused("3-9,4294967300", "4 and 4294967300 make the same image");
    refused("4294967290-4294967300,2", "4294967298 and 2 make the same image");
    refused("2,4294967290-4294967300", "4294967298 and 2 make the same image");
    refused("7,18446744073709551610-18446744073709551615,4294967292", "make the same image");
    refused("5,100-200,8589934597", "5 and 8589934597 make the same image");
    expect_seeds("4294967294-4294967297,2", 5,
                 (uint64_t[]){4294967294, 4294967295, 4294967296, 4294967297, 2});
    expect_seeds("4294967299,4294967295,2", 3, (uint64_t[]){4294967299, 4294967295, 2});
}

/* As every pair of numbers of two ranges says. */
static void ranges_overlap(void **state) {
    (void)state;
    const uint64_t turn = 1ull << 32;
    for (uint64_t a = 0; a < 6; a++)
        for (uint64_t b = 0; b < 6; b++)
            for (int length = 0; length < 9; length++) {
                const uint64_t first = turn - 3 + a, second = 3 * turn - 3 + b + (uint64_t)length % 4;
                const SeedRange x = {first, first + (uint64_t)length / 3}, y = {second, second + 2};
                bool expected = false;
                for (uint64_t i = x.first; i <= x.last; i++)
                    for (uint64_t k = y.first; k <= y.last; k++) expected |= i % turn == k % turn;
                assert_true(seeds_overlap(x, y) == expected && seeds_overlap(y, x) == expected);
            }
    assert_true(seeds_overlap((SeedRange){0, turn}, (SeedRange){77, 77}));
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
        cmocka_unit_test(lists_and_ranges),        cmocka_unit_test(wrong_texts),
        cmocka_unit_test(repetitions_are_refused), cmocka_unit_test(the_same_image_is_refused),
        cmocka_unit_test(ranges_overlap),          cmocka_unit_test(the_count_is_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
