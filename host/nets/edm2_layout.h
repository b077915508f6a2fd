/* The layers of an EDM2 network in the order they run, from its configuration alone. */
#ifndef KAIROS_EDM2_LAYOUT_H
#define KAIROS_EDM2_LAYOUT_H

#include "kernels.h"
#include "nets/edm2_config.h"

typedef struct {
    char name[64]; /* "enc.32x32_block0" */
    bool decoder;
    Resample mode;
    int cin, cout;  /* cin counts the skip's channels too */
    int skip;       /* channels of the encoder output that is concatenated; 0 = none */
    int heads;      /* of attention; 0 = none */
    int emb_offset; /* of the block's cout scales in the product of all emb_linear layers */
} BlockLayout;

typedef struct {
    int blocks, encoder_blocks; /* the encoder's come first */
    BlockLayout *block;
    char conv_name[64]; /* the first convolution, img_channels + 1 -> width[0] */
    int fourier_channels, emb_channels;
    int emb_total;    /* channels of all emb_linear layers together */
    int out_channels; /* of the last block */
} Edm2Layout;

bool edm2_layout_make(Edm2Layout *layout, const Edm2Config *config, Error *error);
void edm2_layout_free(Edm2Layout *layout);

#endif
