#include "commands/session.h"

#include <stdio.h>
#include <string.h>

#include "io/hash.h"
#include "io/json.h"

const char *const session_precisions[] = {"fp32", "fp16", "bf16", NULL};
const char *const session_engines[] = {"native", "library", NULL};

Session session_defaults(void) { return (Session){.precision = F32, .engine = ENGINE_LIBRARY}; }

bool session_check_guidance_usage(const Session *session, double guidance, Error *error) {
    if (session->gnet != NULL && guidance == 1)
        return fail(error, "--gnet without --guidance: a weight of 1 would not use it");
    return true;
}

bool session_check_guidance(const Session *session, double guidance, Error *error) {
    if (guidance != 1 && session->gnet == NULL && session->model.net->label_dim == 0)
        return fail(error, "--guidance: %s has no labels to guide by; give a --gnet",
                    session->model.name);
    return true;
}

bool session_open(Session *session, Error *error) {
    session->ctx = context_create(session->device, (Engine)session->engine, error);
    const DType dtype = (DType)session->precision;
    if (session->ctx != NULL && model_load(&session->model, session->ctx, session->net, dtype, error) &&
        (session->gnet == NULL ||
         model_load(&session->gmodel, session->ctx, session->gnet, dtype, error)))
        return true;
    session_close(session);
    return false;
}

void session_close(Session *session) {
    model_free(&session->model);
    model_free(&session->gmodel);
    context_destroy(session->ctx);
    session->ctx = NULL;
}

bool session_check_images(const Session *session, const char *instead, Error *error) {
    const Model *model = &session->model;
    const int channels = model->net->c;
    if (strcmp(model->encoder, "rgb") != 0)
        return fail(error,
                    "%s makes latents of an image autoencoder (%s), which kairos does not decode%s",
                    model->name, model->encoder, instead);
    return channels == 1 || channels == 3 ||
           fail(error, "%s makes images of %d channels, PNG files have 1 or 3%s", model->name, channels,
                instead);
}

json_t *session_command_json(const char *command, int count, char **arguments) {
    json_t *words = json_array();
    while (*command != '\0') {
        const size_t length = strcspn(command, " ");
        json_array_append_new(words, json_stringn(command, length));
        command += length + strspn(command + length, " ");
    }
    for (int i = 0; i < count; i++) json_array_append_new(words, json_name(arguments[i]));
    return words;
}

json_t *session_hash_json(uint64_t hash) {
    char text[HASH_TEXT];
    hash_write(hash, text);
    return json_string(text);
}

int session_fail(const char *command, const Error *error) {
    fprintf(stderr, "kairos %s: %s\n", command, error->text);
    return 1;
}
