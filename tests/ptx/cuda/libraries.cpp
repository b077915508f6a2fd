// What libraries on the host may do with the device's memory and streams.
#include "libraries.h"

#include "../checks/findings.h"
#include "../memory/memory.h"
#include "api.h"

void kairos_ptx_enqueue(CUstream_st *stream, const char *what, const std::function<void()> &work) {
    API_GUARD;
    result(enqueue(stream, what, [work] {
        work();
        return cudaSuccess;
    }));
}

bool kairos_ptx_holds(const char *what, const char *does, const void *at, size_t bytes) {
    API_GUARD;
    if (bytes == 0 || device_holds(at, bytes)) return true;
    host_finding(Check::bounds, "%s %s %zu bytes at %p, which no allocation of the device has", what,
                 does, bytes, at);
    return false;
}

void kairos_ptx_wrote(void *at, size_t bytes) {
    API_GUARD;
    device_wrote(at, bytes);
}
