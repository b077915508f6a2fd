#include "sampler.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "random.h"

typedef struct {
    Sampler *sampler;
    Tensor x, carry; /* of this run's images */
    SamplerProgress *progress;
    void *user;
    int draw; /* next draw of each image's random sequence */
} Run;

/* One network evaluation at `sigma` for all images, and the solver step after it. */
static void evaluate(Run *run, double sigma, SolverStep step) {
    Denoiser *denoiser = run->sampler->denoiser;
    step.seeds = run->sampler->seeds;
    denoiser_set_one_sigma(denoiser, (float)sigma);
    denoiser_step(denoiser, run->x, step, run->x);
    if (run->progress != NULL) run->progress(run->user);
}

/* x' = D + sqrt(t^2 - n^2) (x - D) / s + n z,  n = eta t sqrt(1 - t^2 / s^2), with s = sigma_i and
 * t = sigma_{i+1} (Song et al. 2021, Eq. 12 and 16, in the EDM frame). */
static void ddim(Run *run, const Schedule *schedule, double eta) {
    for (int i = 0; i < schedule->steps; i++) {
        const double s = schedule->sigma[i], t = schedule->sigma[i + 1];
        const double n = eta * t * sqrt(1 - (t / s) * (t / s));
        const double keep = sqrt(t * t - n * n) / s;
        SolverStep step = {.a = (float)keep, .b = (float)(1 - keep), .noise = (float)n};
        if (n > 0) step.draw = run->draw++;
        evaluate(run, s, step);
    }
}

/* Karras et al. 2022, Algorithm 1: an Euler step to y, then the trapezoid rule,
 *   x' = x + (t - s) / 2 ((x - D(x; s)) / s + (y - D(y; t)) / t).
 * What of it is known at x is carried to the second evaluation. */
static void heun(Run *run, const Schedule *schedule) {
    for (int i = 0; i < schedule->steps; i++) {
        const double s = schedule->sigma[i], t = schedule->sigma[i + 1], half = (t - s) / 2;
        SolverStep euler = {.a = (float)(t / s), .b = (float)(1 - t / s)};
        if (t > 0) {
            euler.carry = run->carry;
            euler.carry_a = (float)(1 + half / s);
            euler.carry_b = (float)(-half / s);
        }
        evaluate(run, s, euler);
        if (t == 0) break;
        const SolverStep trapezoid = {
            .a = (float)(half / t), .b = (float)(-half / t), .k = 1, .carry = run->carry};
        evaluate(run, t, trapezoid);
    }
}

bool sampler_create(Sampler *sampler, Denoiser *denoiser, SamplerOptions options, Error *error) {
    Context *ctx = denoiser->ctx;
    Tensor x = network_images(denoiser->net, denoiser->batch);
    *sampler = (Sampler){.denoiser = denoiser, .options = options, .x = x, .carry = x};
    sampler->x.data = device_alloc(ctx, tensor_bytes(x));
    if (options.solver == SOLVER_HEUN) sampler->carry.data = device_alloc(ctx, tensor_bytes(x));
    sampler->seeds = device_alloc(ctx, x.n * sizeof *sampler->seeds);
    sampler->counts = device_alloc(ctx, x.n * sizeof *sampler->counts);
    sampler->nonfinite = calloc(x.n, sizeof *sampler->nonfinite);
    if (sampler->nonfinite == NULL) context_fail(ctx, "out of memory for a batch of %d images", x.n);
    if (context_ok(ctx)) return true;
    sampler_destroy(sampler);
    return fail(error, "%s", context_error(ctx)->text);
}

void sampler_destroy(Sampler *sampler) {
    if (sampler->denoiser == NULL) return;
    Context *ctx = sampler->denoiser->ctx;
    device_free(ctx, sampler->x.data);
    device_free(ctx, sampler->carry.data);
    device_free(ctx, sampler->seeds);
    device_free(ctx, sampler->counts);
    free(sampler->nonfinite);
    *sampler = (Sampler){.denoiser = NULL};
}

void sampler_run(Sampler *sampler, const uint64_t *seeds, const int32_t *labels, int n, float *noise,
                 SamplerProgress *progress, void *user) {
    Context *ctx = sampler->denoiser->ctx;
    const Schedule *schedule = sampler->options.schedule;
    Run run = {sampler,  sampler->x, sampler->carry,
               progress, user,       random_first_solver_draw(sampler->denoiser->net->label_dim)};
    run.x.n = run.carry.n = n;
    device_upload(ctx, sampler->seeds, seeds, n * sizeof *seeds);
    denoiser_set_labels(sampler->denoiser, labels, n);
    if (noise != NULL) {
        noise_fill(ctx, sampler->seeds, RANDOM_NOISE_DRAW, 1, run.x);
        device_download(ctx, noise, run.x.data, tensor_bytes(run.x));
    }
    noise_fill(ctx, sampler->seeds, RANDOM_NOISE_DRAW, (float)schedule->sigma[0], run.x);
    if (sampler->options.solver == SOLVER_DDIM)
        ddim(&run, schedule, sampler->options.eta);
    else
        heun(&run, schedule);
    count_nonfinite(ctx, run.x, sampler->counts);
    device_download(ctx, sampler->nonfinite, sampler->counts, n * sizeof *sampler->nonfinite);
}

bool sampler_check(const Sampler *sampler, const uint64_t *seeds, int n, Error *error) {
    const Denoiser *denoiser = sampler->denoiser;
    const Tensor x = sampler->x;
    if (!context_ok(denoiser->ctx)) return fail(error, "%s", context_error(denoiser->ctx)->text);
    for (int i = 0; i < n; i++)
        if (sampler->nonfinite[i] > 0)
            return fail(
                error, "seed %" PRIu64 ": %d of the image's %d values are infinite or not a number: %s",
                seeds[i], sampler->nonfinite[i], x.h * x.w * x.c, denoiser_overflow_advice(denoiser));
    return true;
}

bool sampler_has_nonfinite(const Sampler *sampler) {
    for (int i = 0; i < sampler->denoiser->batch; i++)
        if (sampler->nonfinite[i] > 0) return true;
    return false;
}

int sampler_nfe(SamplerOptions options) {
    const int steps = options.schedule->steps;
    return options.solver == SOLVER_DDIM ? steps : 2 * steps - 1;
}
