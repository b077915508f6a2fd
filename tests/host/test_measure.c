/* measure/measure.h: the squared errors of a network that is exact are those of its mixture, within
 * their standard errors; what a class tells is ln 2; a stopped measurement resumes to the same sums. */
#include "support/files.h"

#include "measure/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schedule/times.h"
#include "support/mixture_network.h"
#include "support/tensors.h"

enum { H = 2, W = 3, C = 2, DIMS = H * W * C, IMAGES = 800, LEVELS = 30, BATCH = 100 };
static const double DISTANCE = 1, WIDTH = 0.15, SIGMA_MIN = 0.02, SIGMA_MAX = 50;
static const char *labelled, *plain; /* the same images, with labels and without */

typedef struct {
    Context *ctx;
    MixtureNetwork *net;
    double sigma[LEVELS];
    json_t *settings;
} Fixture;

static int make_data(void **state) {
    (void)state;
    static char paths[2][512];
    Context *ctx = test_context();
    for (int k = 0; k < 2; ++k) {
        MixtureNetwork *net = mixture_network_create(ctx, H, W, C, DISTANCE, WIDTH, 2 * k);
        strcpy(paths[k], mixture_network_data(net, k == 0 ? "plain" : "labelled", IMAGES));
        network_destroy(&net->base);
    }
    plain = paths[0], labelled = paths[1];
    test_context_close(ctx);
    return 0;
}

static int set_up(void **state) {
    Fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->ctx = test_context();
    f->net = mixture_network_create(f->ctx, H, W, C, DISTANCE, WIDTH, 2);
    for (int i = 0; i < LEVELS; ++i)
        f->sigma[i] = SIGMA_MIN * pow(SIGMA_MAX / SIGMA_MIN, i / (LEVELS - 1.0));
    f->settings = json_pack("{ss}", "device", "a test");
    unlink(test_path("state"));
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    Fixture *f = *state;
    json_decref(f->settings);
    network_destroy(&f->net->base);
    test_context_close(f->ctx);
    free(f);
    return 0;
}

static MeasureOptions options_of(const Fixture *f, int images) {
    return (MeasureOptions){.name = "the data",
                            .levels = LEVELS,
                            .sigma = f->sigma,
                            .images = images,
                            .seed = 5,
                            .state = test_path("state"),
                            .settings = f->settings,
                            .quiet = true};
}

static bool run(Fixture *f, const char *folder, MeasureOptions options, int batch, bool spectral,
                MeasureSums *sums, Error *error) {
    Denoiser denoiser;
    f->net->images = 0;
    *sums = (MeasureSums){0};
    Dataset *data = dataset_open(folder, error);
    assert_non_null(data);
    options.without_labels = dataset_info(data).label_dim == 0;
    assert_true(denoiser_create_measuring(&denoiser, f->ctx, &f->net->base, batch, spectral, 0, error));
    const bool ok = measure_run(&denoiser, data, &options, sums, error);
    context_clear_error(f->ctx);
    denoiser_destroy(&denoiser);
    dataset_close(data);
    return ok;
}

/* The state file is removed, as the caller does who has the results. */
static MeasureSums measured(Fixture *f, const char *folder, MeasureOptions options, int batch,
                            bool spectral) {
    MeasureSums sums;
    Error error = {""};
    if (!run(f, folder, options, batch, spectral, &sums, &error)) fail_msg("%s", error.text);
    assert_int_equal(unlink(options.state), 0);
    return sums;
}

static Curve measured_curve(Fixture *f, const char *folder, MeasureOptions options) {
    MeasureSums sums = measured(f, folder, options, BATCH, false);
    Curve curve;
    Error error = {""};
    assert_true(measure_curve(&sums, f->sigma, DIMS, &curve, &error));
    measure_sums_free(&sums);
    return curve;
}

static Curve exact_curve(const Fixture *f, int label) {
    Curve curve;
    Error error = {""};
    assert_true(curve_create(&curve, LEVELS, &error));
    curve.dims = DIMS;
    for (int i = 0; i < LEVELS; ++i) {
        curve.sigma[i] = f->sigma[i];
        curve.squared_error[i] = mixture_network_error(f->net, f->sigma[i], label);
    }
    return curve;
}

static double total_entropy(const Curve *curve) {
    double time[LEVELS];
    Error error = {""};
    if (!entropic_time(curve, ORDER_ENTROPIC, RULE_CUBIC, time, &error)) fail_msg("%s", error.text);
    return time[LEVELS - 1];
}

/* ---- what is measured ---------------------------------------------------------------------------- */

/* The errors of the levels go together, as they share their images: 4.5 standard errors are rare. */
static void expect_curve(const Curve *curve, const Curve *exact) {
    for (int i = 0; i < LEVELS; ++i) {
        const double deviation = curve->squared_error[i] - exact->squared_error[i];
        if (!(fabs(deviation) <= 4.5 * curve->standard_error[i]))
            fail_msg("at noise level %g a squared error of %.6g +- %.2g, expected %.6g",
                     curve->sigma[i], curve->squared_error[i], curve->standard_error[i],
                     exact->squared_error[i]);
    }
    const double entropy = total_entropy(curve), expected = total_entropy(exact);
    const double error = curve->entropy_error[LEVELS - 1];
    if (!(fabs(entropy - expected) <= 4.5 * error))
        fail_msg("an entropy of %.6g +- %.2g, expected %.6g", entropy, error, expected);
}

static void the_curve_is_the_mixtures(void **state) {
    Fixture *f = *state;
    Curve curve = measured_curve(f, plain, options_of(f, IMAGES)), exact = exact_curve(f, -1);
    assert_int_equal(curve.images, IMAGES);
    assert_int_equal(f->net->images, IMAGES * LEVELS);
    expect_curve(&curve, &exact);
    curve_free(&curve), curve_free(&exact);
}

/* With the class known, x_0 - D is Gaussian: a squared error of k dimensions of variance v has the mean
 * k v and the variance 2 k v^2. */
static void standard_errors_are_those_of_the_mean(void **state) {
    Fixture *f = *state;
    Curve curve = measured_curve(f, labelled, options_of(f, IMAGES)), exact = exact_curve(f, 1);
    expect_curve(&curve, &exact);
    for (int i = 0; i < LEVELS; ++i) {
        const double expected = exact.squared_error[i] * sqrt(2.0 / DIMS / IMAGES);
        if (!(fabs(curve.standard_error[i] / expected - 1) < 0.15))
            fail_msg("at noise level %g a standard error of %.3g, expected %.3g", curve.sigma[i],
                     curve.standard_error[i], expected);
    }
    curve_free(&curve), curve_free(&exact);
}

/* The trapezoid rule's weight of level i in the integral of err / sigma^order dsigma over all levels.
 */
static double weight_of(const Fixture *f, double order, int i) {
    const double before = i > 0 ? log(f->sigma[i] / f->sigma[i - 1]) : 0;
    const double after = i < LEVELS - 1 ? log(f->sigma[i + 1] / f->sigma[i]) : 0;
    return (before + after) / 2 * pow(f->sigma[i], 1 - order);
}

/* The spread of the images' own integrals.  With the class known, x_0 - D = a d + b z in each
 * dimension, of the image's distance d from its centre and its noise z, which all levels share: an
 * image's integral is the sum of A d^2 + 2 B d z + C z^2. */
static void expect_spread(const Fixture *f, double order, const double *sums, double error) {
    double aa = 0, ab = 0, bb = 0;
    for (int i = 0; i < LEVELS; ++i) {
        const double own = WIDTH * WIDTH, noise = f->sigma[i] * f->sigma[i];
        const double a = noise / (own + noise), b = -own * f->sigma[i] / (own + noise);
        const double weight = weight_of(f, order, i);
        aa += weight * a * a, ab += weight * a * b, bb += weight * b * b;
    }
    const double dd = WIDTH * WIDTH, mean = DIMS * (aa * dd + bb);
    const double variance = DIMS * (2 * aa * aa * dd * dd + 4 * ab * ab * dd + 2 * bb * bb);
    const double expected = sqrt(variance / IMAGES), actual = sums[2 * (LEVELS - 1)] / IMAGES;
    if (!(fabs(actual - mean) < 4.5 * expected))
        fail_msg("integrals of order %g: a mean of %.6g, expected %.6g", order, actual, mean);
    if (!(fabs(error / expected - 1) < 0.15))
        fail_msg("integrals of order %g: an error of %.3g, expected %.3g", order, error, expected);
}

static void integrals_have_their_own_errors(void **state) {
    Fixture *f = *state;
    MeasureSums sums = measured(f, labelled, options_of(f, IMAGES), BATCH, false);
    Curve curve;
    Error error = {""};
    double entropy = 0;
    assert_true(measure_curve(&sums, f->sigma, DIMS, &curve, &error));
    expect_spread(f, ORDER_ENTROPIC, sums.entropy, curve.entropy_error[LEVELS - 1]);
    expect_spread(f, ORDER_RESCALED, sums.rescaled, curve.rescaled_error[LEVELS - 1]);
    for (int i = 0; i < LEVELS; ++i) entropy += weight_of(f, ORDER_ENTROPIC, i) * sums.sum[i];
    assert_true(fabs(sums.entropy[2 * (LEVELS - 1)] / entropy - 1) < 1e-12);
    curve_free(&curve);
    measure_sums_free(&sums);
}

/* Images without labels hold one bit more than those of a known class. */
static void a_class_is_worth_ln_2(void **state) {
    Fixture *f = *state;
    Curve without = measured_curve(f, plain, options_of(f, IMAGES));
    Curve with = measured_curve(f, labelled, options_of(f, IMAGES));
    Curve exact_without = exact_curve(f, -1), exact_with = exact_curve(f, 0);
    const double exact = total_entropy(&exact_without) - total_entropy(&exact_with);
    if (!(fabs(exact - log(2)) < 2e-3)) fail_msg("the exact curves give %.5f, not ln 2", exact);
    const double bit = total_entropy(&without) - total_entropy(&with);
    if (!(fabs(bit - log(2)) < 0.05)) fail_msg("a class is worth %.4f nats, expected ln 2", bit);
    curve_free(&without), curve_free(&with), curve_free(&exact_without), curve_free(&exact_with);
}

/* Control variates leave the mean where it is, and never widen its error by much. */
static void control_variates_are_no_bias(void **state) {
    Fixture *f = *state;
    MeasureOptions options = options_of(f, IMAGES / 2);
    Curve exact = exact_curve(f, -1), simple = measured_curve(f, plain, options);
    options.control_variates = true;
    Curve controlled = measured_curve(f, plain, options);
    /* Theirs are the errors for this data set and more noise; it strays itself from the mixture. */
    for (int i = 0; i < LEVELS; ++i) {
        const double deviation = controlled.squared_error[i] - exact.squared_error[i];
        assert_true(fabs(deviation) <= 4.5 * simple.standard_error[i]);
        assert_true(controlled.standard_error[i] <= 1.02 * simple.standard_error[i]);
    }
    /* At much noise the squared error is nearly the image's distance from the mean, a control. */
    assert_true(controlled.standard_error[LEVELS - 1] < 0.25 * simple.standard_error[LEVELS - 1]);
    curve_free(&controlled), curve_free(&simple), curve_free(&exact);
}

static void a_tolerance_ends_it_early(void **state) {
    Fixture *f = *state;
    MeasureOptions options = options_of(f, IMAGES);
    double relative, before;
    Error error = {""};
    options.tolerance = 0.025;
    MeasureSums sums = measured(f, plain, options, 10, false);
    assert_true(measure_relative_error(&sums, &relative, &error));
    assert_true(relative < options.tolerance);
    assert_in_range(sums.images, MEASURE_LEAST, IMAGES / 2);
    options.images = sums.images - 10;
    MeasureSums fewer = measured(f, plain, options, 10, false);
    assert_int_equal(fewer.images, sums.images - 10);
    assert_true(measure_relative_error(&fewer, &before, &error));
    assert_true(before >= options.tolerance); /* one batch less was not enough */
    measure_sums_free(&sums), measure_sums_free(&fewer);
}

/* Of each direction's error the transform keeps the sum of squares. */
static void spectra_add_up_to_the_errors(void **state) {
    Fixture *f = *state;
    MeasureSums sums = measured(f, plain, options_of(f, 60), 25, true);
    Spectrum spectrum;
    Error error = {""};
    assert_int_equal(sums.directions, C * H * (W / 2 + 1));
    assert_true(measure_spectrum(&sums, f->sigma, C, H, W, &spectrum, &error));
    for (int i = 0; i < LEVELS; ++i) {
        double total = 0;
        for (int k = 0; k < DIMS; ++k) total += spectrum.power[i * DIMS + k];
        const double expected = sums.sum[i] / sums.images;
        if (!(fabs(total - expected) <= 1e-5 * expected))
            fail_msg("at noise level %g the spectrum adds up to %.8g, the errors to %.8g", f->sigma[i],
                     total, expected);
    }
    spectrum_free(&spectrum);
    measure_sums_free(&sums);
}

static void the_networks_own_curve(void **state) {
    Fixture *f = *state;
    Denoiser denoiser;
    Curve curve, exact = exact_curve(f, -1);
    Error error = {""};
    assert_true(denoiser_create(&denoiser, f->ctx, &f->net->base, NULL, 1, 1, &error));
    assert_true(measure_from_logvar(&denoiser, f->sigma, LEVELS, &curve, &error));
    assert_int_equal(curve.dims, DIMS);
    for (int i = 0; i < LEVELS; ++i)
        assert_true(fabs(curve.squared_error[i] / exact.squared_error[i] - 1) < 2e-6);
    curve_free(&curve), curve_free(&exact);
    f->net->base.logvar = NULL;
    assert_false(measure_from_logvar(&denoiser, f->sigma, LEVELS, &curve, &error));
    expect_message(&error, "architecture \"mixture\" makes no estimate of its own error", NULL);
    context_clear_error(f->ctx);
    denoiser_destroy(&denoiser);
}

/* ---- batches and stops --------------------------------------------------------------------------- */

static void expect_same_sums(const MeasureSums *a, const MeasureSums *b) {
    assert_int_equal(a->images, b->images);
    assert_memory_equal(a->sum, b->sum, LEVELS * sizeof(double));
    assert_memory_equal(a->square, b->square, LEVELS * sizeof(double));
    assert_memory_equal(a->entropy, b->entropy, 2 * LEVELS * sizeof(double));
    assert_memory_equal(a->rescaled, b->rescaled, 2 * LEVELS * sizeof(double));
    assert_memory_equal(a->power, b->power, LEVELS * a->directions * sizeof(double));
    assert_memory_equal(a->amplitude, b->amplitude, a->directions * sizeof(double));
}

static void batches_change_no_byte(void **state) {
    Fixture *f = *state;
    MeasureSums whole = measured(f, labelled, options_of(f, 200), 200, true);
    MeasureSums parts = measured(f, labelled, options_of(f, 200), 33, true);
    expect_same_sums(&whole, &parts);
    measure_sums_free(&whole), measure_sums_free(&parts);
}

/* The device fails in the fourth batch; the state holds the three before it. */
static void a_stopped_measurement_resumes(void **state) {
    Fixture *f = *state;
    const MeasureOptions options = options_of(f, 200);
    MeasureSums whole = measured(f, labelled, options, 30, true), sums;
    Error error = {""};
    f->net->fails_at = 3 * 30 * LEVELS + 100;
    assert_false(run(f, labelled, options, 30, true, &sums, &error));
    expect_message(&error, "the mixture network was told to fail", NULL);
    measure_sums_free(&sums);
    f->net->fails_at = -1;
    sums = measured(f, labelled, options, 30, true);
    assert_int_equal(f->net->images, (200 - 90) * LEVELS);
    expect_same_sums(&sums, &whole);
    measure_sums_free(&whole), measure_sums_free(&sums);
}

static void other_settings_are_refused(void **state) {
    Fixture *f = *state;
    MeasureSums sums;
    Error error = {""};
    assert_true(run(f, plain, options_of(f, 40), 40, false, &sums, &error));
    measure_sums_free(&sums);
    json_object_set_new(f->settings, "device", json_string("another"));
    assert_false(run(f, plain, options_of(f, 60), 60, false, &sums, &error));
    expect_message(&error, test_path("state"), "device", NULL);
    measure_sums_free(&sums);
}

/* ---- data that do not fit ------------------------------------------------------------------------ */

static void expect_refusal(Fixture *f, const char *folder, int images, const char *expected) {
    MeasureSums sums;
    Error error = {""};
    assert_false(run(f, folder, options_of(f, images), 20, false, &sums, &error));
    expect_message(&error, expected, NULL);
    measure_sums_free(&sums);
    unlink(test_path("state"));
}

static void data_that_do_not_fit(void **state) {
    Fixture *f = *state;
    expect_refusal(f, plain, 1, "the data has 800 images, 1 are to be measured: expected 2 or more");
    expect_refusal(f, plain, IMAGES + 1, "the data has 800 images, 801 are to be measured");
    f->net->base.label_dim = 1;
    expect_refusal(f, labelled, 40, "has the label 1, the model has 1 classes");
    f->net->base.label_dim = 2;
    f->net->base.h = 3, f->net->base.w = 2;
    expect_refusal(f, plain, 40,
                   "the data: its images are 2x3 with 2 channels, the model's 3x2 with 2");
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_curve_is_the_mixtures),       TEST(standard_errors_are_those_of_the_mean),
        TEST(integrals_have_their_own_errors), TEST(a_class_is_worth_ln_2),
        TEST(control_variates_are_no_bias),    TEST(a_tolerance_ends_it_early),
        TEST(spectra_add_up_to_the_errors),    TEST(the_networks_own_curve),
        TEST(batches_change_no_byte),          TEST(a_stopped_measurement_resumes),
        TEST(other_settings_are_refused),      TEST(data_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, make_data, NULL);
}
