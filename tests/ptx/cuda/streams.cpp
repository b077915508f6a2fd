// Streams and events.  Work is done at once, in the order of the calls, which is one of the orders that
// a program allows.
#include "streams.h"

#include <algorithm>
#include <memory>
#include <set>

#include "../checks/findings.h"
#include "../machine/block.h"

namespace {

// They are never destroyed, for programs may end with streams open.
struct Streams {
    CUstream_st legacy, per_thread;
    std::set<CUstream_st *> live;
    std::set<CUevent_st *> events;
    unsigned long long next_id = 3;
    uint64_t operations = 0;
};

Streams &streams() {
    static auto *all = [] {
        auto *s = new Streams;
        s->legacy.id = 1, s->per_thread.id = 2;
        return s;
    }();
    return *all;
}

// Between two operations a GPU takes some microseconds, whatever they do.
constexpr uint64_t NANOSECONDS_OF_OPERATION = 2000;

CUevent_st *find_event(cudaEvent_t event, const char *what) {
    if (streams().events.contains(event)) return event;
    host_finding(Check::wrong_use, "%s: the event does not exist (any more)", what);
    return nullptr;
}

void leave_capture(CUgraph_st &graph) {
    for (CUstream_st *s : graph.streams) s->capture = nullptr;
    graph.streams.clear();
}

}  // namespace

CUstream_st *find_stream(cudaStream_t stream, const char *what) {
    if (stream == nullptr || stream == cudaStreamLegacy) return &streams().legacy;
    if (stream == cudaStreamPerThread) return &streams().per_thread;
    if (streams().live.contains(stream)) return stream;
    host_finding(Check::wrong_use, "%s: the stream does not exist (any more)", what);
    return nullptr;
}

uint64_t device_time() { return scheduler_now() + streams().operations * NANOSECONDS_OF_OPERATION; }

cudaError_t enqueue(cudaStream_t stream, const char *what, std::function<cudaError_t()> work) {
    CUstream_st *s = find_stream(stream, what);
    if (s == nullptr) return cudaErrorInvalidResourceHandle;
    if (s->capture != nullptr) {
        s->capture->nodes.push_back({what, std::move(work)});
        return cudaSuccess;
    }
    if (device_status() != cudaSuccess) return device_status();
    ++streams().operations;
    return work();
}

cudaError_t refuse_while_capturing(cudaStream_t stream, const char *what) {
    CUstream_st *s = find_stream(stream, what);
    if (s == nullptr) return cudaErrorInvalidResourceHandle;
    if (s->capture == nullptr) return device_status();
    s->capture->invalid = true;
    host_finding(Check::wrong_use, "%s: the stream is being captured", what);
    return cudaErrorStreamCaptureUnsupported;
}

// ---- streams ----

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority) {
    API_GUARD;
    if (stream == nullptr || flags > cudaStreamNonBlocking) return result(cudaErrorInvalidValue);
    *stream = new CUstream_st;
    (*stream)->id = streams().next_id++, (*stream)->flags = flags, (*stream)->priority = priority;
    streams().live.insert(*stream);
    return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t *stream) {
    return cudaStreamCreateWithPriority(stream, 0, 0);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
    return cudaStreamCreateWithPriority(stream, flags, 0);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    API_GUARD;
    CUstream_st *s = find_stream(stream, "cudaStreamDestroy");
    if (s == nullptr || s == &streams().legacy || s == &streams().per_thread)
        return result(cudaErrorInvalidResourceHandle);
    if (s->capture != nullptr) {
        s->capture->invalid = true;
        std::erase(s->capture->streams, s);
    }
    streams().live.erase(s);
    delete s;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    API_GUARD;
    return result(refuse_while_capturing(stream, "cudaStreamSynchronize"));
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
    API_GUARD;
    return result(refuse_while_capturing(stream, "cudaStreamQuery"));
}

cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned *flags) {
    API_GUARD;
    const CUstream_st *s = find_stream(stream, "cudaStreamGetFlags");
    if (s == nullptr) return result(cudaErrorInvalidResourceHandle);
    *flags = s->flags;
    return cudaSuccess;
}

cudaError_t cudaStreamGetPriority(cudaStream_t stream, int *priority) {
    API_GUARD;
    const CUstream_st *s = find_stream(stream, "cudaStreamGetPriority");
    if (s == nullptr) return result(cudaErrorInvalidResourceHandle);
    *priority = s->priority;
    return cudaSuccess;
}

cudaError_t cudaStreamGetId(cudaStream_t stream, unsigned long long *id) {
    API_GUARD;
    const CUstream_st *s = find_stream(stream, "cudaStreamGetId");
    if (s == nullptr) return result(cudaErrorInvalidResourceHandle);
    *id = s->id;
    return cudaSuccess;
}

cudaError_t cudaStreamGetDevice(cudaStream_t, int *device) {
    *device = 0;
    return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void *data) {
    API_GUARD;
    return result(enqueue(stream, "cudaLaunchHostFunc", [=] {
        function(data);
        return cudaSuccess;
    }));
}

cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t function, void *data,
                                  unsigned) {
    API_GUARD;
    if (const cudaError_t error = refuse_while_capturing(stream, "cudaStreamAddCallback");
        error != cudaSuccess)
        return result(error);
    function(stream, device_status(), data);
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
    API_GUARD;
    return result(device_status());
}

// ---- events ----

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
    API_GUARD;
    if (event == nullptr) return result(cudaErrorInvalidValue);
    *event = new CUevent_st;
    (*event)->timed = (flags & cudaEventDisableTiming) == 0;
    streams().events.insert(*event);
    return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *event) {
    return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
    API_GUARD;
    if (find_event(event, "cudaEventDestroy") == nullptr) return result(cudaErrorInvalidResourceHandle);
    streams().events.erase(event);
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
    API_GUARD;
    CUevent_st *e = find_event(event, "cudaEventRecord");
    const CUstream_st *s = find_stream(stream, "cudaEventRecord");
    if (e == nullptr || s == nullptr) return result(cudaErrorInvalidResourceHandle);
    e->capture = s->capture;
    if (s->capture != nullptr) return cudaSuccess;
    return result(enqueue(stream, "cudaEventRecord", [e] {
        e->recorded = true, e->time = device_time();
        return cudaSuccess;
    }));
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    return cudaEventRecordWithFlags(event, stream, 0);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    API_GUARD;
    const CUevent_st *e = find_event(event, "cudaEventSynchronize");
    if (e == nullptr) return result(cudaErrorInvalidResourceHandle);
    return result(e->capture != nullptr ? cudaErrorCapturedEvent : device_status());
}

cudaError_t cudaEventQuery(cudaEvent_t event) { return cudaEventSynchronize(event); }

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end) {
    API_GUARD;
    const CUevent_st *s = find_event(start, "cudaEventElapsedTime"),
                     *e = find_event(end, "cudaEventElapsedTime");
    if (s == nullptr || e == nullptr || !s->timed || !e->timed || !s->recorded || !e->recorded)
        return result(cudaErrorInvalidResourceHandle);
    *milliseconds = (float)((double)((int64_t)e->time - (int64_t)s->time) * 1e-6);
    return cudaSuccess;
}

// A stream that waits for an event of a captured one is captured with it.
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    API_GUARD;
    const CUevent_st *e = find_event(event, "cudaStreamWaitEvent");
    CUstream_st *s = find_stream(stream, "cudaStreamWaitEvent");
    if (e == nullptr || s == nullptr) return result(cudaErrorInvalidResourceHandle);
    if (e->capture == s->capture) return cudaSuccess;
    if (e->capture == nullptr)
        return result(e->recorded ? cudaErrorStreamCaptureIsolation : cudaSuccess);
    if (s->capture != nullptr) return result(cudaErrorStreamCaptureMerge);
    if (e->capture->streams.empty()) return result(cudaErrorCapturedEvent);
    s->capture = e->capture;
    e->capture->streams.push_back(s);
    return cudaSuccess;
}

// ---- capture ----

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode) {
    API_GUARD;
    CUstream_st *s = find_stream(stream, "cudaStreamBeginCapture");
    if (s == nullptr) return result(cudaErrorInvalidResourceHandle);
    if (s == &streams().legacy) return result(cudaErrorStreamCaptureUnsupported);
    if (s->capture != nullptr) return result(cudaErrorIllegalState);
    s->capture = new CUgraph_st;
    s->capture->streams.push_back(s);
    return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
    API_GUARD;
    CUstream_st *s = find_stream(stream, "cudaStreamEndCapture");
    if (s == nullptr) return result(cudaErrorInvalidResourceHandle);
    *graph = nullptr;
    if (s->capture == nullptr) return result(cudaErrorIllegalState);
    CUgraph_st *captured = s->capture;
    if (captured->streams.front() != s) return result(cudaErrorStreamCaptureUnmatched);
    leave_capture(*captured);
    if (captured->invalid) {  // kept, for events may name it
        captured->nodes.clear();
        return result(cudaErrorStreamCaptureInvalidated);
    }
    *graph = captured;
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status) {
    API_GUARD;
    const CUstream_st *s = find_stream(stream, "cudaStreamIsCapturing");
    if (s == nullptr) return result(cudaErrorInvalidResourceHandle);
    *status = s->capture == nullptr ? cudaStreamCaptureStatusNone
              : s->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                    : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode *mode) {
    static thread_local enum cudaStreamCaptureMode mine = cudaStreamCaptureModeGlobal;
    std::swap(*mode, mine);
    return cudaSuccess;
}
