#include "quality/floor.h"

#include <inttypes.h>
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/philox.h"

static const uint64_t FLOOR_SEED = 20200607;

/* ---- draws ----------------------------------------------------------------------------------------
 */

typedef struct {
    int set;       /* number of the draw of Philox's */
    uint64_t next; /* element of it */
} Draws;

/* In (0, 1), from two words: 53 bits. */
static double uniform(uint32_t high, uint32_t low) {
    const uint64_t bits = (uint64_t)high << 32 | low;
    return ((double)(bits >> 12) + 0.5) * 0x1p-52;
}

/* Box and Muller 1958, in double. */
static double normal(Draws *draws) {
    const PhiloxBlock b = random_block(FLOOR_SEED, draws->set, draws->next++);
    return sqrt(-2 * log(uniform(b.word[0], b.word[1]))) *
           cos(6.283185307179586 * uniform(b.word[2], b.word[3]));
}

/* Chi-squared: twice a gamma variate of shape degrees / 2 (Marsaglia and Tsang 2000), which wants a
 * shape of at least 1. */
static double chi_squared(Draws *draws, double degrees) {
    if (degrees < 2) {
        const double z = normal(draws);
        return z * z;
    }
    const double d = degrees / 2 - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = normal(draws), v = pow(1 + c * x, 3);
        const PhiloxBlock b = random_block(FLOOR_SEED, draws->set, draws->next++);
        if (v > 0 && log(uniform(b.word[0], b.word[1])) < x * x / 2 + d - d * v + d * log(v))
            return 2 * d * v;
    }
}

/* ---- a set ----------------------------------------------------------------------------------------
 */

typedef struct {
    int d, columns;   /* features; columns of the triangle */
    double images;    /* n */
    double *w;        /* [d]: eigenvalues of the reference */
    double *triangle; /* [columns][d]: W A, by columns */
    double *singular; /* [columns] */
} Work;

/* The distance, but for the singular values; fills the triangle. */
static double draw_set(Work *work, Draws *draws) {
    const int d = work->d;
    double sum = 0;
    for (int i = 0; i < d; i++) {
        const double z = normal(draws);
        double row = 0; /* |A_i|^2 */
        for (int k = 0; k < work->columns; k++) {
            const double a = k < i    ? normal(draws)
                             : k == i ? sqrt(chi_squared(draws, work->images - 1 - i))
                                      : 0;
            work->triangle[(size_t)k * d + i] = work->w[i] * a;
            row += a * a;
        }
        sum += work->w[i] * (z * z / work->images + 1 + row / (work->images - 1));
    }
    return sum;
}

static bool distance_of_set(Work *work, int set, double *distance, Error *error) {
    Draws draws = {set, 0};
    double unused, trace = 0;
    const double rest = draw_set(work, &draws);
    const lapack_int info =
        LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'N', work->d, work->columns, work->triangle, work->d,
                       work->singular, &unused, 1, &unused, 1);
    if (info != 0) return fail(error, "the singular values did not converge (%d)", info);
    for (int k = work->columns - 1; k >= 0; k--) trace += work->singular[k]; /* the smallest first */
    *distance = rest - 2 * trace / sqrt(work->images - 1);
    return true;
}

/* The eigenvalues, with what lies below their rounding as 0; the triangle serves as memory. */
static bool find_eigenvalues(Work *work, const Gaussian *reference, double *matrix, Error *error) {
    const int d = work->d;
    memcpy(matrix, reference->sigma, (size_t)d * d * sizeof *matrix);
    const lapack_int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'N', 'L', d, matrix, d, work->w);
    if (info != 0) return fail(error, "the eigenvalues of the covariance did not converge (%d)", info);
    const double rounding = gaussian_rounding(reference, work->w[d - 1]);
    for (int i = 0; i < d; i++)
        if (work->w[i] <= rounding) work->w[i] = 0;
    return true;
}

static bool average(Work *work, int sets, FrechetFloor *floor, Error *error) {
    double mean = 0, squares = 0;
    for (int set = 0; set < sets; set++) {
        double distance = 0;
        if (!distance_of_set(work, set, &distance, error)) return false;
        /* Welford 1962 */
        const double step = distance - mean;
        mean += step / (set + 1);
        squares += step * (distance - mean);
    }
    *floor = (FrechetFloor){mean, sets > 1 ? sqrt(squares / (sets - 1)) : NAN, sets};
    return true;
}

bool frechet_floor(const Gaussian *reference, int64_t images, int sets, FrechetFloor *floor,
                   Error *error) {
    const int d = reference->features;
    const size_t size = (size_t)d * d;
    *floor = (FrechetFloor){NAN, NAN, 0};
    if (images < 2 || sets < 1)
        return fail(error, "the floor of %" PRId64 " images over %d sets: expected at least 2 and 1",
                    images, sets);
    double *memory = malloc((size + 2 * (size_t)d) * sizeof *memory);
    if (memory == NULL) return fail(error, "out of memory for covariances of %d features", d);
    Work work = {
        d,         images - 1 < d ? (int)images - 1 : d, (double)images, memory, memory + 2 * (size_t)d,
        memory + d};
    const bool ok =
        find_eigenvalues(&work, reference, work.triangle, error) && average(&work, sets, floor, error);
    free(memory);
    return ok;
}

int frechet_floor_sets(int features) { return features <= 256 ? 64 : features <= 1024 ? 16 : 4; }

bool frechet_few_images(int64_t images, int features) {
    return images < FRECHET_FEW * (int64_t)features;
}

void frechet_warn_of_few(int64_t images, int features) {
    if (frechet_few_images(images, features))
        fprintf(stderr,
                "%" PRId64
                " images for %d features: fewer than %d for each, so that much of a distance "
                "is what any images would have; compare it only with those of as many images\n",
                images, features, FRECHET_FEW);
}
