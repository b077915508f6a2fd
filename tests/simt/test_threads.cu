// Indices, barriers, shuffles, votes and atomics, where a block has one thread: what kernels written
// for any block see.
#include <algorithm>
#include <vector>

#include "simt_test.h"

// ---- indices --------------------------------------------------------------------------------------

__global__ void count_visits(int *visits) {
    atomicAdd(&visits[blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z)], 1);
}

static void test_every_block_runs_once(void **) {
    const dim3 grid(5, 3, 2);
    const int count = 5 * 3 * 2;
    int *visits = device_array<int>(count);
    std::fill(visits, visits + count, 0);
    LAUNCH(count_visits, grid, 1, 0, 0, visits);
    assert_launched();
    for (int i = 0; i < count; ++i) assert_int_equal(visits[i], 1);
    cudaFree(visits);
}

__global__ void ranges(int *visits, long long items) {
    const Range share = block_range(split_of(items, gridDim.x));
    for (long long i = share.begin + threadIdx.x; i < share.end; i += blockDim.x)
        atomicAdd(&visits[i], 1);
}

static void test_block_ranges_cover_the_items_once(void **) {
    for (int items : {0, 1, 2, 12, 13, 1000}) {
        std::vector<int> visits(items);
        LAUNCH(ranges, 13, BLOCK, 0, 0, visits.data(), items);
        assert_launched();
        for (int v : visits) assert_int_equal(v, 1);
    }
}

// ---- barriers -------------------------------------------------------------------------------------

// Passes values round a ring, twice as many times as there are threads.
__global__ void ring(int *out) {
    SHARED_ARRAY(int, slots, BLOCK);
    const int thread = threadIdx.x, threads = blockDim.x;
    int value = thread;
    for (int round = 0; round < 2 * threads; ++round) {
        slots[thread] = value;
        __syncthreads();
        value = slots[(thread + 1) % threads];
        __syncthreads();
    }
    out[blockIdx.x * threads + thread] = value;
}

static void test_barriers_order_shared_memory(void **) {
    int *out = device_array<int>(3 * BLOCK);
    LAUNCH(ring, 3, BLOCK, 0, 0, out);
    assert_launched();
    for (int i = 0; i < 3 * BLOCK; ++i) assert_int_equal(out[i], i % BLOCK);
    cudaFree(out);
}

__global__ void barrier_votes(int *out) {
    const int thread = threadIdx.x;
    int wrong = 0;
    for (int round = 0; round < 5; ++round) {
        wrong |= __syncthreads_count(thread <= round) != min(round + 1, (int)blockDim.x);
        wrong |= __syncthreads_or(thread == round) != (round < (int)blockDim.x);
        wrong |= __syncthreads_and(thread != round) != (round >= (int)blockDim.x);
    }
    out[thread] = wrong;
}

static void test_barriers_that_vote(void **) {
    int *out = device_array<int>(BLOCK);
    LAUNCH(barrier_votes, 1, BLOCK, 0, 0, out);
    assert_launched();
    for (int i = 0; i < BLOCK; ++i) assert_int_equal(out[i], 0);
    cudaFree(out);
}

// ---- shuffles and votes ---------------------------------------------------------------------------

// out[lane][0..3]: the lane that each shuffle takes its value from.
__global__ void shuffles(int operand, int width, int *out) {
    const int lane = threadIdx.x;
    const unsigned int all = 0xffffffffu;
    out[lane * 4 + 0] = __shfl_sync(all, lane, operand, width);
    out[lane * 4 + 1] = __shfl_xor_sync(all, lane, operand, width);
    out[lane * 4 + 2] = __shfl_up_sync(all, lane, operand, width);
    out[lane * 4 + 3] = __shfl_down_sync(all, lane, operand, width);
}

static void test_shuffles_take_from_the_documented_lane(void **) {
    int *out = device_array<int>(WARP * 4);
    for (int width = 1; width <= WARP; width *= 2)
        for (int operand = 0; operand < 32; ++operand) {
            LAUNCH(shuffles, 1, WARP, 0, 0, operand, width, out);
            for (int lane = 0; lane < WARP; ++lane) {
                const int begin = lane / width * width, end = begin + width;
                const int up = lane - operand, down = lane + operand, other = lane ^ operand;
                assert_int_equal(out[lane * 4 + 0], begin + operand % width);
                assert_int_equal(out[lane * 4 + 1], other < end ? other : lane);
                assert_int_equal(out[lane * 4 + 2], up >= begin ? up : lane);
                assert_int_equal(out[lane * 4 + 3], down < end ? down : lane);
            }
        }
    assert_launched();
    cudaFree(out);
}

template <typename T>
__global__ void rotate(T *values) {
    const int lane = threadIdx.x;
    values[lane] = __shfl_sync(0xffffffffu, values[lane], (lane + 1) % WARP);
}

template <typename T>
static void check_rotation() {
    T *values = device_array<T>(WARP);
    for (int i = 0; i < WARP; ++i) values[i] = (T)(i + 0.5);
    LAUNCH(rotate<T>, 1, WARP, 0, 0, values);
    assert_launched();
    for (int i = 0; i < WARP; ++i) assert_true(values[i] == (T)((i + 1) % WARP + 0.5));
    cudaFree(values);
}

static void test_shuffles_of_every_size(void **) {
    check_rotation<unsigned short>();
    check_rotation<int>();
    check_rotation<float>();
    check_rotation<double>();
    check_rotation<unsigned long long>();
}

// ---- atomics --------------------------------------------------------------------------------------

struct Totals {
    int sum, most, least;
    unsigned int count;
    unsigned long long big;
    float real;
    int owner, turns;
};

__global__ void totals(Totals *t) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    atomicAdd(&t->sum, i);
    atomicAdd(&t->count, 1u);
    atomicAdd(&t->big, 1ull << 32);
    atomicAdd(&t->real, 1.0f);
    atomicMax(&t->most, i);
    atomicMin(&t->least, -i);
    atomicCAS(&t->owner, -1, i);
    if (atomicExch(&t->turns, i) == i) atomicAdd(&t->sum, 1000000);  // nobody else puts i there
}

static void test_atomics(void **) {
    const int blocks = 64, n = blocks * BLOCK;
    Totals *t = device_array<Totals>(1);
    *t = {0, -1, 1, 0, 0, 0, -1, -1};
    LAUNCH(totals, blocks, BLOCK, 0, 0, t);
    assert_launched();
    assert_int_equal(t->sum, n * (n - 1) / 2);
    assert_int_equal(t->count, n);
    assert_true(t->big == (unsigned long long)n << 32);
    assert_true(t->real == n);
    assert_int_equal(t->most, n - 1);
    assert_int_equal(t->least, 1 - n);
    assert_in_range(t->owner, 0, n - 1);
    assert_in_range(t->turns, 0, n - 1);
    cudaFree(t);
}

// Long enough for blocks to run at the same time: a load, a sum and a store instead would lose some.
__global__ void count_up(unsigned int *count, int times) {
    for (int i = 0; i < times; ++i) atomicAdd(count, 1u);
}

static void test_atomics_lose_nothing(void **) {
    const int blocks = 64, times = 5000000 / 64 / BLOCK;
    unsigned int *count = device_array<unsigned int>(1);
    *count = 0;
    LAUNCH(count_up, blocks, BLOCK, 0, 0, count, times);
    assert_launched();
    assert_int_equal(*count, blocks * BLOCK * times);
    cudaFree(count);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_block_runs_once),
        cmocka_unit_test(test_block_ranges_cover_the_items_once),
        cmocka_unit_test(test_barriers_order_shared_memory),
        cmocka_unit_test(test_barriers_that_vote),
        cmocka_unit_test(test_shuffles_take_from_the_documented_lane),
        cmocka_unit_test(test_shuffles_of_every_size),
        cmocka_unit_test(test_atomics),
        cmocka_unit_test(test_atomics_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
