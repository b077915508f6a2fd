/* arena.h: places are reused, never shared by two live tensors, and the plan's peak suffices. */
#include "arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static Context *open_context(void) {
    Error error = {""};
    Context *ctx = context_create(0, ENGINE_NATIVE, &error);
    assert_non_null(ctx);
    return ctx;
}

static uintptr_t begin_of(Tensor t) { return (uintptr_t)t.data; }

static void reuses_the_lowest_gap(void **state) {
    (void)state;
    Context *ctx = open_context();
    Arena arena = {0};
    Tensor a = arena_take(&arena, ctx, F32, 1, 8, 8, 4);
    Tensor b = arena_take(&arena, ctx, F32, 1, 8, 8, 4);
    arena_release(&arena, a);
    Tensor small = arena_take(&arena, ctx, F16, 1, 8, 8, 4);
    Tensor large = arena_take(&arena, ctx, F32, 1, 8, 8, 5);
    assert_true(begin_of(small) == begin_of(a));
    assert_true(begin_of(large) >= begin_of(b) + tensor_bytes(b));
    context_destroy(ctx);
}

/* The same random sequence of takes and releases: in `live` up to 32 tensors. */
static void run_sequence(Arena *arena, Context *ctx, unsigned seed, int images) {
    Tensor live[32];
    int count = 0;
    for (int i = 0; i < 2000; i++) {
        seed = seed * 1664525u + 1013904223u;
        const unsigned pick = seed >> 8;
        if (count == 32 || (count > 0 && pick % 2 == 0)) {
            const int gone = (int)(pick / 2 % count);
            arena_release(arena, live[gone]);
            live[gone] = live[--count];
            continue;
        }
        Tensor t = arena_take(arena, ctx, F32, images, 1, 1 + (int)(pick / 2 % 50),
                              1 + (int)(pick / 128 % 70));
        assert_true(context_ok(ctx));
        for (int k = 0; k < count; k++)
            assert_true(begin_of(t) + tensor_bytes(t) <= begin_of(live[k]) ||
                        begin_of(live[k]) + tensor_bytes(live[k]) <= begin_of(t));
        live[count++] = t;
    }
    while (count > 0) arena_release(arena, live[--count]);
    assert_int_equal(arena->live, 0);
}

static void a_planned_pass_fits(void **state) {
    (void)state;
    Context *ctx = open_context();
    Arena plan = {0};
    run_sequence(&plan, ctx, 1, 2);
    Arena real = {.base = malloc(plan.peak), .size = plan.peak};
    run_sequence(&real, ctx, 1, 2);
    assert_true(real.peak == plan.peak);
    free(real.base);
    context_destroy(ctx);
}

/* The last batch of a job is smaller than the one that was planned. */
static void a_plan_suffices_for_fewer_images(void **state) {
    (void)state;
    Context *ctx = open_context();
    for (unsigned seed = 1; seed <= 20; seed++) {
        Arena plan = {0};
        run_sequence(&plan, ctx, seed, 8);
        for (int images = 1; images < 8; images++) {
            Arena fewer = {0};
            run_sequence(&fewer, ctx, seed, images);
            assert_true(fewer.peak <= plan.peak);
        }
    }
    context_destroy(ctx);
}

static void more_than_planned_is_an_error(void **state) {
    (void)state;
    Context *ctx = open_context();
    char memory[1024];
    Arena arena = {.base = memory, .size = sizeof memory};
    arena_take(&arena, ctx, F32, 1, 1, 1, 64);
    assert_true(context_ok(ctx));
    arena_take(&arena, ctx, F32, 1, 1, 1, 1024);
    assert_false(context_ok(ctx));
    context_destroy(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reuses_the_lowest_gap),
        cmocka_unit_test(a_planned_pass_fits),
        cmocka_unit_test(a_plan_suffices_for_fewer_images),
        cmocka_unit_test(more_than_planned_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
