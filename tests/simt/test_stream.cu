// Streams, events, graph capture and replay, the device, and launches that CUDA refuses.
#include <string.h>
#include <unistd.h>

#include "simt_test.h"

__global__ void append(int *list, int value) {
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        list[0] += 1;
        list[list[0]] = value;
    }
}

__global__ void copy_value(int *to, const int *from) {
    if (blockIdx.x == 0 && threadIdx.x == 0) *to = *from;
}

static void assert_list(const int *list, int count, const int *expected) {
    assert_int_equal(list[0], count);
    assert_memory_equal(list + 1, expected, count * sizeof(int));
}

static void test_work_runs_in_order(void **) {
    int list[8] = {0};
    cudaStream_t stream;
    assert_int_equal(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    for (int i = 1; i <= 3; ++i) LAUNCH(append, 4, BLOCK, 0, stream, list, 10 * i);
    assert_int_equal(cudaStreamSynchronize(stream), cudaSuccess);
    const int expected[] = {10, 20, 30};
    assert_list(list, 3, expected);
    assert_int_equal(cudaStreamDestroy(stream), cudaSuccess);
    assert_int_equal(cudaStreamDestroy(NULL), cudaErrorInvalidResourceHandle);
    cudaGetLastError();
}

static cudaGraphExec_t capture(cudaStream_t stream, int *list, int *copy) {
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    int value = 5;
    assert_int_equal(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
    LAUNCH(append, 4, BLOCK, 0, stream, list, value);
    value = 6;  // arguments are those at the time of the launch
    LAUNCH(append, 1, BLOCK, 0, stream, list, value);
    assert_int_equal(cudaMemcpyAsync(copy, list, sizeof *copy, cudaMemcpyDeviceToDevice, stream), 0);
    assert_int_equal(cudaMemsetAsync(list, 0, sizeof *list, stream), cudaSuccess);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    assert_int_equal(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
    assert_int_equal(cudaGraphDestroy(graph), cudaSuccess);
    return exec;
}

static void test_capture_records_and_replay_runs(void **) {
    int list[8] = {0}, copy = -1;
    cudaStream_t stream;
    assert_int_equal(cudaStreamCreate(&stream), cudaSuccess);
    cudaGraphExec_t exec = capture(stream, list, &copy);
    assert_int_equal(list[0], 0);
    assert_int_equal(copy, -1);
    for (int replay = 0; replay < 3; ++replay) {
        list[0] = replay;
        list[1 + replay] = list[2 + replay] = 0;
        assert_int_equal(cudaGraphLaunch(exec, stream), cudaSuccess);
        assert_int_equal(cudaStreamSynchronize(stream), cudaSuccess);
        assert_int_equal(copy, replay + 2);
        assert_int_equal(list[0], 0);
        assert_int_equal(list[1 + replay], 5);
        assert_int_equal(list[2 + replay], 6);
    }
    assert_int_equal(cudaGraphExecDestroy(exec), cudaSuccess);
    assert_int_equal(cudaStreamDestroy(stream), cudaSuccess);
}

// A kernel in a graph reads what memory holds at the time of the replay.
static void test_replay_reads_memory_anew(void **) {
    int from = 1, to = 0;
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    cudaStreamCreate(&stream);
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);
    LAUNCH(copy_value, 1, BLOCK, 0, stream, &to, &from);
    cudaStreamEndCapture(stream, &graph);
    cudaGraphInstantiate(&exec, graph, 0);
    for (from = 1; from <= 3; ++from) {
        assert_int_equal(cudaGraphLaunch(exec, stream), cudaSuccess);
        assert_int_equal(to, from);
    }
    cudaGraphExecDestroy(exec);
    cudaGraphDestroy(graph);
    cudaStreamDestroy(stream);
}

static void test_waiting_spoils_a_capture(void **) {
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaStreamCaptureStatus status;
    cudaStreamCreate(&stream);
    assert_int_equal(cudaStreamBeginCapture(NULL, cudaStreamCaptureModeGlobal),
                     cudaErrorStreamCaptureUnsupported);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorIllegalState);
    assert_int_equal(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
    assert_int_equal(cudaStreamIsCapturing(stream, &status), cudaSuccess);
    assert_int_equal(status, cudaStreamCaptureStatusActive);
    assert_int_equal(cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
    assert_int_equal(cudaStreamIsCapturing(stream, &status), cudaSuccess);
    assert_int_equal(status, cudaStreamCaptureStatusInvalidated);
    assert_int_equal(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
    assert_null(graph);
    assert_int_equal(cudaStreamIsCapturing(stream, &status), cudaSuccess);
    assert_int_equal(status, cudaStreamCaptureStatusNone);
    cudaGetLastError();
    cudaStreamDestroy(stream);
}

static void test_events_measure_time(void **) {
    cudaEvent_t start, end, untimed;
    float milliseconds = -1;
    assert_int_equal(cudaEventCreate(&start), cudaSuccess);
    assert_int_equal(cudaEventCreate(&end), cudaSuccess);
    assert_int_equal(cudaEventCreateWithFlags(&untimed, cudaEventDisableTiming), cudaSuccess);
    assert_int_equal(cudaEventElapsedTime(&milliseconds, start, end), cudaErrorInvalidResourceHandle);
    assert_int_equal(cudaEventRecord(start), cudaSuccess);
    usleep(20000);
    assert_int_equal(cudaEventRecord(end), cudaSuccess);
    assert_int_equal(cudaEventRecord(untimed), cudaSuccess);
    assert_int_equal(cudaEventSynchronize(end), cudaSuccess);
    assert_int_equal(cudaEventElapsedTime(&milliseconds, start, end), cudaSuccess);
    assert_true(milliseconds >= 20 && milliseconds < 20000);
    assert_int_equal(cudaEventElapsedTime(&milliseconds, start, untimed),
                     cudaErrorInvalidResourceHandle);
    cudaGetLastError();
    cudaEventDestroy(start);
    cudaEventDestroy(end);
    cudaEventDestroy(untimed);
}

static void test_device(void **) {
    int count = 0, device = -1;
    cudaDeviceProp properties;
    assert_int_equal(cudaGetDeviceCount(&count), cudaSuccess);
    assert_int_equal(count, 1);
    assert_int_equal(cudaSetDevice(0), cudaSuccess);
    assert_int_equal(cudaGetDevice(&device), cudaSuccess);
    assert_int_equal(device, 0);
    assert_int_equal(cudaSetDevice(1), cudaErrorInvalidDevice);
    assert_int_equal(cudaGetDeviceProperties(&properties, -1), cudaErrorInvalidDevice);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidDevice);
    assert_int_equal(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
    assert_int_equal(properties.warpSize, WARP);
    assert_true(properties.multiProcessorCount >= 1);
    assert_true(properties.totalGlobalMem > 1 << 20);
    assert_non_null(strstr(properties.name, "simt fast"));
}

static void test_impossible_launches(void **) {
    int list[2] = {0};
    LAUNCH(append, 0, BLOCK, 0, 0, list, 1);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
    LAUNCH(append, 1, 0, 0, 0, list, 1);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
    LAUNCH(append, 1, 2, 0, 0, list, 1);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
    LAUNCH(append, dim3(1, 65536), BLOCK, 0, 0, list, 1);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidConfiguration);
    assert_int_equal(list[0], 0);
    assert_int_equal(cudaDeviceSynchronize(), cudaSuccess);
}

static void test_every_error_has_a_name(void **) {
    const cudaError_t errors[] = {cudaSuccess,
                                  cudaErrorInvalidValue,
                                  cudaErrorMemoryAllocation,
                                  cudaErrorInvalidConfiguration,
                                  cudaErrorInvalidDevice,
                                  cudaErrorIllegalState,
                                  cudaErrorInvalidResourceHandle,
                                  cudaErrorNotReady,
                                  cudaErrorLaunchFailure,
                                  cudaErrorStreamCaptureUnsupported,
                                  cudaErrorStreamCaptureInvalidated};
    for (cudaError_t error : errors) {
        assert_memory_equal(cudaGetErrorName(error), "cuda", 4);
        assert_string_not_equal(cudaGetErrorString(error), "unrecognized error code");
    }
    assert_string_equal(cudaGetErrorString((cudaError_t)12345), "unrecognized error code");
}

int main() {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_runs_in_order),
        cmocka_unit_test(test_capture_records_and_replay_runs),
        cmocka_unit_test(test_replay_reads_memory_anew),
        cmocka_unit_test(test_waiting_spoils_a_capture),
        cmocka_unit_test(test_events_measure_time),
        cmocka_unit_test(test_device),
        cmocka_unit_test(test_impossible_launches),
        cmocka_unit_test(test_every_error_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
