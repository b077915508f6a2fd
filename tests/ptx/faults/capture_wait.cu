// The host waits for a stream that is being captured, which spoils the capture.
#include <cuda_runtime.h>

int main() {
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaStreamCreate(&stream);
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal);
    if (cudaStreamSynchronize(stream) != cudaErrorStreamCaptureUnsupported)  // finds: wrong_use host
        return 2;
    return cudaStreamEndCapture(stream, &graph) != cudaErrorStreamCaptureInvalidated;
}
