// Streams, events, stream capture and graphs.  Work runs when it is enqueued, so a stream is only
// the place where a capture is recorded.
#include "stream.h"

#include <chrono>
#include <memory>
#include <new>
#include <utility>
#include <vector>

using Work = std::vector<std::function<void()>>;

struct CUgraph_st {
    Work work;
};
struct CUgraphExec_st {
    Work work;
};
struct CUstream_st {
    std::unique_ptr<CUgraph_st> capture;  // null = not capturing
    bool invalidated = false;             // by a call that is not permitted in a capture
};
struct CUevent_st {
    std::chrono::steady_clock::time_point time;
    bool timed = true, recorded = false;
};

using simt::failed;

namespace simt {

bool capturing(cudaStream_t stream) { return stream != nullptr && stream->capture != nullptr; }

void enqueue(cudaStream_t stream, std::function<void()> work) {
    if (capturing(stream))
        stream->capture->work.push_back(std::move(work));
    else
        work();
}

}  // namespace simt

// Waiting for a stream in the middle of its capture is an error, which spoils the capture.
static cudaError_t refuse_in_capture(cudaStream_t stream) {
    if (!simt::capturing(stream)) return cudaSuccess;
    stream->invalidated = true;
    return failed(cudaErrorStreamCaptureUnsupported);
}

cudaError_t cudaStreamCreate(cudaStream_t *stream) { return cudaStreamCreateWithFlags(stream, 0); }

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned int flags) {
    if (stream == nullptr || flags > cudaStreamNonBlocking) return failed(cudaErrorInvalidValue);
    *stream = new (std::nothrow) CUstream_st();
    return *stream != nullptr ? cudaSuccess : failed(cudaErrorMemoryAllocation);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    if (stream == nullptr) return failed(cudaErrorInvalidResourceHandle);
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return refuse_in_capture(stream); }

cudaError_t cudaStreamQuery(cudaStream_t stream) { return cudaStreamSynchronize(stream); }

cudaError_t cudaDeviceSynchronize(void) { return cudaSuccess; }

// ---- events ---------------------------------------------------------------------------------------

cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, 0); }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags) {
    if (event == nullptr || flags > (cudaEventBlockingSync | cudaEventDisableTiming))
        return failed(cudaErrorInvalidValue);
    *event = new (std::nothrow) CUevent_st();
    if (*event == nullptr) return failed(cudaErrorMemoryAllocation);
    (*event)->timed = (flags & cudaEventDisableTiming) == 0;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    if (event == nullptr) return failed(cudaErrorInvalidResourceHandle);
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    if (event == nullptr) return failed(cudaErrorInvalidResourceHandle);
    simt::enqueue(stream, [event] {
        event->time = std::chrono::steady_clock::now();
        event->recorded = true;
    });
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    return event != nullptr ? cudaSuccess : failed(cudaErrorInvalidResourceHandle);
}

cudaError_t cudaEventQuery(cudaEvent_t event) { return cudaEventSynchronize(event); }

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end) {
    if (milliseconds == nullptr) return failed(cudaErrorInvalidValue);
    if (start == nullptr || end == nullptr) return failed(cudaErrorInvalidResourceHandle);
    if (!start->timed || !end->timed || !start->recorded || !end->recorded)
        return failed(cudaErrorInvalidResourceHandle);
    *milliseconds = std::chrono::duration<float, std::milli>(end->time - start->time).count();
    return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t event, unsigned int flags) {
    if (event == nullptr) return failed(cudaErrorInvalidResourceHandle);
    return flags == 0 ? cudaSuccess : failed(cudaErrorInvalidValue);
}

// ---- capture and graphs ---------------------------------------------------------------------------

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    if (stream == nullptr) return failed(cudaErrorStreamCaptureUnsupported);
    if (simt::capturing(stream)) return failed(cudaErrorIllegalState);
    stream->capture.reset(new (std::nothrow) CUgraph_st());
    stream->invalidated = false;
    return stream->capture != nullptr ? cudaSuccess : failed(cudaErrorMemoryAllocation);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    if (graph == nullptr) return failed(cudaErrorInvalidValue);
    *graph = nullptr;
    if (!simt::capturing(stream)) return failed(cudaErrorIllegalState);
    std::unique_ptr<CUgraph_st> captured = std::move(stream->capture);
    if (stream->invalidated) return failed(cudaErrorStreamCaptureInvalidated);
    *graph = captured.release();
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status) {
    if (status == nullptr) return failed(cudaErrorInvalidValue);
    *status = !simt::capturing(stream) ? cudaStreamCaptureStatusNone
              : stream->invalidated    ? cudaStreamCaptureStatusInvalidated
                                       : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags) {
    if (exec == nullptr || graph == nullptr || flags != 0) return failed(cudaErrorInvalidValue);
    *exec = new (std::nothrow) CUgraphExec_st{graph->work};
    return *exec != nullptr ? cudaSuccess : failed(cudaErrorMemoryAllocation);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    if (exec == nullptr) return failed(cudaErrorInvalidValue);
    for (const std::function<void()> &work : exec->work) simt::enqueue(stream, work);
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    if (exec == nullptr) return failed(cudaErrorInvalidValue);
    delete exec;
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    if (graph == nullptr) return failed(cudaErrorInvalidValue);
    delete graph;
    return cudaSuccess;
}
