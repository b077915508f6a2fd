#include <math.h>
#include <stdlib.h>

#include "support/tensors.h"

/* Two roundings to float32, as with x * 127.5 + 128 of an array library. */
static uint8_t pixel_of(float x) {
    const volatile float product = x * 127.5f;
    const volatile float v = product + 128.0f;
    if (!(v > 0)) return 0;
    return v >= 255 ? 255 : (uint8_t)v;
}

static void check(Context *ctx, const float *values, int n, int h, int w, int c) {
    const Tensor x = tensor_of(ctx, F32, n, h, w, c, values);
    const size_t count = elements(x);
    uint8_t *out = device_alloc(ctx, count), *actual = malloc(count + 1);
    to_pixels(ctx, x, out);
    device_download(ctx, actual, out, count);
    for (size_t i = 0; i < count; ++i)
        if (actual[i] != pixel_of(values[i]))
            fail_msg("%.9g became %d, expected %d", values[i], actual[i], pixel_of(values[i]));
    free(actual);
    device_free(ctx, out), tensor_free(ctx, x);
}

static void test_values(void **state) {
    (void)state;
    Context *ctx = test_context();
    const float special[16] = {NAN,   INFINITY,    -INFINITY,    0,       -0.0f,  1,
                               -1,    0.99609375f, -1.00392157f, 1e30f,   -1e30f, 0.5f,
                               -0.5f, 1e-9f,       -1e-9f,       -1.0039f};
    check(ctx, special, 1, 1, 4, 4);
    float *values = random_floats(2 * 9 * 7 * 3, 5);
    check(ctx, values, 2, 9, 7, 3);
    free(values);
    values = random_floats(4 * 90 * 79 * 3, 6);
    check(ctx, values, 4, 90, 79, 3);
    check(ctx, values, 4, 64, 64, 2);
    free(values);
    test_context_close(ctx);
}

/* The numbers next to every step from one byte to the next, where a fused multiply-add would differ. */
static void test_edges(void **state) {
    (void)state;
    enum { AROUND = 8, COUNT = 256 * 2 * AROUND, TURNS = 16 };
    Context *ctx = test_context();
    float *values = zero_floats(TURNS * COUNT);
    for (int byte = 0, i = 0; byte < 256; ++byte) {
        float v = (float)((byte - 128) / 127.5);
        for (int j = 0; j < AROUND; ++j) v = nextafterf(v, -2);
        for (int j = 0; j < 2 * AROUND; ++j, ++i) values[i] = v, v = nextafterf(v, 2);
    }
    /* Every value comes up in each turn of a kernel's loop, which takes 256 values a turn. */
    for (int i = COUNT; i < TURNS * COUNT; ++i) values[i] = values[(i + i / COUNT * 256) % COUNT];
    check(ctx, values, TURNS, 256, 2, AROUND);
    free(values);
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    context_plan_begin(ctx);
    to_pixels(ctx, shape(F32, 1, 2, 2, 3), NULL);
    assert_true(context_ok(ctx));
    to_pixels(ctx, shape(BF16, 1, 2, 2, 3), NULL);
    expect_error(ctx, "to_pixels: x is [1,2,2,3] BF16, expected [1,2,2,3] F32");
    context_plan_end(ctx);
    to_pixels(ctx, shape(F32, 0, 2, 2, 3), NULL);
    test_context_close(ctx);
}

/* Every byte, to the last bit for F32: a quotient and a difference, each rounded. */
static void check_back(Context *ctx, int n) {
    enum { H = 32, W = 16, C = 4 };
    const int count = n * H * W * C;
    uint8_t *bytes = malloc(count), *again = malloc(count);
    for (int i = 0; i < count; ++i) bytes[i] = (uint8_t)(255 - i - i / 256);
    uint8_t *device = bytes_to_device(ctx, bytes, count);
    for (int t = 0; t < 3; ++t) {
        const Tensor x = tensor_new(ctx, DTYPES[t], n, H, W, C);
        from_pixels(ctx, device, x);
        float *values = tensor_download(ctx, x);
        for (int i = 0; i < count; ++i) {
            const volatile float quotient = bytes[i] / 127.5f, value = quotient - 1;
            assert_true(values[i] == rounded(value, DTYPES[t]));
        }
        if (DTYPES[t] == F32) {
            to_pixels(ctx, x, device);
            device_download(ctx, again, device, count);
            assert_memory_equal(again, bytes, count);
        }
        free(values), tensor_free(ctx, x);
    }
    free(bytes), free(again), device_free(ctx, device);
}

static void test_back(void **state) {
    (void)state;
    Context *ctx = test_context();
    check_back(ctx, 16); /* as many as 32 blocks take in 4 turns */
    check_back(ctx, 42);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
