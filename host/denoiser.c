#include "denoiser.h"

#include <stdlib.h>
#include <string.h>

#include "io/interrupt.h"

enum {
    STATE_PER_VALUE = 2 * sizeof(float) + 1, /* the sampler's x and carry, a byte of its pixel */
    /* A noise level, two labels, a seed and a count. */
    STATE_PER_IMAGE = sizeof(float) + 3 * sizeof(int32_t) + sizeof(uint64_t),
    IMAGES_PER_PROCESSOR = 4,
    DEVICE_RESERVE = 512 << 20
};

static bool guided(float guidance) { return guidance != 1; }

/* What follows the network(s) in a pass over x, the images from number `first` of the batch on. */
typedef void PassEnd(const Denoiser *d, Arena *arena, Tensor x, const Prediction *prediction, int first,
                     const void *arguments);

/* One pass over x [n,h,w,c] F32.  The networks' sigma_data agree. */
static void run_pass(const Denoiser *d, Arena *arena, Tensor x, int first, PassEnd *end,
                     const void *arguments) {
    const Network *net = d->net;
    Prediction p = {
        .guidance = d->guidance, .sigma = d->sigma + first, .sigma_data = (float)net->sigma_data};
    p.f = net->forward(net, arena, x, p.sigma, d->labels + first);
    if (guided(d->guidance)) {
        const Network *ref = d->gnet != NULL ? d->gnet : net;
        const int32_t *labels = d->gnet != NULL ? d->labels : d->no_labels;
        p.f_ref = ref->forward(ref, arena, x, p.sigma, labels + first);
    }
    end(d, arena, x, &p, first, arguments);
    arena_release(arena, p.f);
    if (p.f_ref.data != NULL) arena_release(arena, p.f_ref);
}

typedef struct {
    SolverStep step;
    Tensor out;
} StepArguments;

static void end_in_step(const Denoiser *d, Arena *arena, Tensor x, const Prediction *prediction,
                        int first, const void *arguments) {
    (void)arena;
    const StepArguments *a = arguments;
    SolverStep step = a->step;
    step.prediction = *prediction;
    if (step.carry.data != NULL) step.carry = tensor_images(step.carry, first, x.n);
    if (step.seeds != NULL) step.seeds += first;
    solver_step(d->ctx, x, &step, tensor_images(a->out, first, x.n));
}

typedef struct {
    Tensor x0;
    double *squared, *power;
} ErrorArguments;

/* Planes of a whole pass, of which the last one of a batch fills only the first. */
static Tensor take_planes(const Denoiser *d, Arena *arena, Tensor x) {
    return arena_take(arena, d->ctx, F32, d->pass, x.c, x.h, x.w);
}

static void end_in_error(const Denoiser *d, Arena *arena, Tensor x, const Prediction *prediction,
                         int first, const void *arguments) {
    const ErrorArguments *a = arguments;
    const Tensor x0 = tensor_images(a->x0, first, x.n);
    double *squared = a->squared != NULL ? a->squared + first : NULL;
    Tensor planes = {.data = NULL};
    if (d->transform != NULL) planes = take_planes(d, arena, x);
    squared_error(d->ctx, x, x0, prediction, squared, tensor_images(planes, 0, x.n));
    if (d->transform == NULL) return;
    spectrum_add(d->ctx, d->transform, planes, x.n, SPECTRUM_POWER, a->power);
    arena_release(arena, planes);
}

/* For passes of `pass` images. */
static Transform *create_transform(const Denoiser *d, int pass) {
    const Network *net = d->net;
    return transform_create(d->ctx, pass, net->c, net->h, net->w);
}

/* A pass that ends in its spectrum, if it may: a squared error takes no more memory than a step. */
static void plan_pass(const Denoiser *d, Arena *arena) {
    const Tensor x = network_images(d->net, d->pass);
    const StepArguments step = {{.b = 1}, x};
    const ErrorArguments error = {.x0 = x};
    run_pass(d, arena, x, 0, d->spectral ? end_in_error : end_in_step,
             d->spectral ? (const void *)&error : &step);
    if (d->net->logvar != NULL) arena_release(arena, d->net->logvar(d->net, arena, d->pass, NULL));
}

/* Of a denoiser that is otherwise like `d`. */
static DenoiserPlan plan_batch(const Denoiser *like, int batch) {
    const Network *net = like->net;
    Denoiser d = *like;
    Arena arena = {0};
    d.pass = context_pass(d.ctx, IMAGES_PER_PROCESSOR, batch);
    if (d.spectral) d.transform = create_transform(&d, d.pass);
    context_plan_begin(d.ctx);
    plan_pass(&d, &arena);
    const Plan plan = context_plan_end(d.ctx);
    if (d.spectral) transform_destroy(d.transform);
    return (DenoiserPlan){
        .macs = plan.macs / d.pass,
        .activation_bytes = arena.peak,
        .workspace_bytes = plan.workspace_bytes,
        .state_bytes =
            ((size_t)network_values(net) * STATE_PER_VALUE + STATE_PER_IMAGE) * batch + d.extra_bytes};
}

DenoiserPlan denoiser_plan(Context *ctx, const Network *net, const Network *gnet, float guidance,
                           int batch) {
    const Denoiser d = {.ctx = ctx, .net = net, .gnet = gnet, .guidance = guidance};
    return plan_batch(&d, batch);
}

static size_t total_bytes(DenoiserPlan plan) {
    return plan.activation_bytes + plan.workspace_bytes + plan.state_bytes;
}

static bool check_pair(const Network *a, const Network *b, Error *error) {
    if (a->h != b->h || a->w != b->w || a->c != b->c)
        return fail(error, "the guiding network makes %dx%dx%d images, the network %dx%dx%d", b->h,
                    b->w, b->c, a->h, a->w, a->c);
    if (a->sigma_data != b->sigma_data)
        return fail(error, "the guiding network's sigma_data is %g, the network's %g", b->sigma_data,
                    a->sigma_data);
    if (b->label_dim != 0 && b->label_dim != a->label_dim)
        return fail(error, "the guiding network has %d labels, the network %d", b->label_dim,
                    a->label_dim);
    return true;
}

/* What is free but for what CUDA takes at the first launches: the code of kernels and libraries, which
 * it loads as they are called, and the libraries' own workspaces. */
static size_t usable_bytes(Context *ctx) {
    const DeviceInfo device = context_device(ctx);
    const size_t reserve = device.host_cores ? 0 : DEVICE_RESERVE;
    return device.memory_free > reserve ? device.memory_free - reserve : 0;
}

/* Fails, naming the largest batch that fits, if this one does not. */
static bool check_memory(const Denoiser *d, Error *error) {
    const size_t free_bytes = usable_bytes(d->ctx);
    const size_t wanted = total_bytes(plan_batch(d, d->batch));
    if (!context_ok(d->ctx)) return fail(error, "%s", context_error(d->ctx)->text);
    if (wanted <= free_bytes) return true;
    int fits = 0;
    for (int step = 1 << 20; step > 0; step /= 2)
        if (fits + step < d->batch && total_bytes(plan_batch(d, fits + step)) <= free_bytes)
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
    const DenoiserPlan plan = plan_batch(d, d->batch);
    context_reserve_workspace(d->ctx, plan.workspace_bytes);
    d->arena =
        (Arena){.base = device_alloc(d->ctx, plan.activation_bytes), .size = plan.activation_bytes};
    d->sigma = device_alloc(d->ctx, d->batch * sizeof *d->sigma);
    d->labels = device_alloc(d->ctx, d->batch * sizeof *d->labels);
    d->no_labels = device_alloc(d->ctx, d->batch * sizeof *d->no_labels);
    if (d->spectral) d->transform = create_transform(d, d->pass);
}

/* What the caller has not set is made. */
static bool create(Denoiser *denoiser, Error *error) {
    Context *ctx = denoiser->ctx;
    const int batch = denoiser->batch;
    if (batch < 1) return fail(error, "a batch of %d images: expected at least 1", batch);
    if (denoiser->gnet != NULL && !check_pair(denoiser->net, denoiser->gnet, error)) return false;
    denoiser->pass = context_pass(ctx, IMAGES_PER_PROCESSOR, batch);
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

bool denoiser_create(Denoiser *denoiser, Context *ctx, const Network *net, const Network *gnet,
                     float guidance, int batch, Error *error) {
    *denoiser = (Denoiser){.ctx = ctx, .net = net, .gnet = gnet, .guidance = guidance, .batch = batch};
    return create(denoiser, error);
}

bool denoiser_create_measuring(Denoiser *denoiser, Context *ctx, const Network *net, int batch,
                               bool spectral, size_t extra_bytes, Error *error) {
    *denoiser = (Denoiser){.ctx = ctx,
                           .net = net,
                           .guidance = 1,
                           .batch = batch,
                           .spectral = spectral,
                           .extra_bytes = extra_bytes};
    return create(denoiser, error);
}

void denoiser_destroy(Denoiser *denoiser) {
    void *memory[] = {denoiser->arena.base, denoiser->sigma, denoiser->labels, denoiser->no_labels};
    for (int i = 0; i < 4; i++) device_free(denoiser->ctx, memory[i]);
    transform_destroy(denoiser->transform);
    *denoiser = (Denoiser){.ctx = denoiser->ctx};
}

void denoiser_set_sigma(Denoiser *denoiser, const float *sigma, int n) {
    device_upload(denoiser->ctx, denoiser->sigma, sigma, n * sizeof *sigma);
}

void denoiser_set_one_sigma(Denoiser *denoiser, float sigma) {
    fill(denoiser->ctx, denoiser->sigma, denoiser->batch, sigma);
}

void denoiser_set_labels(Denoiser *denoiser, const int32_t *labels, int n) {
    device_upload(denoiser->ctx, denoiser->labels, labels, n * sizeof *labels);
}

/* Images of the pass that starts at image i of n. */
static int pass_images(const Denoiser *d, int i, int n) { return n - i < d->pass ? n - i : d->pass; }

/* A signal drops the batch, as a failure of the device would. */
static void run_passes(Denoiser *d, Tensor x, PassEnd *end, const void *arguments) {
    Error stopped;
    if (!interrupt_check(&stopped)) context_fail(d->ctx, "%s", stopped.text);
    for (int i = 0; i < x.n && context_ok(d->ctx); i += d->pass)
        run_pass(d, &d->arena, tensor_images(x, i, pass_images(d, i, x.n)), i, end, arguments);
}

void denoiser_step(Denoiser *denoiser, Tensor x, SolverStep step, Tensor out) {
    const StepArguments arguments = {step, out};
    run_passes(denoiser, x, end_in_step, &arguments);
}

void denoiser_error(Denoiser *denoiser, Tensor x, Tensor x0, double *squared, double *power) {
    const ErrorArguments arguments = {x0, squared, power};
    run_passes(denoiser, x, end_in_error, &arguments);
}

void denoiser_amplitude(Denoiser *denoiser, Tensor x0, double *amplitude) {
    Context *ctx = denoiser->ctx;
    for (int i = 0; i < x0.n; i += denoiser->pass) {
        const Tensor part = tensor_images(x0, i, pass_images(denoiser, i, x0.n));
        const Tensor planes = take_planes(denoiser, &denoiser->arena, part);
        image_planes(ctx, part, tensor_images(planes, 0, part.n));
        spectrum_add(ctx, denoiser->transform, planes, part.n, SPECTRUM_AMPLITUDE, amplitude);
        arena_release(&denoiser->arena, planes);
    }
}

const char *denoiser_overflow_advice(const Denoiser *denoiser) {
    return denoiser->net->dtype == F32
               ? "the model's weights are damaged or too large (--precision fp32 is in use already)"
               : "the network's activations overflow (try --precision fp32), or its weights are "
                 "damaged";
}

void denoiser_logvar(Denoiser *denoiser, const float *sigma, int n, float *logvar) {
    Context *ctx = denoiser->ctx;
    const Network *net = denoiser->net;
    if (net->logvar == NULL) {
        context_fail(ctx, "a network of architecture \"%s\" makes no estimate of its own error",
                     net->architecture);
        return;
    }
    denoiser_set_sigma(denoiser, sigma, n);
    for (int i = 0; i < n; i += denoiser->pass) {
        const int count = pass_images(denoiser, i, n);
        Tensor u = net->logvar(net, &denoiser->arena, count, denoiser->sigma + i);
        device_download(ctx, logvar + i, u.data, tensor_bytes(u));
        arena_release(&denoiser->arena, u);
    }
}
