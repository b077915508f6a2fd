#include "denoiser.h"

#include <stdlib.h>
#include <string.h>

enum {
    STATE_PER_VALUE = 2 * sizeof(float) + 1, /* the sampler's x and carry, a byte of its pixel */
    /* A noise level, two labels and a seed. */
    STATE_PER_IMAGE = sizeof(float) + 2 * sizeof(int32_t) + sizeof(uint64_t),
    IMAGES_PER_PROCESSOR = 4 /* a multiple of 4, so that each pass of F32 images begins at 16 bytes */
};

static bool guided(float guidance) { return guidance != 1; }

Tensor tensor_images(Tensor t, int i, int n) {
    if (t.data != NULL) t.data = (char *)t.data + (size_t)i * (tensor_bytes(t) / t.n);
    t.n = n;
    return t;
}

/* One pass: x [n,r,r,c] F32 is already preconditioned by every network's sigma_data, which agree. */
static void run_pass(const Denoiser *d, Arena *arena, Tensor x, int first, const SolverStep *step,
                     Tensor out) {
    const Edm2 *net = d->net;
    const float sigma_data = (float)net->config.sigma_data;
    const float *sigma = d->sigma + first;
    SolverStep s = *step;
    Tensor input = arena_take(arena, d->ctx, net->dtype, x.n, x.h, x.w, x.c + 1);
    precondition(d->ctx, x, sigma, sigma_data, input);
    s.f = edm2_forward(net, arena, input, sigma, d->labels + first);
    s.f_ref = (Tensor){.data = NULL};
    if (guided(d->guidance)) {
        const Edm2 *ref = d->gnet != NULL ? d->gnet : net;
        const int32_t *labels = d->gnet != NULL ? d->labels : d->no_labels;
        s.f_ref = edm2_forward(ref, arena, input, sigma, labels + first);
    }
    arena_release(arena, input);
    s.guidance = d->guidance;
    s.sigma = sigma;
    s.sigma_data = sigma_data;
    solver_step(d->ctx, x, &s, out);
    arena_release(arena, s.f);
    if (s.f_ref.data != NULL) arena_release(arena, s.f_ref);
}

static Tensor image_batch(const Edm2 *net, int n) {
    const int r = net->config.img_resolution;
    return (Tensor){NULL, F32, n, r, r, net->config.img_channels};
}

/* A pass gives every processor some images; more would only push the activations of a machine with few
 * processors out of its caches. */
static int pass_size(const Context *ctx, int batch) {
    const int most = IMAGES_PER_PROCESSOR * context_processors(ctx);
    return batch < most ? batch : most;
}

DenoiserPlan denoiser_plan(Context *ctx, const Edm2 *net, const Edm2 *gnet, float guidance, int batch) {
    const Denoiser d = {.ctx = ctx, .net = net, .gnet = gnet, .guidance = guidance};
    const SolverStep step = {.b = 1};
    const int pass = pass_size(ctx, batch);
    const Tensor x = image_batch(net, pass);
    Arena arena = {0};
    context_plan_begin(ctx);
    run_pass(&d, &arena, x, 0, &step, x);
    arena_release(&arena, edm2_logvar(net, &arena, pass, NULL));
    const Plan plan = context_plan_end(ctx);
    return (DenoiserPlan){
        .macs = plan.macs / pass,
        .activation_bytes = arena.peak,
        .workspace_bytes = plan.workspace_bytes,
        .state_bytes =
            (tensor_bytes(image_batch(net, 1)) / sizeof(float) * STATE_PER_VALUE + STATE_PER_IMAGE) *
            batch};
}

static size_t total_bytes(DenoiserPlan plan) {
    return plan.activation_bytes + plan.workspace_bytes + plan.state_bytes;
}

static bool check_pair(const Edm2 *net, const Edm2 *gnet, Error *error) {
    const Edm2Config *a = &net->config, *b = &gnet->config;
    if (a->img_resolution != b->img_resolution || a->img_channels != b->img_channels)
        return fail(error, "the guiding network makes %dx%dx%d images, the network %dx%dx%d",
                    b->img_resolution, b->img_resolution, b->img_channels, a->img_resolution,
                    a->img_resolution, a->img_channels);
    if (a->sigma_data != b->sigma_data)
        return fail(error, "the guiding network's sigma_data is %g, the network's %g", b->sigma_data,
                    a->sigma_data);
    if (b->label_dim != 0 && b->label_dim != a->label_dim)
        return fail(error, "the guiding network has %d labels, the network %d", b->label_dim,
                    a->label_dim);
    return true;
}

/* Fails, naming the largest batch that fits, if this one does not. */
static bool check_memory(const Denoiser *d, Error *error) {
    const size_t free_bytes = context_device(d->ctx).memory_free;
    const size_t wanted = total_bytes(denoiser_plan(d->ctx, d->net, d->gnet, d->guidance, d->batch));
    if (!context_ok(d->ctx)) return fail(error, "%s", context_error(d->ctx)->text);
    if (wanted <= free_bytes) return true;
    int fits = 0;
    for (int step = 1 << 20; step > 0; step /= 2)
        if (fits + step < d->batch &&
            total_bytes(denoiser_plan(d->ctx, d->net, d->gnet, d->guidance, fits + step)) <= free_bytes)
            fits += step;
    if (fits == 0)
        return fail(error, "the device has %.1f MB free, too little for a batch of even one image",
                    free_bytes / 1e6);
    return fail(error,
                "a batch of %d images needs %.1f MB, the device has %.1f MB free: the largest batch "
                "that fits is %d",
                d->batch, wanted / 1e6, free_bytes / 1e6, fits);
}

static void take_memory(Denoiser *d) {
    const DenoiserPlan plan = denoiser_plan(d->ctx, d->net, d->gnet, d->guidance, d->batch);
    context_reserve_workspace(d->ctx, plan.workspace_bytes);
    d->arena =
        (Arena){.base = device_alloc(d->ctx, plan.activation_bytes), .size = plan.activation_bytes};
    d->sigma = device_alloc(d->ctx, d->batch * sizeof *d->sigma);
    d->labels = device_alloc(d->ctx, d->batch * sizeof *d->labels);
    d->no_labels = device_alloc(d->ctx, d->batch * sizeof *d->no_labels);
}

bool denoiser_create(Denoiser *denoiser, Context *ctx, const Edm2 *net, const Edm2 *gnet,
                     float guidance, int batch, Error *error) {
    *denoiser = (Denoiser){.ctx = ctx,
                           .net = net,
                           .gnet = gnet,
                           .guidance = guidance,
                           .batch = batch,
                           .pass = pass_size(ctx, batch)};
    if (batch < 1) return fail(error, "a batch of %d images: expected at least 1", batch);
    if (gnet != NULL && !check_pair(net, gnet, error)) return false;
    if (!check_memory(denoiser, error)) return false;
    take_memory(denoiser);
    int32_t *none = malloc(batch * sizeof *none);
    if (none == NULL) {
        context_fail(ctx, "out of memory");
    } else {
        memset(none, 0xff, batch * sizeof *none); /* -1 each */
        device_upload(ctx, denoiser->labels, none, batch * sizeof *none);
        device_upload(ctx, denoiser->no_labels, none, batch * sizeof *none);
    }
    free(none);
    if (context_ok(ctx)) return true;
    denoiser_destroy(denoiser);
    return fail(error, "%s", context_error(ctx)->text);
}

void denoiser_destroy(Denoiser *denoiser) {
    void *memory[] = {denoiser->arena.base, denoiser->sigma, denoiser->labels, denoiser->no_labels};
    for (int i = 0; i < 4; i++) device_free(denoiser->ctx, memory[i]);
    *denoiser = (Denoiser){.ctx = denoiser->ctx};
}

void denoiser_set_labels(Denoiser *denoiser, const int32_t *labels, int n) {
    device_upload(denoiser->ctx, denoiser->labels, labels, n * sizeof *labels);
}

void denoiser_step(Denoiser *denoiser, Tensor x, const float *sigma, SolverStep step, Tensor out) {
    const Tensor carry = step.carry;
    const uint64_t *seeds = step.seeds;
    device_upload(denoiser->ctx, denoiser->sigma, sigma, x.n * sizeof *sigma);
    for (int i = 0; i < x.n; i += denoiser->pass) {
        const int n = x.n - i < denoiser->pass ? x.n - i : denoiser->pass;
        if (carry.data != NULL) step.carry = tensor_images(carry, i, n);
        if (seeds != NULL) step.seeds = seeds + i;
        run_pass(denoiser, &denoiser->arena, tensor_images(x, i, n), i, &step,
                 tensor_images(out, i, n));
    }
}

void denoiser_logvar(Denoiser *denoiser, const float *sigma, int n, float *logvar) {
    Context *ctx = denoiser->ctx;
    device_upload(ctx, denoiser->sigma, sigma, n * sizeof *sigma);
    for (int i = 0; i < n; i += denoiser->pass) {
        const int count = n - i < denoiser->pass ? n - i : denoiser->pass;
        Tensor u = edm2_logvar(denoiser->net, &denoiser->arena, count, denoiser->sigma + i);
        device_download(ctx, logvar + i, u.data, tensor_bytes(u));
        arena_release(&denoiser->arena, u);
    }
}
