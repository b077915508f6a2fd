#include "support/tensors.h"

#include <stdlib.h>

/* Counts below, at and above the threads of a block and of all blocks; nothing beyond is written. */
static void test_values(void **state) {
    (void)state;
    static const int counts[] = {0, 1, 255, 256, 257, 32768, 300001};
    Context *ctx = test_context();
    for (int i = 0; i < 7; ++i) {
        const int count = counts[i], more = count + 3;
        float *expected = random_floats(more, 1);
        const Tensor t = tensor_of(ctx, F32, more, 1, 1, 1, expected);
        fill(ctx, t.data, count, 1.5f);
        for (int j = 0; j < count; ++j) expected[j] = 1.5f;
        float *actual = tensor_download(ctx, t);
        expect_same("fill", actual, expected, more);
        free(expected), free(actual);
        tensor_free(ctx, t);
    }
    test_context_close(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
