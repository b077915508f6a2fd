#include "arena.h"

#include <string.h>

enum { ALIGNMENT = 256 };

static size_t offset_of(const Arena *arena, Tensor t) {
    return (uintptr_t)t.data - (uintptr_t)arena->base;
}

Tensor arena_take(Arena *arena, Context *ctx, DType dtype, int n, int h, int w, int c) {
    Tensor t = {NULL, dtype, n, h, w, c};
    /* Each image is rounded up, not their sum: so the places of fewer images are the same but for that
     * factor, and what was planned for n of them is enough for fewer. */
    const Tensor one = {NULL, dtype, 1, h, w, c};
    const size_t bytes = n * ((tensor_bytes(one) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    size_t begin = ALIGNMENT; /* never 0: while planning, base + 0 would be NULL */
    int at = 0;
    while (at < arena->live && arena->block[at].begin < begin + bytes) begin = arena->block[at++].end;
    const size_t end = begin + bytes;
    if (arena->live == ARENA_LIVE || (arena->base != NULL && end > arena->size)) {
        context_fail(ctx, "the network needs more activation memory than was planned");
        return t;
    }
    memmove(&arena->block[at + 1], &arena->block[at], (arena->live - at) * sizeof arena->block[0]);
    arena->block[at].begin = begin;
    arena->block[at].end = end;
    arena->live++;
    if (end > arena->peak) arena->peak = end;
    t.data = (void *)((uintptr_t)arena->base + begin);
    return t;
}

void arena_release(Arena *arena, Tensor t) {
    const size_t begin = offset_of(arena, t);
    for (int i = 0; i < arena->live; i++) {
        if (arena->block[i].begin != begin) continue;
        arena->live--;
        memmove(&arena->block[i], &arena->block[i + 1], (arena->live - i) * sizeof arena->block[0]);
        return;
    }
}
