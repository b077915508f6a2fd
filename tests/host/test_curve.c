/* curve.h: curves and spectra survive their files; those that no schedule can be made of are refused,
 * with the reason. */
#include "schedule/curve.h"

#include "support/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/json.h"

enum { LEVELS = 6, C = 2, H = 2, W = 3 };

static Curve example_curve(void) {
    Curve curve;
    Error error = {""};
    assert_true(curve_create(&curve, LEVELS, &error));
    for (int i = 0; i < LEVELS; i++) {
        curve.sigma[i] = 0.002 * pow(3, i);
        curve.squared_error[i] = 0.1 + i / 3.0;
        curve.standard_error[i] = i / 7.0;
        curve.entropy_error[i] = i / 11.0;
        curve.rescaled_error[i] = i / 13.0;
    }
    curve.dims = 784;
    curve.images = 5000000000;
    return curve;
}

static void curves_survive_their_files(void **state) {
    (void)state;
    const char *path = test_path("curve.json");
    Curve curve = example_curve(), again;
    Error error = {""};
    json_t *provenance = json_pack("{ss}", "net", "x.safetensors");
    assert_true(curve_write(&curve, path, provenance, &error));
    json_decref(provenance);
    assert_true(curve_read(&again, path, &error));
    assert_int_equal(again.levels, LEVELS);
    assert_memory_equal(again.sigma, curve.sigma, LEVELS * sizeof(double));
    assert_memory_equal(again.squared_error, curve.squared_error, LEVELS * sizeof(double));
    assert_memory_equal(again.standard_error, curve.standard_error, LEVELS * sizeof(double));
    assert_memory_equal(again.entropy_error, curve.entropy_error, LEVELS * sizeof(double));
    assert_memory_equal(again.rescaled_error, curve.rescaled_error, LEVELS * sizeof(double));
    assert_int_equal(again.dims, 784);
    assert_true(again.images == 5000000000);

    json_t *json = json_read_file(path, 1 << 20, &error);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "provenance"), "net")),
                        "x.safetensors");
    static const char *const arrays[] = {"entropy", "rescaled_entropy"};
    for (int k = 0; k < 2; k++) {
        const json_t *array = json_object_get(json, arrays[k]);
        assert_int_equal(json_array_size(array), LEVELS);
        assert_true(json_number_value(json_array_get(array, 0)) == 0);
        assert_true(json_number_value(json_array_get(array, LEVELS - 1)) > 0);
    }
    json_decref(json);
    curve_free(&curve);
    curve_free(&again);
}

static void expect_refusal(const char *text, const char *message) {
    const char *path = test_path("refused.json");
    Curve curve;
    Error error = {""};
    write_bytes(path, text, strlen(text));
    assert_false(curve_read(&curve, path, &error));
    assert_null(curve.sigma);
    expect_message(&error, "refused.json", message, NULL);
}

static void refuses_files(void **state) {
    (void)state;
    expect_refusal("{\"sigma\":[1,2,3,2.5],\"squared_error\":[1,1,1,1],\"dims\":1}",
                   "sigma[3] = 2.5 follows 3, expected increasing");
    expect_refusal("{\"sigma\":[1,2,2,3],\"squared_error\":[1,1,1,1],\"dims\":1}", "increasing");
    expect_refusal("{\"sigma\":[1,2,9,10],\"squared_error\":[1,1,1,1],\"dims\":1}",
                   "gap between sigma[1] = 2 and sigma[2] = 9");
    expect_refusal("{\"sigma\":[1,2,3],\"squared_error\":[1,1,1],\"dims\":1}", "too few");
    expect_refusal("{\"sigma\":[],\"squared_error\":[],\"dims\":1}", "0 levels");
    expect_refusal("{\"sigma\":[0,2,3,4],\"squared_error\":[1,1,1,1],\"dims\":1}", "sigma[0] is 0");
    expect_refusal("{\"sigma\":[-1,2,3,4],\"squared_error\":[1,1,1,1],\"dims\":1}", "sigma[0] is -1");
    expect_refusal("{\"sigma\":[1,2,3,1e39],\"squared_error\":[1,1,1,1],\"dims\":1}", "sigma[3]");
    expect_refusal("{\"sigma\":[1,2,3,4],\"squared_error\":[1,1,-2,1],\"dims\":1}",
                   "squared_error[2] is -2");
    expect_refusal("{\"sigma\":[1,2,3,4],\"squared_error\":[1,1,NaN,1],\"dims\":1}", "line 1");
    expect_refusal("{\"sigma\":[1,2,3,4],\"squared_error\":[1,1,null,1],\"dims\":1}",
                   "'squared_error[2]' is null");
    expect_refusal("{\"sigma\":[1,2,3,4],\"squared_error\":[1,1,1e999,1],\"dims\":1}", "line 1");
    expect_refusal("{\"sigma\":[1,2,3,4],\"squared_error\":[1,1,1],\"dims\":1}",
                   "squared_error has 3 values, sigma has 4");
    expect_refusal(
        "{\"sigma\":[1,2,3,4],\"squared_error\":[1,1,1,1],\"standard_error\":[0],\"dims\":1}",
        "standard_error has 1 values");
    expect_refusal("{\"sigma\":[1,2,3,4],\"squared_error\":[1,1,1,1],\"entropy_error\":[],\"dims\":1}",
                   "entropy_error has 0 values");
    expect_refusal(
        "{\"sigma\":[1,2,3,4],\"squared_error\":[1,1,1,1],\"rescaled_entropy_error\":[0,0,0,-1],"
        "\"dims\":1}",
        "rescaled_entropy_error[3] is -1");
    expect_refusal("{\"sigma\":[1,2,3,4],\"squared_error\":[1,1,1,1]}", "'dims' is missing");
    expect_refusal("{\"sigma\":[1,2,3,4],\"squared_error\":[1,1,1,1],\"dims\":0}", "'dims' is 0");
    expect_refusal("{\"sigma\":[1,2,3,4],\"squared_eror\":[1,1,1,1],\"dims\":1}", "squared_error");
    expect_refusal("[1,2]", "expected an object");
    expect_refusal("{\"sigma\":[1,2", "line 1");
}

static void least_that_is_read(void **state) {
    (void)state;
    const char *path = test_path("least.json");
    static const char text[] = "{\"sigma\":[1,2,3,4],\"squared_error\":[1,1,0,1],\"dims\":1}";
    Curve curve;
    Error error = {""};
    write_bytes(path, text, sizeof text - 1);
    assert_true(curve_read(&curve, path, &error));
    assert_true(curve.images == 0 && curve.standard_error[3] == 0);
    assert_true(curve.entropy_error[3] == 0 && curve.rescaled_error[3] == 0);
    curve_free(&curve);
}

/* What was measured is kept, if only for a plot; what is no number is not. */
static void writes_coarse_curves_only_if_sound(void **state) {
    (void)state;
    const char *path = test_path("coarse.json");
    Curve curve;
    Error error = {""};
    assert_true(curve_create(&curve, 2, &error));
    curve.sigma[0] = 0.002;
    curve.sigma[1] = 80;
    curve.dims = 1;
    assert_true(curve_write(&curve, path, NULL, &error));
    Curve again;
    assert_false(curve_read(&again, path, &error));
    expect_message(&error, "coarse.json", "too few", NULL);
    curve.squared_error[1] = NAN;
    assert_false(curve_write(&curve, test_path("nan.json"), NULL, &error));
    expect_message(&error, "nan.json", "squared_error[1]", NULL);
    curve_free(&curve);
    assert_false(curve_create(&curve, 0, &error));
    expect_message(&error, "0 noise levels", NULL);
}

/* ---- spectra ------------------------------------------------------------------------------------ */

typedef struct {
    double sigma[LEVELS];
    float power[LEVELS * C * H * W], amplitude[C * H * W];
    Spectrum spectrum;
} Example;

static void fill_example(Example *e) {
    for (int i = 0; i < LEVELS; i++) e->sigma[i] = 0.002 * pow(3, i);
    for (int i = 0; i < LEVELS * C * H * W; i++) e->power[i] = (float)i / 3;
    for (int i = 0; i < C * H * W; i++) e->amplitude[i] = (float)i / 7;
    e->spectrum = (Spectrum){LEVELS, C * H * W, e->sigma, e->power, e->amplitude, C, H, W};
}

static void spectra_survive_their_files(void **state) {
    (void)state;
    const char *path = test_path("curve.spectrum.safetensors");
    Example e;
    Spectrum again;
    Error error = {""};
    fill_example(&e);
    assert_true(spectrum_write(&e.spectrum, path, &error));
    assert_true(spectrum_read(&again, path, &error));
    assert_true(again.levels == LEVELS && again.directions == C * H * W);
    assert_true(again.c == C && again.h == H && again.w == W);
    assert_memory_equal(again.sigma, e.sigma, sizeof e.sigma);
    assert_memory_equal(again.power, e.power, sizeof e.power);
    assert_memory_equal(again.amplitude, e.amplitude, sizeof e.amplitude);
    spectrum_free(&again);
}

static void expect_spectrum_refusal(const Example *e, const char *message) {
    const char *path = test_path("refused.safetensors");
    Spectrum again;
    Error error = {""};
    assert_true(spectrum_write(&e->spectrum, path, &error));
    assert_false(spectrum_read(&again, path, &error));
    assert_true(again.sigma == NULL && again.power == NULL && again.amplitude == NULL);
    expect_message(&error, "refused.safetensors", message, NULL);
}

static void refuses_spectra(void **state) {
    (void)state;
    Example e;
    Error error = {""};
    Spectrum spectrum;
    fill_example(&e);
    e.power[7] = NAN;
    expect_spectrum_refusal(&e, "value 7 of the tensor 'power'");
    fill_example(&e);
    e.amplitude[5] = -1;
    expect_spectrum_refusal(&e, "value 5 of the tensor 'amplitude'");
    fill_example(&e);
    e.sigma[2] = 100;
    expect_spectrum_refusal(&e, "sigma[3] = 0.054 follows 100");
    fill_example(&e);
    e.spectrum.levels = 3;
    expect_spectrum_refusal(&e, "too few");
    fill_example(&e);
    e.spectrum.levels = 0;
    expect_spectrum_refusal(&e, "empty");
    assert_false(spectrum_read(&spectrum, test_path("none.safetensors"), &error));
    expect_message(&error, "none.safetensors", NULL);
    const SafetensorsTensor lone = {"sigma", SAFETENSORS_F64, 1, {LEVELS}, e.sigma};
    assert_true(safetensors_write(test_path("lone.safetensors"), &lone, 1, NULL, 0, &error));
    assert_false(spectrum_read(&spectrum, test_path("lone.safetensors"), &error));
    expect_message(&error, "lone.safetensors", "power", NULL);
}

static void a_spectrum_lies_beside_its_curve(void **state) {
    (void)state;
    static const char *const names[][2] = {{"a/curve.json", "a/curve.spectrum.safetensors"},
                                           {"curve", "curve.spectrum.safetensors"},
                                           {".json", ".json.spectrum.safetensors"}};
    for (int i = 0; i < 3; i++) {
        char *path = spectrum_path(names[i][0]);
        assert_string_equal(path, names[i][1]);
        free(path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_survive_their_files),
        cmocka_unit_test(refuses_files),
        cmocka_unit_test(least_that_is_read),
        cmocka_unit_test(writes_coarse_curves_only_if_sound),
        cmocka_unit_test(spectra_survive_their_files),
        cmocka_unit_test(refuses_spectra),
        cmocka_unit_test(a_spectrum_lies_beside_its_curve),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
