/* One block of device memory for all activations of a network.  A network takes and releases the
 * same tensors in the same order on every pass, so a pass in planning mode, without any memory,
 * gives the size that the block must have, for this many images or fewer. */
#ifndef KAIROS_ARENA_H
#define KAIROS_ARENA_H

#include "kernels.h"

enum { ARENA_LIVE = 512 }; /* tensors alive at once: the skips of a U-Net and a few more */

typedef struct {
    char *base;  /* device memory; NULL while planning */
    size_t size; /* bytes at base */
    size_t peak; /* largest end of a live tensor so far */
    int live;    /* tensors alive, ordered by offset */
    struct {
        size_t begin, end;
    } block[ARENA_LIVE];
} Arena;

/* The lowest free place for a tensor.  While planning the data pointer has no memory behind it.
 * Fails (the context's error) when a pass takes more than its plan said. */
Tensor arena_take(Arena *arena, Context *ctx, DType dtype, int n, int h, int w, int c);

/* Gives the tensor's place back.  Kernels run in stream order, so it may be reused at once. */
void arena_release(Arena *arena, Tensor t);

#endif
