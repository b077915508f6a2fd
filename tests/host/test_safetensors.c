/* io/safetensors.h: round trips, the published layout, and hostile files. */
#include "io/safetensors.h"

#include "io/file.h"
#include "io/half.h"
#include "support/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A file of this header, padded by nothing, and `size` bytes of data 0, 1, 2, ...  malloc'd. */
static uint8_t *make_file(const char *header, size_t size, size_t *total) {
    uint64_t length = strlen(header);
    *total = 8 + length + size;
    uint8_t *bytes = malloc(*total);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < size; i++) bytes[8 + length + i] = (uint8_t)i;
    return bytes;
}

/* The file is refused with a message that has `text` and the name of the file. */
static void refused(const char *header, size_t size, const char *text) {
    Error error = {0};
    size_t total;
    uint8_t *bytes = make_file(header, size, &total);
    assert_null(safetensors_parse(bytes, total, "evil.st", &error));
    expect_message(&error, "evil.st", text, NULL);
    free(bytes);
}

static void round_trip(void **state) {
    (void)state;
    Error error = {0};
    float floats[6] = {1, -2, 3.5f, INFINITY, -0.0f, 1e-40f};
    double doubles[2] = {0.1, 1e300};
    uint16_t halves[2] = {0x3c00, 0xc000}, brains[2] = {0x3f80, 0xc000};
    int32_t ints[2] = {-7, 1 << 30};
    int64_t longs[1] = {INT64_MIN};
    uint8_t bytes[3] = {0, 1, 255};
    SafetensorsTensor tensors[] = {
        {"weight", SAFETENSORS_F32, 2, {2, 3}, floats}, {"half", SAFETENSORS_F16, 1, {2}, halves},
        {"brain", SAFETENSORS_BF16, 1, {2}, brains},    {"double", SAFETENSORS_F64, 1, {2}, doubles},
        {"int", SAFETENSORS_I32, 1, {2}, ints},         {"long", SAFETENSORS_I64, 0, {0}, longs},
        {"byte", SAFETENSORS_U8, 1, {3}, bytes},        {"empty", SAFETENSORS_F32, 2, {0, 4}, NULL},
    };
    SafetensorsText metadata[] = {{"architecture", "edm2"}, {"config", "{\"a\": \"\\u00e9\"}"}};
    const char *path = test_path("a.safetensors");
    assert_true(safetensors_write(path, tensors, 8, metadata, 2, &error));
    Safetensors *file = safetensors_open(path, &error);
    assert_non_null(file);
    assert_int_equal(safetensors_count(file), 8);
    assert_string_equal(safetensors_name(file), path);
    assert_string_equal(safetensors_metadata(file, "architecture"), "edm2");
    assert_string_equal(safetensors_metadata(file, "config"), metadata[1].text);
    assert_null(safetensors_metadata(file, "absent"));
    assert_null(safetensors_find(file, "absent"));
    for (int i = 0; i < 8; i++) {
        const SafetensorsTensor *tensor = safetensors_find(file, tensors[i].name);
        assert_non_null(tensor);
        assert_int_equal(tensor->type, tensors[i].type);
        assert_int_equal(tensor->rank, tensors[i].rank);
        assert_memory_equal(tensor->shape, tensors[i].shape, 64);
        size_t size = safetensors_type_size(tensor->type);
        assert_int_equal((uintptr_t)tensor->data % size, 0);
        if (safetensors_elements(tensor) > 0)
            assert_memory_equal(tensor->data, tensors[i].data,
                                size * (size_t)safetensors_elements(tensor));
        if (i > 0)
            assert_true(
                strcmp(safetensors_tensor(file, i - 1)->name, safetensors_tensor(file, i)->name) < 0);
    }
    float read[6];
    int64_t whole[3];
    assert_true(safetensors_read_floats(file, "weight", read, 6, &error));
    assert_memory_equal(read, floats, sizeof floats);
    assert_true(safetensors_read_floats(file, "half", read, 2, &error));
    assert_true(read[0] == 1 && read[1] == -2);
    assert_true(safetensors_read_floats(file, "brain", read, 2, &error));
    assert_true(read[0] == 1 && read[1] == -2);
    assert_true(safetensors_read_floats(file, "double", read, 2, &error));
    assert_true(read[0] == 0.1f && isinf(read[1]));
    assert_true(safetensors_read_floats(file, "empty", read, 0, &error));
    assert_true(safetensors_read_integers(file, "int", whole, 2, &error));
    assert_true(whole[0] == -7 && whole[1] == 1 << 30);
    assert_true(safetensors_read_integers(file, "long", whole, 1, &error));
    assert_true(whole[0] == INT64_MIN);
    assert_true(safetensors_read_integers(file, "byte", whole, 3, &error));
    assert_true(whole[2] == 255);

    assert_false(safetensors_read_floats(file, "int", read, 2, &error));
    expect_message(&error, path, "'int' is of type I32, expected F16, BF16, F32 or F64", NULL);
    assert_false(safetensors_read_integers(file, "weight", whole, 6, &error));
    expect_message(&error, path, "'weight' is of type F32, expected integers", NULL);
    assert_false(safetensors_read_floats(file, "weight", read, 5, &error));
    expect_message(&error, path, "'weight' has the shape [2, 3], expected 5 values", NULL);
    assert_false(safetensors_read_floats(file, "absent", read, 5, &error));
    expect_message(&error, path, "no tensor 'absent'", NULL);
    assert_non_null(safetensors_expect(file, "weight", 2, (int64_t[]){2, -1}, &error));
    assert_null(safetensors_expect(file, "weight", 2, (int64_t[]){3, -1}, &error));
    expect_message(&error, path, "'weight' has the shape [2, 3], expected [3, -1]", NULL);
    assert_null(safetensors_expect(file, "weight", 1, (int64_t[]){6}, &error));
    expect_message(&error, "expected [6]", NULL);
    assert_null(safetensors_expect(file, "absent", 0, NULL, &error));
    expect_message(&error, "no tensor 'absent'", NULL);
    safetensors_close(file);
}

static void the_bytes_depend_on_the_contents_alone(void **state) {
    (void)state;
    Error error = {0};
    float f[1] = {2};
    uint8_t b[3] = {1, 2, 3};
    SafetensorsTensor one[] = {{"z", SAFETENSORS_U8, 1, {3}, b}, {"y", SAFETENSORS_F32, 0, {0}, f}};
    SafetensorsTensor two[] = {one[1], one[0]};
    char *first, *second;
    size_t first_size, second_size;
    assert_true(safetensors_write(test_path("1"), one, 2, NULL, 0, &error));
    assert_true(safetensors_write(test_path("2"), two, 2, NULL, 0, &error));
    assert_true(read_file(test_path("1"), 1000, &first, &first_size, &error));
    assert_true(read_file(test_path("2"), 1000, &second, &second_size, &error));
    assert_int_equal(first_size, second_size);
    assert_memory_equal(first, second, first_size);
    const char *header =
        "{\"y\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
        "\"z\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[4,7]}}";
    uint64_t length;
    memcpy(&length, first, 8);
    assert_int_equal(length % 8, 0);
    assert_memory_equal(first + 8, header, strlen(header));
    for (size_t i = strlen(header); i < length; i++) assert_int_equal(first[8 + i], ' ');
    assert_int_equal(first_size, 8 + length + 7);
    free(first);
    free(second);
}

static void unaligned_data_is_read(void **state) {
    (void)state;
    Error error = {0};
    size_t total;
    float value;
    uint8_t *bytes = make_file(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}}",
        5, &total);
    const float pi = 3.14159f;
    memcpy(bytes + total - 4, &pi, 4);
    Safetensors *file = safetensors_parse(bytes, total, "x", &error);
    assert_non_null(file);
    assert_true(safetensors_read_floats(file, "b", &value, 1, &error));
    assert_true(value == pi);
    safetensors_close(file);
    free(bytes);
}

static void no_tensors_is_a_file_too(void **state) {
    (void)state;
    Error error = {0};
    assert_true(safetensors_write(test_path("none"), NULL, 0, NULL, 0, &error));
    Safetensors *file = safetensors_open(test_path("none"), &error);
    assert_non_null(file);
    assert_int_equal(safetensors_count(file), 0);
    assert_null(safetensors_find(file, "a"));
    assert_null(safetensors_metadata(file, "a"));
    safetensors_close(file);
}

/* Every half and bfloat16 number, by the definition of the formats. */
static void sixteen_bit_numbers(void **state) {
    (void)state;
    for (unsigned bits = 0; bits < 65536; bits++) {
        int exponent = bits >> 10 & 31, fraction = bits & 1023;
        double expected = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
        if (exponent == 31) expected = fraction != 0 ? NAN : INFINITY;
        float half = half_to_float((uint16_t)bits);
        assert_int_equal(!!signbit(half), bits >> 15);
        assert_true(isnan(expected) ? isnan(half) : fabs(half) == expected);

        exponent = bits >> 7 & 255, fraction = bits & 127;
        expected = exponent == 0 ? ldexp(fraction, -133) : ldexp(128 + fraction, exponent - 134);
        if (exponent == 255) expected = fraction != 0 ? NAN : INFINITY;
        float brain = bfloat16_to_float((uint16_t)bits);
        assert_int_equal(!!signbit(brain), bits >> 15);
        assert_true(isnan(expected) ? isnan(brain) : fabs(brain) == expected);
    }
}

#define ENTRY(name, dtype, shape, begin, end) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static void hostile_layouts(void **state) {
    (void)state;
    refused("{" ENTRY("a", "F32", "[2]", "0", "4") "}", 4,
            "has 4 bytes, but its type and shape need 8");
    refused("{" ENTRY("a", "F32", "[2]", "0", "8") "}", 4, "ends at byte 8 of 4");
    refused("{" ENTRY("a", "U8", "[4]", "4", "0") "}", 4, "0 <= begin <= end");
    refused("{" ENTRY("a", "U8", "[4]", "-4", "0") "}", 4, "0 <= begin <= end");
    refused("{" ENTRY("a", "U8", "[4]", "0.0", "4") "}", 4, "0 <= begin <= end");
    refused("{" ENTRY("a", "U8", "[4]", "0", "4,4") "}", 4, "0 <= begin <= end");
    refused("{" ENTRY("a", "U8", "[4]", "0", "99999999999999999999") "}", 4, "too big integer");
    refused("{" ENTRY("a", "U8", "[4]", "0", "4") "," ENTRY("b", "U8", "[4]", "2", "6") "}", 6,
            "'a' and 'b' overlap");
    refused("{" ENTRY("a", "U8", "[4]", "0", "4") "," ENTRY("b", "U8", "[4]", "0", "4") "}", 4,
            "'a' and 'b' overlap");
    refused("{" ENTRY("a", "U8", "[4]", "0", "4") "," ENTRY("b", "U8", "[1]", "5", "6") "}", 6,
            "1 bytes before tensor 'b'");
    refused("{" ENTRY("a", "U8", "[4]", "1", "5") "}", 5, "1 bytes before tensor 'a'");
    refused("{" ENTRY("a", "U8", "[4]", "0", "4") "}", 6, "the last 2 bytes belong to no tensor");
    refused("{}", 1, "the last 1 bytes");
    refused("{" ENTRY("a", "U8", "[4]", "0", "4") "," ENTRY("b", "U8", "[0]", "2", "2") "}", 4,
            "'a' and 'b' overlap");
}

static void hostile_shapes(void **state) {
    (void)state;
    refused("{" ENTRY("a", "F32", "[4611686018427387904]", "0", "0") "}", 0, "size overflows");
    refused("{" ENTRY("a", "U8", "[4294967296,4294967296]", "0", "0") "}", 0, "size overflows");
    refused("{" ENTRY("a", "U8", "[4294967296,2147483648,0]", "0", "0") "}", 0, "size overflows");
    refused("{" ENTRY("a", "U8", "[-1]", "0", "0") "}", 0, "size 0 of its shape is not a non-negative");
    refused("{" ENTRY("a", "U8", "[1,\"2\"]", "0", "2") "}", 2, "size 1 of its shape");
    refused("{" ENTRY("a", "U8", "[1.5]", "0", "1") "}", 1, "size 0 of its shape");
    refused("{" ENTRY("a", "U8", "4", "0", "4") "}", 4, "no list of sizes");
    refused("{" ENTRY("a", "U8", "[1,1,1,1,1,1,1,1,1]", "0", "1") "}", 1,
            "has 9 dimensions; at most 8");
    Error error = {0};
    size_t total;
    uint8_t *bytes =
        make_file("{" ENTRY("a", "U8", "[0,4294967296,4294967296]", "0", "0") "}", 0, &total);
    Safetensors *file = safetensors_parse(bytes, total, "x", &error);
    assert_non_null(file);
    assert_int_equal(safetensors_elements(safetensors_find(file, "a")), 0);
    safetensors_close(file);
    free(bytes);
}

static void hostile_headers(void **state) {
    (void)state;
    refused("{" ENTRY("a", "F8_E4M3", "[1]", "0", "1") "}", 1, "unsupported dtype 'F8_E4M3'");
    refused("{\"a\":{\"dtype\":5,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "dtype '(not a text)'");
    refused("{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
            "exactly dtype, shape and data_offsets");
    refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", 1,
            "exactly dtype");
    refused("{\"a\":[]}", 0, "exactly dtype");
    refused("{" ENTRY("", "U8", "[1]", "0", "1") "}", 1, "empty name");
    refused("{" ENTRY("a", "U8", "[1]", "0", "1") "," ENTRY("a", "U8", "[1]", "1", "2") "}", 2,
            "duplicate object key");
    refused("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
            "duplicate");
    refused("{\"__metadata__\":5}", 0, "__metadata__ is not an object");
    refused("{\"__metadata__\":{\"k\":5}}", 0, "metadata 'k' is not a text");
    refused("{\"\\u0000\":1}", 0, "not valid JSON");
    refused("{\"\xff\":1}", 0, "not valid JSON");
    refused("{} x", 0, "not valid JSON");
    refused(" {}", 0, "does not begin with '{'");
    refused("[]", 0, "does not begin with '{'");
    refused("", 0, "does not begin with '{'");
    refused("{", 0, "not valid JSON");

    char header[600];
    int length = sprintf(header, "{\"");
    memset(header + length, 'n', 300);
    sprintf(header + length + 300, "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}");
    refused(header, 1, "is 300 bytes long; at most 255");

    char *bomb = malloc(200008);
    memcpy(bomb, "{\"a\":", 5);
    memset(bomb + 5, '[', 200000);
    bomb[200005] = '\0';
    refused(bomb, 0, "maximum parsing depth");
    free(bomb);
}

static void hostile_lengths(void **state) {
    (void)state;
    Error error = {0};
    uint8_t bytes[16] = {9, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    assert_null(safetensors_parse(bytes, 0, "evil.st", &error));
    expect_message(&error, "evil.st", "only 0 bytes", NULL);
    assert_null(safetensors_parse(bytes, 7, "evil.st", &error));
    expect_message(&error, "evil.st", "only 7 bytes", NULL);
    assert_null(safetensors_parse(bytes, 16, "evil.st", &error));
    expect_message(&error, "evil.st", "cut short", "9 bytes, of which 8 are there", NULL);
    memset(bytes, 255, 8);
    assert_null(safetensors_parse(bytes, 16, "evil.st", &error));
    expect_message(&error, "evil.st", "a header of 18446744073709551615 bytes", NULL);
}

static void files_that_cannot_be_opened(void **state) {
    (void)state;
    Error error = {0};
    assert_null(safetensors_open(test_path("absent"), &error));
    expect_message(&error, "cannot open", "absent", "No such file", NULL);
    assert_null(safetensors_open(test_path(""), &error));
    expect_message(&error, "it is a folder", NULL);
    write_bytes(test_path("short"), "1234", 4);
    assert_null(safetensors_open(test_path("short"), &error));
    expect_message(&error, "short", "only 4 bytes", NULL);
    write_bytes(test_path("long"), "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    assert_null(safetensors_open(test_path("long"), &error));
    expect_message(&error, "long", "at most 100000000 are read", NULL);
    safetensors_close(NULL);
}

static void the_writer_refuses(void **state) {
    (void)state;
    Error error = {0};
    uint8_t b[1] = {0};
    SafetensorsTensor twice[] = {{"a", SAFETENSORS_U8, 1, {1}, b}, {"a", SAFETENSORS_U8, 1, {1}, b}};
    const char *path = test_path("w");
    assert_false(safetensors_write(path, twice, 2, NULL, 0, &error));
    expect_message(&error, path, "two tensors are named 'a'", NULL);
    const char *names[] = {"", "__metadata__"};
    for (int i = 0; i < 2; i++) {
        SafetensorsTensor tensor = {names[i], SAFETENSORS_U8, 1, {1}, b};
        assert_false(safetensors_write(path, &tensor, 1, NULL, 0, &error));
        expect_message(&error, path, "cannot name a tensor", NULL);
    }
    SafetensorsTensor latin = {"\xe9", SAFETENSORS_U8, 1, {1}, b};
    assert_false(safetensors_write(path, &latin, 1, NULL, 0, &error));
    expect_message(&error, path, "not UTF-8", NULL);
    SafetensorsTensor negative = {"n", SAFETENSORS_U8, 1, {-1}, b};
    assert_false(safetensors_write(path, &negative, 1, NULL, 0, &error));
    expect_message(&error, path, "'n' has no valid shape", NULL);
    SafetensorsTensor huge = {"h", SAFETENSORS_F64, 2, {1ll << 40, 1ll << 40}, b};
    assert_false(safetensors_write(path, &huge, 1, NULL, 0, &error));
    expect_message(&error, path, "'h' has no valid shape", NULL);
    SafetensorsText text = {"k", "\xff"};
    assert_false(safetensors_write(path, NULL, 0, &text, 1, &error));
    expect_message(&error, path, "metadata 'k' is not UTF-8", NULL);
    assert_false(file_exists(path));
    assert_false(safetensors_write(test_path("nowhere/w"), twice, 1, NULL, 0, &error));
    expect_message(&error, "nowhere/w", "No such file", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(the_bytes_depend_on_the_contents_alone),
        cmocka_unit_test(unaligned_data_is_read),
        cmocka_unit_test(no_tensors_is_a_file_too),
        cmocka_unit_test(sixteen_bit_numbers),
        cmocka_unit_test(hostile_layouts),
        cmocka_unit_test(hostile_shapes),
        cmocka_unit_test(hostile_headers),
        cmocka_unit_test(hostile_lengths),
        cmocka_unit_test(files_that_cannot_be_opened),
        cmocka_unit_test(the_writer_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
