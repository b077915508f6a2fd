/* Inputs for kairos denoise, and the comparison of what two builds of kairos made of them:
 *   compare_tensors input FILE CHANNELS PIXELS     x [7,CHANNELS,PIXELS,PIXELS], sigma [7], labels [7]
 *   compare_tensors compare FILE OTHER BOUND       exit status 1 if a tensor's relative L2 difference
 * is above BOUND, or the tensors are not the same ones For GPU machines that have no Python. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/safetensors.h"

/* One image at each noise level; -1: without a label. */
enum { IMAGES = 7 };
static const float sigmas[IMAGES] = {0.002f, 0.02f, 0.2f, 0.5f, 2, 10, 80};
static const int64_t labels[IMAGES] = {0, -1, 2, 3, 5, 8, 9};

static int failed(const Error *error) {
    fprintf(stderr, "compare_tensors: %s\n", error->text);
    return 1;
}

/* splitmix64, as in weights_random.c. */
static double uniform(uint64_t number) {
    uint64_t z = number * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return ((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double normal(uint64_t number) {
    return sqrt(-2 * log(1 - uniform(2 * number + 1))) *
           cos(6.283185307179586 * uniform(2 * number + 2));
}

static int write_input(const char *path, int channels, int pixels) {
    Error error = {""};
    const size_t image = (size_t)channels * pixels * pixels;
    float *x = channels > 0 && pixels > 0 ? malloc(IMAGES * image * sizeof *x) : NULL;
    if (x == NULL) fail(&error, "no memory for %d channels of %d pixels", channels, pixels);
    for (size_t i = 0; x != NULL && i < IMAGES * image; i++)
        x[i] = (float)(hypot(0.5, sigmas[i / image]) * normal(i));
    const SafetensorsTensor tensors[] = {
        {"x", SAFETENSORS_F32, 4, {IMAGES, channels, pixels, pixels}, x},
        {"sigma", SAFETENSORS_F32, 1, {IMAGES}, sigmas},
        {"labels", SAFETENSORS_I64, 1, {IMAGES}, labels}};
    const bool ok = x != NULL && safetensors_write(path, tensors, 3, NULL, 0, &error);
    free(x);
    return ok ? 0 : failed(&error);
}

/* ||a - b|| / ||a||; NaN if a value is. */
static double relative_difference(const float *a, const float *b, size_t count) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)a[i] * a[i];
    }
    return sqrt(difference) / (size > 0 ? sqrt(size) : 1);
}

static bool same_tensor(const SafetensorsTensor *expected, const Safetensors *other, double bound,
                        Error *error) {
    const size_t count = (size_t)safetensors_elements(expected);
    const SafetensorsTensor *found =
        safetensors_expect(other, expected->name, expected->rank, expected->shape, error);
    if (found == NULL) return false;
    if (expected->type != SAFETENSORS_F32 || found->type != SAFETENSORS_F32)
        return fail(error, "%s: %s is not F32", safetensors_name(other), expected->name);
    float *a = malloc(count * sizeof *a), *b = malloc(count * sizeof *b);
    bool ok = (a != NULL && b != NULL) || fail(error, "out of memory");
    if (ok) {
        memcpy(a, expected->data, count * sizeof *a);
        memcpy(b, found->data, count * sizeof *b);
        const double difference = relative_difference(a, b, count);
        printf("%-10s relative difference %.1e, bound %.0e\n", expected->name, difference, bound);
        ok = difference <= bound ||
             fail(error, "%s differs by %.1e, more than %.0e", expected->name, difference, bound);
    }
    free(a);
    free(b);
    return ok;
}

static int compare(const char *path, const char *other_path, double bound) {
    Error error = {""};
    Safetensors *expected = safetensors_open(path, &error);
    Safetensors *other = expected != NULL ? safetensors_open(other_path, &error) : NULL;
    bool ok = other != NULL;
    if (ok && safetensors_count(expected) != safetensors_count(other))
        ok = fail(&error, "%s and %s do not hold the same tensors", path, other_path);
    for (int i = 0; ok && i < safetensors_count(expected); i++)
        ok = same_tensor(safetensors_tensor(expected, i), other, bound, &error);
    safetensors_close(other);
    safetensors_close(expected);
    return ok ? 0 : failed(&error);
}

int main(int count, char **arguments) {
    if (count == 5 && strcmp(arguments[1], "input") == 0)
        return write_input(arguments[2], atoi(arguments[3]), atoi(arguments[4]));
    if (count == 5 && strcmp(arguments[1], "compare") == 0)
        return compare(arguments[2], arguments[3], atof(arguments[4]));
    fprintf(stderr,
            "usage: compare_tensors input FILE CHANNELS PIXELS\n"
            "       compare_tensors compare FILE OTHER BOUND\n");
    return 2;
}
