/* The random numbers of PyTorch's CUDA generator, on the host and on the device.  The constants were
 * made with a NumPy implementation that agrees with PyTorch's published output. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "device/philox.h"
#include "support/tensors.h"

static void test_words(void **state) {
    (void)state;
    static const struct {
        uint64_t seed;
        int draw, element;
        uint32_t x, y;
    } golden[] = {{0, 0, 0, 0x6627e8d5, 0xe169c58d},
                  {1, 3, 5, 0x8d5f6784, 0xbf5c693f},
                  {4294967295, 2, 40959, 0xa79232d8, 0xc919442b},
                  {42, 31, 12287, 0x8694c5cf, 0x9e72b48e},
                  {(UINT64_C(7) << 32) + 42, 31, 12287, 0x8694c5cf, 0x9e72b48e}};
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; ++i) {
        const PhiloxBlock block = random_block(golden[i].seed, golden[i].draw, golden[i].element);
        assert_int_equal(block.word[0], golden[i].x);
        assert_int_equal(block.word[1], golden[i].y);
    }
    /* Known answers of the authors of Philox: counter and key all ones, which need all four words. */
    const PhiloxBlock zero = philox_block(0, 0, 0);
    const uint32_t expected[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    assert_memory_equal(zero.word, expected, sizeof expected);
}

static uint32_t bits_of(float v) {
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* word, bits of the radius' and of the angle's argument.  With a fused multiply-add the angles of the
 * last four would differ. */
static const uint32_t UNIFORM[][3] = {
    {0x00000000, 0x2f000000, 0x30490fdb}, {0x00000001, 0x2fc00000, 0x3116cbe4},
    {0x00000003, 0x30600000, 0x31afeddf}, {0x7fffffff, 0x3f000000, 0x40490fdb},
    {0xffffff7f, 0x3f7fffff, 0x40c90fda}, {0xffffff80, 0x3f800000, 0x40c90fdb},
    {0xffffffff, 0x3f800000, 0x40c90fdb}, {0x01000001, 0x3b800000, 0x3cc90fdb},
    {0x12345678, 0x3d91a2b4, 0x3ee4c389}, {0xdeadbeef, 0x3f5eadbf, 0x40aee436},
    {0x00b37868, 0x3b337868, 0x3c8cf4a7}, {0x0e6d0342, 0x3d66d034, 0x3eb547c4},
    {0xe0a5bc00, 0x3f60a5bc, 0x40b0700a}, {0x00e7b5bc, 0x3b67b5bc, 0x3cb5fc0a},
};

static void test_uniform(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof UNIFORM / sizeof UNIFORM[0]; ++i) {
        assert_int_equal(bits_of(box_muller_radius(UNIFORM[i][0])), UNIFORM[i][1]);
        assert_int_equal(bits_of(box_muller_angle(UNIFORM[i][0])), UNIFORM[i][2]);
    }
}

static void test_normal(void **state) {
    (void)state;
    static const struct {
        uint64_t seed;
        int draw;
        float normal[6]; /* elements 0 1 2 3 12287 40959 */
        uint32_t below_1000, below_10;
    } golden[] = {
        {0,
         0,
         {-0.924662411f, -0.425343931f, -2.6438458f, 0.145183861f, 1.0832572f, 0.955343127f},
         541,
         1},
        {0,
         1,
         {0.180825815f, -0.552262664f, 0.923813403f, -0.734970272f, 0.460567355f, 0.660815001f},
         164,
         4},
        {12345,
         7,
         {0.97236675f, 0.259202898f, -0.621291399f, 0.0247124508f, -1.20615518f, -0.1716097f},
         288,
         8},
        {4294967295,
         0,
         {-0.0341584086f, 0.390445054f, 1.52723527f, 0.18699035f, 0.235071629f, 0.295034945f},
         9,
         9},
        {(UINT64_C(1) << 32) + 1,
         7,
         {0.245685771f, -3.13923955f, -0.0382540599f, 1.11608887f, 0.347690076f, 2.57449198f},
         333,
         3},
    };
    static const int element[6] = {0, 1, 2, 3, 12287, 40959};
    for (size_t i = 0; i < sizeof golden / sizeof golden[0]; ++i) {
        for (int j = 0; j < 6; ++j) {
            const float v = random_normal(golden[i].seed, golden[i].draw, element[j]);
            assert_true(fabs(v - golden[i].normal[j]) <= 1e-6 * fabs(golden[i].normal[j]));
        }
        assert_int_equal(random_below(golden[i].seed, 1000, golden[i].draw), golden[i].below_1000);
        assert_int_equal(random_below(golden[i].seed, 10, golden[i].draw), golden[i].below_10);
    }
    /* Published: torch.manual_seed(0); torch.randn(10, device="cuda"). */
    static const float published[10] = {-0.9247f, -0.4253f, -2.6438f, 0.1452f,  -0.1209f,
                                        -0.5797f, -0.6229f, -0.3284f, -1.0745f, -0.3631f};
    for (int j = 0; j < 10; ++j) assert_true(fabs(random_normal(0, 0, j) - published[j]) < 1e-4);
}

/* Against the transforms in double of the same float32 arguments.  logf is off by at most a rounding
 * and a half, sinf by two, the root and the products by half a rounding each. */
static void test_noise_fill(void **state) {
    (void)state;
    enum { N = 3, H = 33, W = 24, C = 4, IMAGE = H * W * C };
    Context *ctx = test_context();
    const uint64_t seeds[N] = {17, (UINT64_C(5) << 32) + 3, 4294967295};
    uint64_t *device_seeds = bytes_to_device(ctx, seeds, sizeof seeds);
    const Tensor x = tensor_new(ctx, F32, N, H, W, C);
    noise_fill(ctx, device_seeds, 6, 80, x);
    float *actual = tensor_download(ctx, x);
    double *expected = malloc(N * IMAGE * sizeof *expected);
    for (int n = 0, i = 0; n < N; ++n)
        for (int pixel = 0; pixel < H * W; ++pixel)
            for (int c = 0; c < C; ++c, ++i) {
                const PhiloxBlock block = random_block(seeds[n], 6, c * H * W + pixel);
                expected[i] = 80 * sqrt(-2 * log(box_muller_radius(block.word[0]))) *
                              sin(box_muller_angle(block.word[1]));
            }
    expect_close("noise", actual, expected, N * IMAGE, 10 * 0x1p-24, 0);
    /* An image's noise depends on its seed alone. */
    for (int n = 0; n < N; ++n) {
        const Tensor one = tensor_new(ctx, F32, 1, H, W, C);
        noise_fill(ctx, device_seeds + n, 6, 80, one);
        float *alone = tensor_download(ctx, one);
        expect_same("noise of one image", alone, actual + n * IMAGE, IMAGE);
        free(alone);
        tensor_free(ctx, one);
    }
    free(actual), free(expected);
    device_free(ctx, device_seeds), tensor_free(ctx, x);
    test_context_close(ctx);
}

static void test_shapes(void **state) {
    (void)state;
    Context *ctx = test_context();
    context_plan_begin(ctx);
    noise_fill(ctx, NULL, 0, 1, shape(F32, 2, 64, 64, 4));
    assert_true(context_ok(ctx));
    noise_fill(ctx, NULL, 0, 1, shape(F16, 2, 64, 64, 4));
    expect_error(ctx, "noise_fill: x is [2,64,64,4] F16, expected [2,64,64,4] F32");
    noise_fill(ctx, NULL, -1, 1, shape(F32, 1, 8, 8, 3));
    expect_error(ctx, "noise_fill: the number of the draw is -1");
    context_plan_end(ctx);
    noise_fill(ctx, NULL, 0, 1, shape(F32, 0, 8, 8, 3));
    const Tensor x = tensor_new(ctx, F32, 1, 2, 2, 3);
    noise_fill(ctx, NULL, 0, 1, x);
    expect_error(ctx, "noise_fill: no seeds");
    tensor_free(ctx, x);
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),  cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_normal), cmocka_unit_test(test_noise_fill),
        cmocka_unit_test(test_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
