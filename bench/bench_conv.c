/* Times convolutions of the shipped model and of EDM2-XS, for each engine:
 *   bench_conv [fp32|fp16|bf16]
 * A line is one shape: milliseconds a call, and 10^9 floating-point operations a second, which count
 * the products of a direct convolution whatever the method. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels.h"

typedef struct {
    int size, cin, cout, pixels; /* of a side */
    int count;                   /* in one forward pass */
} Layer;

static const Layer shipped[] = {
    {3, 2, 32, 32, 1},   {3, 32, 32, 32, 4}, {3, 64, 64, 32, 2}, {3, 96, 32, 32, 1},
    {1, 96, 32, 32, 1},  {3, 64, 32, 32, 1}, {1, 64, 32, 32, 1}, {3, 32, 1, 32, 1},
    {3, 32, 32, 16, 2},  {1, 32, 64, 16, 1}, {3, 64, 64, 16, 6}, {3, 128, 64, 16, 1},
    {1, 128, 64, 16, 1}, {3, 96, 64, 16, 1}, {1, 96, 64, 16, 1}, {3, 64, 64, 8, 10},
    {1, 64, 192, 8, 3},  {1, 64, 64, 8, 3},  {3, 128, 64, 8, 2}, {1, 128, 64, 8, 2}};
static const Layer xs[] = {{3, 128, 128, 64, 1}, {3, 256, 128, 64, 1}, {3, 256, 256, 32, 1},
                           {3, 512, 256, 32, 1}, {3, 384, 384, 16, 1}, {1, 384, 1152, 16, 1},
                           {3, 512, 512, 8, 1},  {3, 1024, 512, 8, 1}, {1, 512, 1536, 8, 1}};

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + 1e-9 * now.tv_nsec;
}

static Tensor tensor(Context *ctx, DType dtype, int n, int pixels, int c) {
    Tensor t = {NULL, dtype, n, pixels, pixels, c};
    const size_t bytes = tensor_bytes(t);
    void *zeros = calloc(1, bytes);
    t.data = device_alloc(ctx, bytes);
    device_upload(ctx, t.data, zeros, bytes);
    free(zeros);
    return t;
}

/* The shortest of several calls, in seconds. */
static double time_layer(Context *ctx, Layer layer, DType dtype, int n) {
    float *weights = calloc((size_t)layer.cout * layer.size * layer.size * layer.cin, sizeof *weights);
    Filter *filter = filter_create(ctx, weights, layer.cout, layer.size, layer.cin, dtype);
    const Tensor x = tensor(ctx, dtype, n, layer.pixels, layer.cin);
    const Tensor y = tensor(ctx, dtype, n, layer.pixels, layer.cout);
    double best = 1e9;
    context_plan_begin(ctx);
    conv2d(ctx, x, filter, 0, y);
    context_reserve_workspace(ctx, context_plan_end(ctx).workspace_bytes);
    for (int i = 0; i < 20; ++i) {
        const double start = seconds();
        conv2d(ctx, x, filter, 0, y);
        device_synchronize(ctx);
        const double elapsed = seconds() - start;
        if (elapsed < best) best = elapsed;
    }
    device_free(ctx, x.data);
    device_free(ctx, y.data);
    filter_destroy(filter);
    free(weights);
    return best;
}

static void bench(Engine engine, DType dtype, const char *name, const Layer *layers, int count, int n) {
    Error error;
    Context *ctx = context_create(0, engine, &error);
    if (ctx == NULL) {
        fprintf(stderr, "bench_conv: %s\n", error.text);
        exit(1);
    }
    double total = 0, total_macs = 0;
    printf("%s, %s engine, %d images\n", name, engine == ENGINE_NATIVE ? "native" : "library", n);
    for (int i = 0; i < count; ++i) {
        const Layer l = layers[i];
        const double time = time_layer(ctx, l, dtype, n);
        const double macs = (double)n * l.pixels * l.pixels * l.cin * l.cout * l.size * l.size;
        printf("  %dx%d %4d -> %4d at %2dx%-2d  x%-2d %9.3f ms %8.1f GFLOPS\n", l.size, l.size, l.cin,
               l.cout, l.pixels, l.pixels, l.count, time * 1e3, 2e-9 * macs / time);
        total += l.count * time;
        total_macs += l.count * macs;
    }
    printf("  all of them: %.3f ms %.1f GFLOPS\n", total * 1e3, 2e-9 * total_macs / total);
    if (!context_ok(ctx)) {
        fprintf(stderr, "bench_conv: %s\n", context_error(ctx)->text);
        exit(1);
    }
    context_destroy(ctx);
}

int main(int argc, char **argv) {
    const char *type = argc > 1 ? argv[1] : "fp32";
    const DType dtype = strcmp(type, "fp16") == 0 ? F16 : strcmp(type, "bf16") == 0 ? BF16 : F32;
    for (int engine = ENGINE_LIBRARY; engine >= ENGINE_NATIVE; --engine) {
        bench(engine, dtype, "shipped model", shipped, sizeof shipped / sizeof *shipped, 64);
        bench(engine, dtype, "EDM2-XS", xs, sizeof xs / sizeof *xs, 4);
    }
    return 0;
}
