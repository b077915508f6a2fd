// cuFFT on the CPU target: its conventions, capture, and what it refuses.
#include <cufft.h>
#include <math.h>

#include "simt_test.h"

// A plan of `batch` transforms of [height][width].
struct PlanOf {
    cufftHandle plan;
    PlanOf(int height, int width, int batch, cudaStream_t stream) {
        int size[2] = {height, width}, to[2] = {height, width / 2 + 1};
        size_t bytes;
        assert_int_equal(cufftCreate(&plan), CUFFT_SUCCESS);
        assert_int_equal(cufftSetAutoAllocation(plan, 0), CUFFT_SUCCESS);
        assert_int_equal(cufftMakePlanMany(plan, 2, size, size, 1, height * width, to, 1, to[0] * to[1],
                                           CUFFT_R2C, batch, &bytes),
                         CUFFT_SUCCESS);
        assert_int_equal(cufftSetStream(plan, stream), CUFFT_SUCCESS);
        assert_int_equal(bytes, 0);
        assert_int_equal(cufftSetWorkArea(plan, nullptr), CUFFT_SUCCESS);
    }
    ~PlanOf() { cufftDestroy(plan); }
};

static void assert_coefficient(cufftComplex v, double x, double y) {
    assert_true(fabs(v.x - x) < 1e-5 && fabs(v.y - y) < 1e-5);
}

// x[j] = cos(2 pi j / 5) has 5/2 at k = 1, a wave down the rows its sine in the imaginary part.
static void test_conventions(void **) {
    constexpr int H = 3, W = 5, HALF = W / 2 + 1;
    float *in = device_array<float>(2 * H * W);
    cufftComplex *out = device_array<cufftComplex>(2 * H * HALF);
    for (int i = 0; i < H * W; ++i) {
        in[i] = (float)cos(2 * M_PI * (i % W) / W);
        in[H * W + i] = (float)sin(2 * M_PI * (i / W) / H);
    }
    PlanOf plan(H, W, 2, nullptr);
    assert_int_equal(cufftExecR2C(plan.plan, in, out), CUFFT_SUCCESS);
    for (int i = 0; i < H * HALF; ++i) {
        assert_coefficient(out[i], i == 1 ? H * W / 2.0 : 0, 0);
        const double sine = i == HALF ? -H * W / 2.0 : i == 2 * HALF ? H * W / 2.0 : 0;
        assert_coefficient(out[H * HALF + i], 0, sine);
    }
    cudaFree(in);
    cudaFree(out);
}

static void test_capture(void **) {
    float *in = device_array<float>(4);
    cufftComplex *out = device_array<cufftComplex>(3);
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    cudaStreamCreate(&stream);
    PlanOf plan(1, 4, 1, stream);
    for (int i = 0; i < 3; ++i) out[i] = {7, 7};
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal);
    assert_int_equal(cufftExecR2C(plan.plan, in, out), CUFFT_SUCCESS);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    assert_coefficient(out[0], 7, 7);  // only recorded
    cudaGraphInstantiate(&exec, graph, 0);
    for (int replay = 1; replay <= 2; ++replay) {
        for (int i = 0; i < 4; ++i) in[i] = replay * i;
        assert_int_equal(cudaGraphLaunch(exec, stream), cudaSuccess);
        assert_coefficient(out[0], 6 * replay, 0);
        assert_coefficient(out[1], -2 * replay, 2 * replay);
        assert_coefficient(out[2], -2 * replay, 0);
    }
    cudaGraphExecDestroy(exec);
    cudaGraphDestroy(graph);
    cudaStreamDestroy(stream);
    cudaFree(in);
    cudaFree(out);
}

static void test_refusals(void **) {
    float *in = device_array<float>(16);
    cufftComplex *out = device_array<cufftComplex>(12);
    int size[2] = {4, 4}, small[2] = {4, 2};
    size_t bytes;
    cufftHandle plan;
    assert_int_equal(cufftExecR2C(12345, in, out), CUFFT_INVALID_PLAN);
    assert_int_equal(cufftDestroy(12345), CUFFT_INVALID_PLAN);
    cufftCreate(&plan);
    assert_int_equal(cufftExecR2C(plan, in, out), CUFFT_INVALID_PLAN);
    assert_int_equal(cufftMakePlanMany(plan, 2, size, size, 1, 16, small, 1, 12, CUFFT_R2C, 1, &bytes),
                     CUFFT_INVALID_SIZE);
    assert_int_equal(cufftMakePlanMany(plan, 2, size, size, 1, 16, size, 1, 12, CUFFT_C2C, 1, &bytes),
                     CUFFT_NOT_SUPPORTED);
    assert_int_equal(cufftMakePlanMany(plan, 2, size, size, 1, 16, size, 1, 16, CUFFT_R2C, 0, &bytes),
                     CUFFT_INVALID_VALUE);
    assert_int_equal(cufftDestroy(plan), CUFFT_SUCCESS);
    assert_int_equal(cufftDestroy(plan), CUFFT_INVALID_PLAN);
    cudaFree(in);
    cudaFree(out);
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conventions),
        cmocka_unit_test(test_capture),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
