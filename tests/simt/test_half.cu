// half and bfloat16: every value to float, and every float that is hard to round.  The right answers
// come from the definition of the formats: a sorted table of all values, in double.
#include <math.h>

#include <algorithm>
#include <vector>

#include "device/types.cuh"
#include "simt_test.h"

// ---- the formats ----------------------------------------------------------------------------------

struct Format {
    int fraction_bits, exponent_bits;

    int infinity() const { return ((1 << exponent_bits) - 1) << fraction_bits; }
    // The value of positive finite bits; of infinity's, the one that would follow.
    double value(int bits) const {
        const int exponent = bits >> fraction_bits, fraction = bits & ((1 << fraction_bits) - 1);
        const int smallest = 2 - (1 << (exponent_bits - 1)) - fraction_bits;  // of 1 ulp
        return exponent == 0 ? ldexp(fraction, smallest)
                             : ldexp(fraction + (1 << fraction_bits), smallest + exponent - 1);
    }
};
static const Format HALF = {10, 5}, BFLOAT16 = {7, 8};

// The bits of the nearest value to a number >= 0; of two equally near, the even one.
static int nearest(const Format &format, double x) {
    int low = 0, high = format.infinity();
    if (x >= format.value(high)) return high;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        (format.value(middle) <= x ? low : high) = middle;
    }
    const double below = x - format.value(low), above = format.value(high) - x;
    return below < above || (below == above && low % 2 == 0) ? low : high;
}

static unsigned short bits_of(__half value) { return __half_as_ushort(value); }
static unsigned short bits_of(__nv_bfloat16 value) { return __bfloat16_as_ushort(value); }

static __half from_bits(int bits, __half) { return __ushort_as_half(bits); }
static __nv_bfloat16 from_bits(int bits, __nv_bfloat16) { return __ushort_as_bfloat16(bits); }

// ---- to float -------------------------------------------------------------------------------------

template <typename T>
__global__ void widen(const T *in, float *out, int count) {
    const Range share = block_range(split_of(count, gridDim.x));
    for (long long i = share.begin + threadIdx.x; i < share.end; i += blockDim.x)
        out[i] = to_float(in[i]);
}

template <typename T>
static void check_every_value(const Format &format) {
    const int count = 1 << 16;
    T *in = device_array<T>(count);
    float *out = device_array<float>(count);
    for (int i = 0; i < count; ++i) in[i] = from_bits(i, T());
    LAUNCH(widen<T>, 7, BLOCK, 0, 0, in, out, count);
    assert_launched();
    for (int i = 0; i < count; ++i) {
        const int magnitude = i & 0x7fff;
        if (magnitude > format.infinity()) {
            assert_true(isnan(out[i]));
            continue;
        }
        const double expected = magnitude == format.infinity() ? HUGE_VAL : format.value(magnitude);
        assert_true(fabs(out[i]) == expected);
        assert_int_equal(__float_as_uint(out[i]) >> 31, i >> 15);
    }
    cudaFree(in);
    cudaFree(out);
}

static void test_every_half_to_float(void **) { check_every_value<__half>(HALF); }
static void test_every_bfloat16_to_float(void **) { check_every_value<__nv_bfloat16>(BFLOAT16); }

// ---- from float -----------------------------------------------------------------------------------

template <typename T>
__global__ void narrow(const float *in, T *out, int count) {
    const Range share = block_range(split_of(count, gridDim.x));
    for (long long i = share.begin + threadIdx.x; i < share.end; i += blockDim.x)
        out[i] = from_float<T>(in[i]);
}

static void add_with_neighbours(std::vector<float> *list, double x) {
    const float f = (float)x;
    for (float value : {f, nextafterf(f, 0), nextafterf(f, INFINITY)}) {
        list->push_back(value);
        list->push_back(-value);
    }
}

// Every value, every midpoint of two values, their neighbours; then floats from everywhere.
static std::vector<float> floats_to_round(const Format &format) {
    std::vector<float> list;
    for (int bits = 0; bits < format.infinity(); ++bits) {
        add_with_neighbours(&list, format.value(bits));
        add_with_neighbours(&list, (format.value(bits) + format.value(bits + 1)) / 2);
    }
    for (float x : {65504.f, 65520.f, 65536.f, 1e38f, 3.4028235e38f, 1e-45f, 1e-40f})
        add_with_neighbours(&list, x);
    for (uint32_t i = 0; i < 0x7f800000u; i += 32749) list.push_back(__uint_as_float(i));
    list.insert(list.end(), {INFINITY, -INFINITY, 0.0f, -0.0f});
    return list;
}

template <typename T>
static void check_rounding(const Format &format) {
    const std::vector<float> in = floats_to_round(format);
    const int count = (int)in.size();
    T *out = device_array<T>(count);
    LAUNCH(narrow<T>, 7, BLOCK, 0, 0, in.data(), out, count);
    assert_launched();
    for (int i = 0; i < count; ++i) {
        const int expected =
            nearest(format, fabs((double)in[i])) | (__float_as_uint(in[i]) >> 31 << 15);
        if (bits_of(out[i]) != expected)
            print_error("%a: 0x%04x, not 0x%04x\n", in[i], bits_of(out[i]), expected);
        assert_int_equal(bits_of(out[i]), expected);
    }
    cudaFree(out);
}

static void test_rounding_to_half(void **) { check_rounding<__half>(HALF); }
static void test_rounding_to_bfloat16(void **) { check_rounding<__nv_bfloat16>(BFLOAT16); }

static void test_nan_stays_nan(void **) {
    for (uint32_t bits : {0x7f800001u, 0x7fc00000u, 0x7fffffffu, 0xff800001u, 0xffffffffu}) {
        const float nan = __uint_as_float(bits);
        // CUDA's canonical NaN.
        assert_int_equal(bits_of(__float2half(nan)), 0x7fff);
        assert_int_equal(bits_of(__float2bfloat16(nan)), 0x7fff);
    }
}

static void test_pairs(void **) {
    const __half2 h = __floats2half2_rn(1.5f, -2.0f);
    const __nv_bfloat162 b = __floats2bfloat162_rn(1.5f, -2.0f);
    assert_true(__half22float2(h).x == 1.5f && __half22float2(h).y == -2.0f);
    assert_true(__bfloat1622float2(b).x == 1.5f && __bfloat1622float2(b).y == -2.0f);
    assert_true(sizeof h == 4 && sizeof b == 4 && alignof(__half2) == 4 &&
                alignof(__nv_bfloat162) == 4);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_half_to_float), cmocka_unit_test(test_every_bfloat16_to_float),
        cmocka_unit_test(test_rounding_to_half),    cmocka_unit_test(test_rounding_to_bfloat16),
        cmocka_unit_test(test_nan_stays_nan),       cmocka_unit_test(test_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
