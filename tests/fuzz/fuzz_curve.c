/* Any bytes as a curve or its spectrum: refused with a message, or levels that decrease to 0. */
#include <math.h>
#include <stdlib.h>

#include "io/json.h"
#include "schedule/curve.h"
#include "schedule/times.h"

static void expect(int condition) {
    if (!condition) abort();
}

static void check_levels(const double *sigma, const double *time, int n, int steps) {
    const double low = sigma[0], high = sigma[n - 1];
    Schedule schedule;
    Error error = {""};
    if (!schedule_from_time(&schedule, sigma, time, n, steps, low, high, &error)) {
        expect(error.text[0] != '\0' && schedule.sigma == NULL);
        return;
    }
    expect(schedule.steps == steps && schedule.sigma[0] == high && schedule.sigma[steps] == 0);
    expect(steps == 1 || schedule.sigma[steps - 1] == low);
    for (int i = 0; i < steps; i++)
        expect(isfinite(schedule.sigma[i]) && schedule.sigma[i] > schedule.sigma[i + 1]);
    schedule_free(&schedule);
}

static void check_curve(const uint8_t *data, size_t size) {
    Error error = {""};
    Curve curve;
    json_t *json = json_parse_text((const char *)data, size, "fuzz", &error);
    if (json == NULL || !curve_parse(&curve, json, "fuzz", &error)) {
        expect(error.text[0] != '\0');
        json_decref(json);
        return;
    }
    json_decref(json);
    expect(curve_check(&curve, "fuzz", &error) && curve.dims >= 1 && curve.images >= 0);
    double *time = malloc((size_t)curve.levels * sizeof *time);
    for (int k = 0; k < 4; k++) {
        const double order = k == 0 ? ORDER_ENTROPIC : k == 1 ? ORDER_RESCALED : 20 * k - 50;
        if (entropic_time(&curve, order, k % 2 == 0 ? RULE_CUBIC : RULE_LEFT, time, &error))
            check_levels(curve.sigma, time, curve.levels, 1 + (int)(size % 7));
        else
            expect(error.text[0] != '\0');
    }
    free(time);
    curve_free(&curve);
}

static void check_spectrum(const uint8_t *data, size_t size) {
    Error error = {""};
    Spectrum spectrum;
    Safetensors *file = safetensors_parse(data, size, "fuzz", &error);
    if (file == NULL || !spectrum_parse(&spectrum, file, &error)) {
        expect(error.text[0] != '\0');
        safetensors_close(file);
        return;
    }
    safetensors_close(file);
    expect(spectrum.directions == spectrum.c * spectrum.h * spectrum.w && spectrum.directions >= 1);
    double *time = malloc((size_t)spectrum.levels * sizeof *time);
    if (spectral_time(&spectrum, RULE_CUBIC, spectrum.sigma[0], spectrum.sigma[spectrum.levels - 1],
                      time, &error))
        check_levels(spectrum.sigma, time, spectrum.levels, 1 + (int)(size % 7));
    else
        expect(error.text[0] != '\0');
    free(time);
    spectrum_free(&spectrum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_curve(data, size);
    check_spectrum(data, size);
    return 0;
}
