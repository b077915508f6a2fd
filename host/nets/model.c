#include "nets/model.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/hash.h"
#include "io/json.h"
#include "io/shipped.h"

enum { PRESET_LIMIT = 1 << 20 };

static const char random_prefix[] = "random:";

/* What is known of a model before its weights are read. */
typedef struct {
    Edm2Config config;
    char encoder[16];
} Description;

static bool take_encoder(Description *description, const char *encoder, const char *where,
                         Error *error) {
    if (encoder == NULL) encoder = "";
    if (strcmp(encoder, "rgb") != 0 && strcmp(encoder, "sd-vae") != 0)
        return fail(error, "%s: encoder is \"%s\", expected \"rgb\" or \"sd-vae\"", where, encoder);
    snprintf(description->encoder, sizeof description->encoder, "%s", encoder);
    return true;
}

static bool check_architecture(const char *architecture, const char *where, Error *error) {
    if (architecture != NULL && strcmp(architecture, "edm2") == 0) return true;
    return fail(error,
                "%s: architecture is \"%s\", expected \"edm2\" (scripts/convert_weights.py writes it)",
                where, architecture != NULL ? architecture : "not stated");
}

static bool describe_file(Description *description, const Safetensors *file, Error *error) {
    const char *path = safetensors_name(file), *text = safetensors_metadata(file, "config");
    if (!check_architecture(safetensors_metadata(file, "architecture"), path, error) ||
        !take_encoder(description, safetensors_metadata(file, "encoder"), path, error))
        return false;
    if (text == NULL) return fail(error, "%s: no \"config\" in the file's metadata", path);
    char where[PATH_MAX + 16];
    snprintf(where, sizeof where, "%s: config", path);
    json_t *object = json_parse_text(text, strlen(text), where, error);
    const bool ok = object != NULL && edm2_config_read(&description->config, object, where, error);
    json_decref(object);
    return ok;
}

static bool find_preset(const char *name, char path[PATH_MAX], Error *error) {
    char file[PATH_MAX / 2];
    if (strchr(name, '/') != NULL) return fail(error, "random:%s: not the name of a preset", name);
    const int wanted = snprintf(file, sizeof file, "configs/%s.json", name);
    return (wanted < (int)sizeof file && shipped_file(file, path)) ||
           fail(error, "random:%s: no preset configs/%s.json (here or beside the program)", name, name);
}

static bool describe_preset(Description *description, const char *name, Error *error) {
    char path[PATH_MAX], where[PATH_MAX + 16];
    if (!find_preset(name, path, error)) return false;
    json_t *root = json_read_file(path, PRESET_LIMIT, error);
    if (root == NULL) return false;
    const char *architecture = NULL, *encoder = NULL, *text = NULL;
    const json_t *config = NULL;
    double parameters, gmac; /* for people; kairos info counts them itself */
    const JsonField fields[] = {{"architecture", JSON_FIELD_TEXT, &architecture, true, 0, 0},
                                {"encoder", JSON_FIELD_TEXT, &encoder, true, 0, 0},
                                {"description", JSON_FIELD_TEXT, &text, false, 0, 0},
                                {"million_parameters", JSON_FIELD_DOUBLE, &parameters, false, 0, 0},
                                {"gmac", JSON_FIELD_DOUBLE, &gmac, false, 0, 0},
                                {"config", JSON_FIELD_OBJECT, &config, true, 0, 0}};
    snprintf(where, sizeof where, "%s: config", path);
    const bool ok = json_read_fields(root, path, fields, sizeof fields / sizeof *fields, error) &&
                    check_architecture(architecture, path, error) &&
                    take_encoder(description, encoder, path, error) &&
                    edm2_config_read(&description->config, (json_t *)config, where, error);
    json_decref(root);
    return ok;
}

static bool build(Model *model, Context *ctx, const Description *description, DType dtype,
                  WeightSource *source, Error *error) {
    if (source == NULL) return false;
    memcpy(model->encoder, description->encoder, sizeof model->encoder);
    model->net = edm2_create(ctx, &description->config, dtype, source, error);
    source->close(source);
    return model->net != NULL;
}

static bool load_file(Model *model, Context *ctx, const char *path, DType dtype, Error *error) {
    Description description;
    Safetensors *file = safetensors_open(path, error);
    if (file == NULL) return false;
    bool ok = describe_file(&description, file, error);
    if (ok) {
        model->hash = hash_tensors(hash_text(HASH_START, safetensors_metadata(file, "config")), file);
        ok = build(model, ctx, &description, dtype, weights_from_file(file, error), error);
    }
    safetensors_close(file);
    return ok;
}

static bool load_preset(Model *model, Context *ctx, const char *name, DType dtype, Error *error) {
    Description description;
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
    edm2_destroy(model->net);
    free(model->name);
    *model = (Model){.name = NULL};
}
