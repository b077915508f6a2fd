// The size of grids: whole waves of the device's processors; and that no result depends on it.
#include "context.h"

#include <vector>

#include "simt_test.h"

__global__ void nothing() {}

// For one step of a block each.
static int blocks_on(int processors, bool host_cores, long long steps) {
    Context ctx = {};
    ctx.processors = processors, ctx.host_cores = host_cores;
    const int blocks = grid_for(&ctx, nothing, 8 * steps - 3, 8).blocks;
    assert_true(context_ok(&ctx));
    return blocks;
}

// Here a processor holds one block at once, so that a wave is as many blocks as there are processors.
static void test_grids_are_whole_waves(void **) {
    for (int processors : {1, 2, 7, 132})
        for (bool host_cores : {false, true}) {
            const int most = (host_cores ? 16 : 4) * processors;
            for (int steps = 1; steps <= processors; ++steps)
                assert_int_equal(blocks_on(processors, host_cores, steps), steps);
            for (long long steps = processors; steps < 2 * most; ++steps) {
                const int blocks = blocks_on(processors, host_cores, steps);
                assert_int_equal(blocks % processors, 0);
                assert_in_range(blocks, 1, steps < most ? steps : most);
                assert_true(blocks == most || blocks > steps - processors);
            }
            assert_int_equal(blocks_on(processors, host_cores, 1ll << 40), most);
        }
}

static void test_no_items_are_one_block(void **) {
    Context ctx = {};
    ctx.processors = 132;
    assert_int_equal(grid_for(&ctx, nothing, 0, 8).blocks, 1);
}

static void test_blocks_share_all_items(void **) {
    for (long long items : {0ll, 1ll, 7ll, 1000ll, (1ll << 40) + 3}) {
        Context ctx = {};
        ctx.processors = 7;
        const Grid grid = grid_for(&ctx, nothing, items, 8);
        blockIdx.x = 0;
        assert_int_equal(block_range(grid.split).begin, 0);
        for (int block = 1; block < grid.blocks; ++block) {
            blockIdx.x = block - 1;
            const Range before = block_range(grid.split);
            blockIdx.x = block;
            const Range range = block_range(grid.split);
            assert_true(range.begin == before.end);
            assert_in_range(before.end - before.begin - (range.end - range.begin), 0, 1);
        }
        assert_true(block_range(grid.split).end == items);
    }
}

static void test_occupancy(void **) {
    const void *kernel = reinterpret_cast<const void *>(nothing);
    const auto occupancy = [&](int threads, size_t bytes) {
        int blocks = -1;
        assert_int_equal(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel, threads, bytes),
                         cudaSuccess);
        return blocks;
    };
    assert_int_equal(occupancy(BLOCK, 0), 1);
    assert_int_equal(occupancy(BLOCK, 48 << 10), 1);
    assert_int_equal(occupancy(BLOCK, 64 << 10), 0);
    assert_int_equal(occupancy(8 * 1024, 0), 0);
    cudaFuncSetAttribute(nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, 64 << 10);
    assert_int_equal(occupancy(BLOCK, 64 << 10), 1);
    int blocks;
    assert_int_equal(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, nullptr, BLOCK, 0),
                     cudaErrorInvalidValue);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
}

// Noise, and its normalization, as a device of so many processors computes them.
static std::vector<float> sample_of(int processors) {
    Error error = {};
    Context *ctx = context_create(0, ENGINE_NATIVE, &error);
    assert_non_null(ctx);
    ctx->processors = processors;
    const int n = 3, h = 16, w = 16, c = 12, count = n * h * w * c;
    const uint64_t seeds[n] = {1, 2, 77};
    uint64_t *device_seeds = device_array<uint64_t>(n);
    device_upload(ctx, device_seeds, seeds, sizeof seeds);
    std::vector<float> values(3 * count);
    Tensor x = {device_array<float>(count), F32, n, h, w, c}, r = x, s = x;
    r.data = device_array<float>(count), s.data = device_array<float>(count);
    noise_fill(ctx, device_seeds, 0, 1, x);
    norm_silu(ctx, x, 2, RESAMPLE_KEEP, r, s);
    device_download(ctx, values.data(), x.data, count * sizeof(float));
    device_download(ctx, values.data() + count, r.data, count * sizeof(float));
    device_download(ctx, values.data() + 2 * count, s.data, count * sizeof(float));
    assert_true(context_ok(ctx));
    cudaFree(device_seeds), cudaFree(x.data), cudaFree(r.data), cudaFree(s.data);
    context_destroy(ctx);
    return values;
}

static void test_results_do_not_depend_on_the_grid(void **) {
    const std::vector<float> expected = sample_of(1);
    for (int processors : {2, 3, 132}) assert_true(sample_of(processors) == expected);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grids_are_whole_waves),
        cmocka_unit_test(test_no_items_are_one_block),
        cmocka_unit_test(test_blocks_share_all_items),
        cmocka_unit_test(test_occupancy),
        cmocka_unit_test(test_results_do_not_depend_on_the_grid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
