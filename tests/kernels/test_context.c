#include "support/tensors.h"

/* Of every batch: no pass too large, none much smaller than another, no more passes than needed. */
static void test_pass(void **state) {
    (void)state;
    Context *ctx = test_context();
    const int most = 8 * context_device(ctx).processors;
    for (int batch = 1; batch < 5 * most; ++batch) {
        const int pass = context_pass(ctx, 8, batch);
        const int passes = (batch + pass - 1) / pass, last = batch - (passes - 1) * pass;
        assert_in_range(pass, 1, most);
        assert_int_equal(passes, (batch + most - 1) / most);
        assert_true(passes == 1 || pass % 4 == 0);
        assert_in_range(pass - last, 0, 4 * passes);
    }
    test_context_close(ctx);
}

static void test_images(void **state) {
    (void)state;
    static char data[7 * 3 * 5 * 2 * 2];
    const Tensor planned = tensor_images(shape(F16, 7, 3, 5, 2), 4, 3);
    assert_int_equal(planned.n, 3);
    assert_null(planned.data);
    Tensor t = shape(F16, 7, 3, 5, 2);
    t.data = data;
    assert_ptr_equal(tensor_images(t, 4, 3).data, data + 4 * 3 * 5 * 2 * 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pass), cmocka_unit_test(test_images)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
