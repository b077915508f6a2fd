#include "nets/edm2_layout.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    Edm2Layout *layout;
    const Edm2Config *config;
    Error *error;
    int channels; /* of the activations so far */
    int *skips;   /* channels of the encoder's outputs, a stack */
    int skip_count;
    bool ok;
} Builder;

static bool attends(const Edm2Config *config, int resolution) {
    for (int i = 0; i < config->attention_count; i++)
        if (config->attn_resolutions[i] == resolution) return true;
    return false;
}

static void add_block(Builder *b, bool decoder, int resolution, const char *suffix, Resample mode,
                      int skip, int cout, bool attention) {
    const Edm2Config *config = b->config;
    BlockLayout *block = &b->layout->block[b->layout->blocks++];
    *block = (BlockLayout){.decoder = decoder,
                           .mode = mode,
                           .cin = b->channels + skip,
                           .cout = cout,
                           .skip = skip,
                           .heads = attention ? cout / config->channels_per_head : 0,
                           .emb_offset = b->layout->emb_total};
    snprintf(block->name, sizeof block->name, "%s.%dx%d_%s", decoder ? "dec" : "enc", resolution,
             resolution, suffix);
    if (block->heads > 0 && cout % block->heads != 0)
        b->ok = fail(b->error, "%s: %d channels cannot be shared by %d attention heads", block->name,
                     cout, block->heads);
    b->layout->emb_total += cout;
    b->channels = cout;
}

static void add_encoder(Builder *b) {
    const Edm2Config *config = b->config;
    for (int level = 0; level < config->levels; level++) {
        const int resolution = config->img_resolution >> level;
        const int width = config->model_channels * config->channel_mult[level];
        if (level == 0)
            b->channels = width; /* the first convolution */
        else
            add_block(b, false, resolution, "down", RESAMPLE_DOWN, 0, b->channels, false);
        b->skips[b->skip_count++] = b->channels;
        for (int i = 0; i < config->num_blocks; i++) {
            char suffix[24];
            snprintf(suffix, sizeof suffix, "block%d", i);
            add_block(b, false, resolution, suffix, RESAMPLE_KEEP, 0, width,
                      attends(config, resolution));
            b->skips[b->skip_count++] = b->channels;
        }
    }
    b->layout->encoder_blocks = b->layout->blocks;
}

static void add_decoder(Builder *b) {
    const Edm2Config *config = b->config;
    for (int level = config->levels - 1; level >= 0; level--) {
        const int resolution = config->img_resolution >> level;
        const int width = config->model_channels * config->channel_mult[level];
        if (level == config->levels - 1) {
            add_block(b, true, resolution, "in0", RESAMPLE_KEEP, 0, b->channels, true);
            add_block(b, true, resolution, "in1", RESAMPLE_KEEP, 0, b->channels, false);
        } else {
            add_block(b, true, resolution, "up", RESAMPLE_UP, 0, b->channels, false);
        }
        for (int i = 0; i <= config->num_blocks; i++) {
            char suffix[24];
            snprintf(suffix, sizeof suffix, "block%d", i);
            add_block(b, true, resolution, suffix, RESAMPLE_KEEP, b->skips[--b->skip_count], width,
                      attends(config, resolution));
        }
    }
}

bool edm2_layout_make(Edm2Layout *layout, const Edm2Config *config, Error *error) {
    const int skips = config->levels * (config->num_blocks + 1);
    *layout = (Edm2Layout){.fourier_channels = config->model_channels * config->channel_mult[0]};
    for (int level = 0; level < config->levels; level++) {
        const int width = config->model_channels * config->channel_mult[level];
        if (width > layout->emb_channels) layout->emb_channels = width;
    }
    snprintf(layout->conv_name, sizeof layout->conv_name, "enc.%dx%d_conv", config->img_resolution,
             config->img_resolution);
    Builder b = {layout, config, error, 0, calloc(skips, sizeof(int)), 0, true};
    layout->block = calloc(2 * skips + config->levels + 2, sizeof *layout->block);
    if (b.skips == NULL || layout->block == NULL) {
        b.ok = fail(error, "out of memory");
    } else {
        add_encoder(&b);
        add_decoder(&b);
        layout->out_channels = b.channels;
    }
    free(b.skips);
    if (!b.ok) edm2_layout_free(layout);
    return b.ok;
}

void edm2_layout_free(Edm2Layout *layout) {
    free(layout->block);
    layout->block = NULL;
}
