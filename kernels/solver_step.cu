// One step of a solver: preconditioning, guidance, update and noise in one pass.
#include "device/elements.cuh"
#include "device/philox.h"
#include "device/prediction.cuh"

// A SolverStep as the kernel sees it.
template <typename T>
struct Step {
    NetworkOutput<T> output;
    const float *x;
    float *carry, *out;
    const uint64_t *seeds;
    float a, b, k, noise, carry_a, carry_b;
    int draw, channels, pixels;
    Split split;
};

template <typename T>
__global__ void solver_step_kernel(Step<T> step) {
    Range share = block_range(step.split);
    const long long size = (long long)step.channels * step.pixels;
    while (share.begin < share.end) {
        const ImagePart part = next_part(&share, step.channels, step.pixels);
        const Preconditioning c = preconditioning(step.output, part.image);
        const long long first = part.image * size;
        for (long long i = part.begin + threadIdx.x; i < part.end; i += BLOCK) {
            const long long at = first + i;
            const float x = step.x[at];
            const float denoised = c.skip * x + c.out * guided_output(step.output, at);
            float next = step.a * x + step.b * denoised;
            if (step.carry != NULL) {
                if (step.k != 0) next += step.k * step.carry[at];
                step.carry[at] = step.carry_a * x + step.carry_b * denoised;
            }
            if (step.noise != 0)
                next += step.noise * random_normal(step.seeds[part.image], step.draw,
                                                   channels_first(i, step.channels, step.pixels));
            step.out[at] = next;
        }
    }
}

static bool check_step(Context *ctx, Tensor x, const SolverStep *step, Tensor out) {
    const char *name = "solver_step";
    if (!check_shape(ctx, name, "x", x, F32, x.n, x.h, x.w, x.c) ||
        !check_shape(ctx, name, "out", out, F32, x.n, x.h, x.w, x.c) ||
        !check_prediction(ctx, name, step->prediction, x))
        return false;
    if (step->carry.data != NULL &&
        !check_shape(ctx, name, "carry", step->carry, F32, x.n, x.h, x.w, x.c))
        return false;
    return step->noise == 0 || check_noise(ctx, name, x, step->seeds, step->draw);
}

void solver_step(Context *ctx, Tensor x, const SolverStep *step, Tensor out) {
    if (!check_step(ctx, x, step, out) || !context_runs(ctx) || x.n == 0) return;
    with_type(step->prediction.f.dtype, [&](auto zero) {
        using T = decltype(zero);
        Step<T> s = {};
        s.output = network_output<T>(step->prediction);
        s.x = (const float *)x.data;
        s.carry = (float *)step->carry.data;
        s.out = (float *)out.data;
        s.seeds = step->seeds;
        s.a = step->a;
        s.b = step->b;
        s.k = step->k;
        s.noise = step->noise;
        s.carry_a = step->carry_a;
        s.carry_b = step->carry_b;
        s.draw = step->draw;
        s.channels = x.c;
        s.pixels = x.h * x.w;
        const Grid grid = pixel_grid_for(ctx, solver_step_kernel<T>, x);
        s.split = grid.split;
        LAUNCH(solver_step_kernel<T>, grid.blocks, BLOCK, 0, ctx->stream, s);
    });
    check_launch(ctx, "solver_step");
}
