/* io/json.h: typed fields, and a clear message for everything that can be wrong with one. */
#include "io/json.h"

#include "io/file.h"
#include "support/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    bool flag;
    int steps;
    int64_t seed;
    double rho;
    const char *kind;
    JsonDoubles levels;
    JsonInts sizes;
    const json_t *network, *list;
} Config;

/* Reads a text as c.json.  The strings of the result live in *document. */
static bool read_config(const char *text, Config *config, json_t **document, Error *error) {
    const JsonField fields[] = {
        {"flag", JSON_FIELD_BOOL, &config->flag, false, 0, 0},
        {"steps", JSON_FIELD_INT, &config->steps, true, 1, 1000},
        {"seed", JSON_FIELD_INT64, &config->seed, false, 0, 0},
        {"rho", JSON_FIELD_DOUBLE, &config->rho, false, 0.5, 100},
        {"kind", JSON_FIELD_TEXT, &config->kind, false, 0, 0},
        {"levels", JSON_FIELD_DOUBLES, &config->levels, false, 0, 80},
        {"sizes", JSON_FIELD_INTS, &config->sizes, false, 0, 0},
        {"network", JSON_FIELD_OBJECT, &config->network, false, 0, 0},
        {"list", JSON_FIELD_ARRAY, &config->list, false, 0, 0},
    };
    *document = json_parse_text(text, strlen(text), "c.json", error);
    return *document != NULL && json_read_fields(*document, "c.json", fields, 9, error);
}

static void free_config(Config *config, json_t *document) {
    free(config->levels.values);
    free(config->sizes.values);
    json_decref(document);
}

static void refused(const char *text, const char *message) {
    Error error = {0};
    Config config = {0};
    json_t *document;
    assert_false(read_config(text, &config, &document, &error));
    expect_message(&error, "c.json: ", message, NULL);
    free_config(&config, document);
}

static void a_name_is_valid_utf8(void **state) {
    (void)state;
    static const struct {
        const char *name, *told;
    } cases[] = {{"plain", "plain"},
                 {"gr\xc3\xbcn", "gr\xc3\xbcn"},
                 {"", ""},
                 {"gr\xfcn", "gr\xef\xbf\xbdn"},
                 {"\xff\xc3", "\xef\xbf\xbd\xef\xbf\xbd"},
                 {"a\xed\xa0\x80", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
                 {"\xf0\x9f\x98\x80\xf0\x9f", "\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *name = json_name(cases[i].name);
        assert_string_equal(json_string_value(name), cases[i].told);
        json_decref(name);
    }
    assert_null(json_name(NULL));
}

static void a_byte_order_mark_is_skipped(void **state) {
    (void)state;
    Error error = {0};
    json_t *value = json_parse_text("\xef\xbb\xbf[1]", 6, "c.json", &error);
    assert_int_equal(json_array_size(value), 1);
    json_decref(value);
    assert_null(json_parse_text("\xef\xbb\xbf", 3, "c.json", &error));
    assert_null(json_parse_text("\xef\xbb", 2, "c.json", &error));
}

static void reads_every_kind(void **state) {
    (void)state;
    Error error = {0};
    Config config = {0};
    json_t *document;
    assert_true(
        read_config("{\"flag\": true, \"steps\": 16, \"seed\": 9007199254740993, \"rho\": 7,"
                    " \"kind\": \"edm\", \"levels\": [80, 0.002, 0], \"sizes\": [1, -2],"
                    " \"network\": {\"a\": 1}, \"list\": [[]]}",
                    &config, &document, &error));
    assert_true(config.flag && config.steps == 16 && config.seed == 9007199254740993 &&
                config.rho == 7);
    assert_string_equal(config.kind, "edm");
    assert_int_equal(config.levels.count, 3);
    assert_true(config.levels.values[0] == 80 && config.levels.values[1] == 0.002);
    assert_int_equal(config.sizes.count, 2);
    assert_int_equal(config.sizes.values[1], -2);
    assert_int_equal(json_object_size(config.network), 1);
    assert_int_equal(json_array_size(config.list), 1);
    free_config(&config, document);
}

static void absent_keys_keep_their_defaults(void **state) {
    (void)state;
    Error error = {0};
    Config config = {.flag = true, .rho = 3, .kind = "rescaled"};
    json_t *document;
    assert_true(read_config("{\"steps\": 1, \"levels\": []}", &config, &document, &error));
    assert_true(config.flag && config.rho == 3 && config.levels.count == 0 && config.network == NULL);
    assert_string_equal(config.kind, "rescaled");
    free_config(&config, document);
}

static void wrong_types(void **state) {
    (void)state;
    refused("{\"steps\": \"16\"}", "key 'steps' is a string, expected an integer");
    refused("{\"steps\": 16.0}", "key 'steps' is a number, expected an integer");
    refused("{\"steps\": null}", "key 'steps' is null, expected an integer");
    refused("{\"steps\": 1, \"flag\": 1}", "key 'flag' is an integer, expected true or false");
    refused("{\"steps\": 1, \"rho\": true}", "key 'rho' is a boolean, expected a number");
    refused("{\"steps\": 1, \"kind\": {}}", "key 'kind' is an object, expected a string");
    refused("{\"steps\": 1, \"levels\": 5}", "key 'levels' is an integer, expected a list of numbers");
    refused("{\"steps\": 1, \"levels\": [1, \"2\"]}", "key 'levels[1]' is a string, expected a number");
    refused("{\"steps\": 1, \"sizes\": [1.5]}", "key 'sizes[0]' is a number, expected an integer");
    refused("{\"steps\": 1, \"network\": []}", "key 'network' is a list, expected an object");
    refused("{\"steps\": 1, \"list\": {}}", "key 'list' is an object, expected a list");
    refused("[]", "found a list, expected an object");
    refused("{}", "key 'steps' is missing, expected an integer");
}

static void wrong_values(void **state) {
    (void)state;
    refused("{\"steps\": 0}", "key 'steps' is 0, expected 1 to 1000");
    refused("{\"steps\": 5000000000}", "key 'steps' is 5000000000, expected -2147483648 to 2147483647");
    refused("{\"steps\": 1, \"rho\": 0.25}", "key 'rho' is 0.25, expected 0.5 to 100");
    refused("{\"steps\": 1, \"levels\": [1, 81]}", "key 'levels[1]' is 81, expected 0 to 80");
    refused("{\"steps\": 1, \"sizes\": [3000000000]}", "key 'sizes[0]' is 3000000000");
}

static void unknown_keys(void **state) {
    (void)state;
    refused("{\"stesp\": 1}", "unknown key 'stesp' (did you mean steps?)");
    refused("{\"steps\": 1, \"something\": 1}", "unknown key 'something'");
}

static void broken_text(void **state) {
    (void)state;
    refused("{\"steps\": 1,\n \"steps\": 2}", "line 2, column");
    refused("{\"steps\": 1, \"steps\": 2}", "duplicate object key");
    refused("{\"steps\": 1} {}", "line 1");
    refused("", "line 1");
    refused("{\"rho\": 1e999}", "real number overflow");
    refused("{\"rho\": NaN}", "line 1");
    char bomb[5001];
    memset(bomb, '[', 5000);
    bomb[5000] = '\0';
    refused(bomb, "maximum parsing depth");
}

static void a_second_failure_frees_the_first_list(void **state) {
    (void)state;
    Error error = {0};
    Config config = {0};
    json_t *document, *again;
    assert_true(
        read_config("{\"steps\": 1, \"levels\": [1], \"sizes\": [1]}", &config, &document, &error));
    assert_false(
        read_config("{\"steps\": 1, \"levels\": [2, 3], \"sizes\": [true]}", &config, &again, &error));
    assert_int_equal(config.levels.count, 2);
    assert_int_equal(config.sizes.count, 1);
    json_decref(again);
    free_config(&config, document);
}

static void files(void **state) {
    (void)state;
    Error error = {0};
    const char *path = test_path("run.json");
    json_t *value = json_pack("{s:i, s:f, s:[s]}", "steps", 16, "sigma", 0.002, "names", "\xc3\xa9");
    assert_true(json_write_file(path, value, &error));
    char *text;
    size_t size;
    assert_true(read_file(path, 1000, &text, &size, &error));
    assert_true(text[0] == '{' && text[size - 1] == '\n');
    free(text);
    json_t *read = json_read_file(path, 1000, &error);
    assert_true(json_equal(read, value));
    json_decref(read);
    assert_null(json_read_file(path, 10, &error));
    expect_message(&error, path, "more than the 10", NULL);
    assert_null(json_read_file(test_path("absent.json"), 10, &error));
    expect_message(&error, "absent.json", "No such file", NULL);
    assert_false(json_write_file(test_path("absent/run.json"), value, &error));
    expect_message(&error, "absent/run.json", "No such file", NULL);
    json_array_append(json_object_get(value, "names"), value); /* a circle is no JSON value */
    assert_false(json_write_file(path, value, &error));
    expect_message(&error, path, "no JSON value", NULL);
    json_array_clear(json_object_get(value, "names"));
    json_decref(value);
    write_bytes(path, "{\"a\": ", 6);
    assert_null(json_read_file(path, 10, &error));
    expect_message(&error, path, "line 1", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_kind),
        cmocka_unit_test(a_name_is_valid_utf8),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
        cmocka_unit_test(absent_keys_keep_their_defaults),
        cmocka_unit_test(wrong_types),
        cmocka_unit_test(wrong_values),
        cmocka_unit_test(unknown_keys),
        cmocka_unit_test(broken_text),
        cmocka_unit_test(files),
        cmocka_unit_test(a_second_failure_frees_the_first_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
