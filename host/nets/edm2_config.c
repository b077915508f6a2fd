#include "nets/edm2_config.h"

#include <math.h>
#include <stdlib.h>

#include "io/json.h"

enum { MAX_CHANNELS = 65536, MAX_RESOLUTION = 16384 };

static const Edm2Config defaults = {
    .img_resolution = 64,
    .img_channels = 3,
    .sigma_data = 0.5,
    .logvar_channels = 128,
    .model_channels = 192,
    .levels = 4,
    .channel_mult = {1, 2, 3, 4},
    .num_blocks = 3,
    .attention_count = 2,
    .attn_resolutions = {16, 8},
    .label_balance = 0.5,
    .concat_balance = 0.5,
    .channels_per_head = 64,
    .res_balance = 0.3,
    .attn_balance = 0.3,
    .clip_act = 256,
};

/* Copies a list that was given into its array. */
static bool take_list(JsonInts list, const char *key, int least, int most, int *values, int *count,
                      const char *name, Error *error) {
    if (list.values == NULL) return true;
    if (list.count < (size_t)least || list.count > (size_t)most)
        return fail(error, "%s: %s has %zu numbers, expected %d to %d", name, key, list.count, least,
                    most);
    *count = (int)list.count;
    for (int i = 0; i < *count; i++) values[i] = list.values[i];
    return true;
}

static bool check(const Edm2Config *config, const char *name, Error *error) {
    const int divisor = 1 << (config->levels - 1);
    if (config->img_resolution % divisor != 0)
        return fail(error, "%s: img_resolution %d is not divisible by %d, as %d levels need", name,
                    config->img_resolution, divisor, config->levels);
    for (int i = 0; i < config->levels; i++)
        if ((long long)config->model_channels * config->channel_mult[i] > MAX_CHANNELS)
            return fail(error, "%s: level %d has %lld channels, expected at most %d", name, i,
                        (long long)config->model_channels * config->channel_mult[i], MAX_CHANNELS);
    return true;
}

bool edm2_config_read(Edm2Config *config, json_t *object, const char *name, Error *error) {
    *config = defaults;
    JsonInts channel_mult = {0}, attention = {0};
    const JsonField fields[] = {
        {"img_resolution", JSON_FIELD_INT, &config->img_resolution, true, 1, MAX_RESOLUTION},
        {"img_channels", JSON_FIELD_INT, &config->img_channels, true, 1, MAX_CHANNELS},
        {"label_dim", JSON_FIELD_INT, &config->label_dim, true, 0, (1 << 28) - 1},
        {"sigma_data", JSON_FIELD_DOUBLE, &config->sigma_data, false, 1e-6, 1e6},
        {"logvar_channels", JSON_FIELD_INT, &config->logvar_channels, false, 1, MAX_CHANNELS},
        {"model_channels", JSON_FIELD_INT, &config->model_channels, false, 1, MAX_CHANNELS},
        {"channel_mult", JSON_FIELD_INTS, &channel_mult, false, 1, MAX_CHANNELS},
        {"num_blocks", JSON_FIELD_INT, &config->num_blocks, false, 0,
         EDM2_MAX_SKIPS / EDM2_MAX_LEVELS - 1},
        {"attn_resolutions", JSON_FIELD_INTS, &attention, false, 1, MAX_RESOLUTION},
        {"label_balance", JSON_FIELD_DOUBLE, &config->label_balance, false, 0, 1},
        {"concat_balance", JSON_FIELD_DOUBLE, &config->concat_balance, false, 0, 1},
        {"channels_per_head", JSON_FIELD_INT, &config->channels_per_head, false, 1, MAX_CHANNELS},
        {"res_balance", JSON_FIELD_DOUBLE, &config->res_balance, false, 0, 1},
        {"attn_balance", JSON_FIELD_DOUBLE, &config->attn_balance, false, 0, 1},
        {"clip_act", JSON_FIELD_DOUBLE, &config->clip_act, false, 1e-6, 1e30},
    };
    const bool ok = json_read_fields(object, name, fields, sizeof fields / sizeof *fields, error) &&
                    take_list(channel_mult, "channel_mult", 1, EDM2_MAX_LEVELS, config->channel_mult,
                              &config->levels, name, error) &&
                    take_list(attention, "attn_resolutions", 0, EDM2_MAX_ATTENTION,
                              config->attn_resolutions, &config->attention_count, name, error) &&
                    check(config, name, error);
    free(channel_mult.values);
    free(attention.values);
    return ok;
}

static json_t *int_list(const int *values, int count) {
    json_t *list = json_array();
    for (int i = 0; i < count; i++) json_array_append_new(list, json_integer(values[i]));
    return list;
}

json_t *edm2_config_write(const Edm2Config *c) {
    return json_pack("{si si si sf si si so si so sf sf si sf sf sf}",                      //
                     "img_resolution", c->img_resolution, "img_channels", c->img_channels,  //
                     "label_dim", c->label_dim, "sigma_data", c->sigma_data,                //
                     "logvar_channels", c->logvar_channels, "model_channels", c->model_channels,
                     "channel_mult", int_list(c->channel_mult, c->levels),  //
                     "num_blocks", c->num_blocks,                           //
                     "attn_resolutions", int_list(c->attn_resolutions, c->attention_count),
                     "label_balance", c->label_balance, "concat_balance", c->concat_balance,
                     "channels_per_head", c->channels_per_head, "res_balance", c->res_balance,
                     "attn_balance", c->attn_balance, "clip_act", c->clip_act);
}
