#include "nets/model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hash.h"
#include "io/json.h"
#include "io/shipped.h"
#include "nets/edm2.h"

enum { PRESET_LIMIT = 1 << 20 };

static const char random_prefix[] = "random:";

/* Every kind of network that a model file may hold, by its name there. */
typedef struct {
    const char *name;
    Network *(*create)(Context *ctx, json_t *config, const char *where, DType dtype,
                       WeightSource *source, Error *error);
} Architecture;
static const Architecture architectures[] = {{"edm2", edm2_create}};
enum { ARCHITECTURES = sizeof architectures / sizeof *architectures };

/* What is known of a model before its weights are read. */
typedef struct {
    const Architecture *architecture;
    char encoder[16];
    json_t *config;
    char where[PATH_MAX + 16]; /* the configuration is, for errors */
} Description;

static bool take_encoder(Description *description, const char *encoder, const char *where,
                         Error *error) {
    if (encoder == NULL) encoder = "";
    if (strcmp(encoder, "rgb") != 0 && strcmp(encoder, "sd-vae") != 0)
        return fail(error, "%s: encoder is \"%s\", expected \"rgb\" or \"sd-vae\"", where, encoder);
    snprintf(description->encoder, sizeof description->encoder, "%s", encoder);
    return true;
}

static bool take_architecture(Description *description, const char *name, const char *where,
                              Error *error) {
    char known[256] = "";
    for (int i = 0; i < ARCHITECTURES; i++) {
        const size_t length = strlen(known);
        description->architecture = &architectures[i];
        if (name != NULL && strcmp(name, architectures[i].name) == 0) return true;
        snprintf(known + length, sizeof known - length, "%s\"%s\"", i > 0 ? " or " : "",
                 architectures[i].name);
    }
    return fail(error, "%s: architecture is \"%s\", expected %s (scripts/convert_weights.py writes it)",
                where, name != NULL ? name : "not stated", known);
}

static bool describe_file(Description *description, const Safetensors *file, Error *error) {
    const char *path = safetensors_name(file), *text = safetensors_metadata(file, "config");
    if (!take_architecture(description, safetensors_metadata(file, "architecture"), path, error) ||
        !take_encoder(description, safetensors_metadata(file, "encoder"), path, error))
        return false;
    if (text == NULL) return fail(error, "%s: no \"config\" in the file's metadata", path);
    snprintf(description->where, sizeof description->where, "%s: config", path);
    description->config = json_parse_text(text, strlen(text), description->where, error);
    return description->config != NULL;
}

static bool find_preset(const char *name, char path[PATH_MAX], Error *error) {
    char file[PATH_MAX / 2];
    if (strchr(name, '/') != NULL) return fail(error, "random:%s: not the name of a preset", name);
    const int wanted = snprintf(file, sizeof file, "configs/%s.json", name);
    return (wanted < (int)sizeof file && shipped_file(file, path)) ||
           fail(error, "random:%s: no preset configs/%s.json (here or beside the program)", name, name);
}

static bool describe_preset(Description *description, const char *name, Error *error) {
    char path[PATH_MAX];
    if (!find_preset(name, path, error)) return false;
    json_t *root = json_read_file(path, PRESET_LIMIT, error);
    if (root == NULL) return false;
    const char *architecture = NULL, *encoder = NULL, *text = NULL;
    json_t *config = NULL;
    double parameters, gmac; /* for people; kairos info counts them itself */
    const JsonField fields[] = {{"architecture", JSON_FIELD_TEXT, &architecture, true, 0, 0},
                                {"encoder", JSON_FIELD_TEXT, &encoder, true, 0, 0},
                                {"description", JSON_FIELD_TEXT, &text, false, 0, 0},
                                {"million_parameters", JSON_FIELD_DOUBLE, &parameters, false, 0, 0},
                                {"gmac", JSON_FIELD_DOUBLE, &gmac, false, 0, 0},
                                {"config", JSON_FIELD_OBJECT, &config, true, 0, 0}};
    snprintf(description->where, sizeof description->where, "%s: config", path);
    const bool ok = json_read_fields(root, path, fields, sizeof fields / sizeof *fields, error) &&
                    take_architecture(description, architecture, path, error) &&
                    take_encoder(description, encoder, path, error);
    if (ok) description->config = json_incref(config);
    json_decref(root);
    return ok;
}

/* Closes the source and forgets the description. */
static bool build(Model *model, Context *ctx, Description *description, DType dtype,
                  WeightSource *source, Error *error) {
    if (source != NULL) {
        memcpy(model->encoder, description->encoder, sizeof model->encoder);
        model->net = description->architecture->create(ctx, description->config, description->where,
                                                       dtype, source, error);
        source->close(source);
    }
    json_decref(description->config);
    return model->net != NULL;
}

static bool load_file(Model *model, Context *ctx, const char *path, DType dtype, Error *error) {
    Description description = {.config = NULL};
    Safetensors *file = safetensors_open(path, error);
    if (file == NULL) return false;
    const bool ok = describe_file(&description, file, error) &&
                    build(model, ctx, &description, dtype, weights_from_file(file, error), error);
    if (ok)
        model->hash = hash_tensors(hash_text(HASH_START, safetensors_metadata(file, "config")), file);
    safetensors_close(file);
    return ok;
}

static bool load_preset(Model *model, Context *ctx, const char *name, DType dtype, Error *error) {
    Description description = {.config = NULL};
    model->hash = hash_text(HASH_START, name);
    return describe_preset(&description, name, error) &&
           build(model, ctx, &description, dtype, weights_random(error), error);
}

bool model_load(Model *model, Context *ctx, const char *name, DType dtype, Error *error) {
    const size_t prefix = strlen(random_prefix);
    *model = (Model){.name = strdup(name)};
    if (model->name == NULL) return fail(error, "out of memory");
    const bool ok = strncmp(name, random_prefix, prefix) == 0
                        ? load_preset(model, ctx, name + prefix, dtype, error)
                        : load_file(model, ctx, name, dtype, error);
    if (!ok) model_free(model);
    return ok;
}

void model_free(Model *model) {
    network_destroy(model->net);
    free(model->name);
    *model = (Model){.name = NULL};
}
