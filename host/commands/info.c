/* kairos info: what a model is and needs. */
#include <stdio.h>

#include "commands/commands.h"
#include "commands/session.h"
#include "denoiser.h"
#include "io/hash.h"

static const OptionsUsage usage = {
    .command = "kairos info",
    .summary =
        "Parameters, multiply-accumulates and the memory that each batch size takes, as planned.",
    .examples =
        "kairos info --net weights/fashion-mnist-edm2.safetensors\n"
        "kairos info --net random:edm2-img512-xs --precision fp16\n"};

static void print_number(const json_t *number) { printf(" %.9g", json_number_value(number)); }

/* A line for each value: a number, or a list of them. */
static void print_description(json_t *description) {
    const char *name;
    json_t *value, *number;
    json_object_foreach(description, name, value) {
        size_t i;
        printf("%-21s", name);
        if (!json_is_array(value)) print_number(value);
        json_array_foreach(value, i, number) print_number(number);
        printf("%s\n", json_is_array(value) && json_array_size(value) == 0 ? " none" : "");
    }
}

static void print_model(const Model *model) {
    const Network *net = model->net;
    json_t *description = net->describe(net);
    printf("%-22s%s\n", "model", model->name);
    char hash[HASH_TEXT];
    hash_write(model->hash, hash);
    printf("%-22s%s\n", "hash", hash);
    printf("%-22s%s, %s\n", "architecture", net->architecture, model->encoder);
    printf("%-22s%dx%d, %d channels\n", "images", net->w, net->h, net->c);
    printf("%-22s%d\n", "labels", net->label_dim);
    printf("%-22s%.9g\n", "sigma_data", net->sigma_data);
    print_description(description);
    json_decref(description);
    printf("%-22s%.1f million\n", "parameters", net->parameters / 1e6);
}

static void print_memory(const Session *s) {
    printf("\n%8s  %15s  %15s  %15s\n", "batch", "activations MB", "workspace MB", "state MB");
    for (int batch = 1; batch <= 1024; batch *= 2) {
        const DenoiserPlan plan = denoiser_plan(s->ctx, s->model.net, s->gmodel.net, 1, batch);
        printf("%8d  %15.1f  %15.1f  %15.1f\n", batch, plan.activation_bytes / 1e6,
               plan.workspace_bytes / 1e6, plan.state_bytes / 1e6);
    }
}

int command_info(int count, char **arguments) {
    Session s = session_defaults();
    Error error = {""};
    Option options[] = {SESSION_OPTION_NET(s), SESSION_OPTION_PRECISION(s), SESSION_OPTION_ENGINE(s),
                        SESSION_OPTION_DEVICE(s)};
    const int status =
        options_parse(&usage, options, sizeof options / sizeof *options, count, arguments);
    if (status >= 0) return status;
    if (!session_open(&s, &error)) return session_fail("info", &error);
    const DeviceInfo device = context_device(s.ctx);
    print_model(&s.model);
    printf("%-22s%.4g GMAC an image and evaluation\n", "cost",
           denoiser_plan(s.ctx, s.model.net, NULL, 1, 1).macs / 1e9);
    printf("%-22s%s, %d processors, %.1f of %.1f GB free\n", "device", device.name, device.processors,
           device.memory_free / 1e9, device.memory_total / 1e9);
    printf("%-22s%s, %s engine\n", "precision", session_precisions[s.precision],
           session_engines[s.engine]);
    print_memory(&s);
    const bool ok = context_ok(s.ctx) || fail(&error, "%s", context_error(s.ctx)->text);
    session_close(&s);
    return ok ? 0 : session_fail("info", &error);
}
