// Device math: the functions that the CPU target writes out itself.
#include <math.h>

#include <vector>

#include "simt_test.h"

// ---- __expf ---------------------------------------------------------------------------------------

__global__ void exponentials(const float *in, float *out, int count) {
    const Range share = block_range(split_of(count, gridDim.x));
    for (long long i = share.begin + threadIdx.x; i < share.end; i += blockDim.x)
        out[i] = __expf(in[i]);
}

static std::vector<float> exponentials_of(const std::vector<float> &in) {
    std::vector<float> out(in.size());
    LAUNCH(exponentials, 5, BLOCK, 0, 0, in.data(), out.data(), (int)in.size());
    assert_launched();
    return out;
}

// In units of the last place of a float near `exact`.
static double ulps(double value, double exact) {
    int exponent;
    frexp(exact, &exponent);
    return fabs(value - exact) / ldexp(1, exponent < -125 ? -149 : exponent - 24);
}

static void test_exp_is_within_two_ulp(void **) {
    std::vector<float> in;
    for (uint32_t bits = 0; bits < 0x42b17218u; bits += 1013) {  // up to 88.72, where exp overflows
        in.push_back(__uint_as_float(bits));
        in.push_back(-__uint_as_float(bits));
    }
    for (float x = -104; x < -80; x += 1.0f / 512) in.push_back(x);  // to subnormal numbers and 0
    const std::vector<float> out = exponentials_of(in);
    double worst = 0;
    for (size_t i = 0; i < in.size(); ++i) worst = fmax(worst, ulps(out[i], exp((double)in[i])));
    print_message("__expf: at most %.3f ulp\n", worst);
    assert_true(worst <= 2);
}

static void test_exp_at_its_ends(void **) {
    const std::vector<float> out = exponentials_of({0.0f, -0.0f, INFINITY, -INFINITY, NAN, 88.7228394f,
                                                    88.8f, 1000.f, 3e38f, -104.1f, -1000.f, -3e38f});
    assert_true(out[0] == 1 && out[1] == 1);
    assert_true(out[2] == INFINITY && out[3] == 0 && isnan(out[4]));
    assert_true(isinf(out[5]) || ulps(out[5], exp(88.7228394)) <= 2);
    for (int i : {6, 7, 8}) assert_true(out[i] == INFINITY);
    for (int i : {9, 10, 11}) assert_true(out[i] == 0);
}

// ---- the others -----------------------------------------------------------------------------------

static void test_maximum_and_minimum_ignore_nan(void **) {
    assert_true(fmaxf(1, 2) == 2 && fmaxf(2, 1) == 2 && fminf(1, 2) == 1 && fminf(2, 1) == 1);
    assert_true(fmaxf(NAN, 1) == 1 && fmaxf(1, NAN) == 1 && fminf(NAN, 1) == 1 && fminf(1, NAN) == 1);
    assert_true(isnan(fmaxf(NAN, NAN)) && isnan(fminf(NAN, NAN)));
    assert_true(fmaxf(-INFINITY, 3) == 3 && fminf(INFINITY, 3) == 3);
    assert_true(max(1.5f, NAN) == 1.5f && min(3, -4) == -4 && max(3u, 4u) == 4u && min(3ll, 4ll) == 3);
    assert_true(__saturatef(NAN) == 0 && __saturatef(-1) == 0 && __saturatef(2) == 1 &&
                __saturatef(0.25f) == 0.25f);
}

__global__ void products(const float *a, const float *b, const float *c, float *rounded, float *fused,
                         int n) {
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        rounded[i] = __fadd_rn(__fmul_rn(a[i], b[i]), c[i]);
        fused[i] = __fmaf_rn(a[i], b[i], c[i]);
    }
}

// (1 + e)^2 - 1 with and without the rounding of the square.
static void test_rounded_operations_are_not_fused(void **) {
    const int n = 100;
    std::vector<float> a(n), c(n, -1), rounded(n), fused(n);
    for (int i = 0; i < n; ++i) a[i] = 1 + ldexpf(2.0f * i + 1, -13);
    LAUNCH(products, 1, BLOCK, 0, 0, a.data(), a.data(), c.data(), rounded.data(), fused.data(), n);
    assert_launched();
    for (int i = 0; i < n; ++i) {
        const double square = (double)a[i] * a[i];
        assert_true(rounded[i] == (float)square - 1.0);
        assert_true(fused[i] == (float)(square - 1));
        assert_true(rounded[i] != fused[i]);
    }
}

static void test_integers_and_bits(void **) {
    assert_int_equal(__umulhi(0xffffffffu, 0xffffffffu), 0xfffffffeu);
    assert_int_equal(__umulhi(0xd2511f53u, 12345u), (unsigned)(0xd2511f53ull * 12345 >> 32));
    assert_true(__umul64hi(1ull << 63, 6) == 3);
    assert_int_equal(__popc(0xf0f0u), 8);
    assert_int_equal(__clz(0), 32);
    assert_int_equal(__clz(1), 31);
    assert_int_equal(__ffs(0), 0);
    assert_int_equal(__ffs(8), 4);
    assert_int_equal(__float_as_uint(-2.0f), 0xc0000000u);
    assert_true(__int_as_float(0x3f800000) == 1);
}

static void test_approximations(void **) {
    for (float x = 0.001f; x < 1000; x *= 1.1f) {
        assert_true(ulps(rsqrtf(x), 1 / sqrt((double)x)) <= 2);  // as CUDA's
        assert_true(ulps(__fdividef(1, x), 1 / (double)x) <= 2);
    }
    for (int i = -8; i <= 8; ++i) {
        assert_true(fabs(sinpif(i / 4.0f) - sin(M_PI * i / 4)) < 1e-7);
        assert_true(fabs(cospif(i / 4.0f) - cos(M_PI * i / 4)) < 1e-7);
    }
}

static void test_fast_division_at_its_ends(void **) {
    assert_true(__fdividef(1, 0x1p126f) > 0 && __fdividef(-1, -0x1p126f) > 0);
    for (float y : {0x1.000002p126f, 0x1p127f, -0x1p127f, 0x1.fffffep127f}) {
        assert_true(__fdividef(0x1p100f, y) == 0);
        assert_true(isnan(__fdividef(INFINITY, y)));
    }
    assert_true(__fdividef(3, INFINITY) == 0 && isnan(__fdividef(INFINITY, INFINITY)));
    assert_true(isnan(__fdividef(NAN, 1)) && isnan(__fdividef(1, NAN)));
    assert_true(__fdividef(INFINITY, 2) == INFINITY && __fdividef(1, 0) == INFINITY);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_is_within_two_ulp),
        cmocka_unit_test(test_exp_at_its_ends),
        cmocka_unit_test(test_maximum_and_minimum_ignore_nan),
        cmocka_unit_test(test_rounded_operations_are_not_fused),
        cmocka_unit_test(test_integers_and_bits),
        cmocka_unit_test(test_approximations),
        cmocka_unit_test(test_fast_division_at_its_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
