// The CPU target's stand-ins for CUDA's libraries put their work into streams. Where the PTX runner is
// the runtime these are its own, and its checks see what the work reads and writes.
#include "touches.h"

#include <cstring>

#include "../../../kernels/simt/stream.h"
#include "../cuda/libraries.h"

// What the work of the library's call that runs now will have written, and what it will have spoilt.
static thread_local std::vector<Range> written;
static thread_local Range spoilt;

bool touches(const char *what, const std::vector<Range> &reads, const std::vector<Range> &writes,
             Range workspace) {
    bool fine = kairos_ptx_holds(what, "has for workspace", workspace.at, workspace.bytes);
    for (const Range &r : reads) fine = kairos_ptx_holds(what, "reads", r.at, r.bytes) && fine;
    for (const Range &r : writes) fine = kairos_ptx_holds(what, "writes", r.at, r.bytes) && fine;
    written = writes;
    spoilt = workspace;
    return fine;
}

void simt::enqueue(cudaStream_t stream, std::function<void()> work) {
    kairos_ptx_enqueue(stream, "a library's call",
                       [work = std::move(work), ranges = written, workspace = spoilt] {
                           work();
                           for (const Range &r : ranges)
                               kairos_ptx_wrote(const_cast<void *>(r.at), r.bytes);
                           if (workspace.bytes == 0) return;
                           void *at = const_cast<void *>(workspace.at);
                           memset(at, 0xff, workspace.bytes);  // NaN
                           kairos_ptx_wrote(at, workspace.bytes);
                       });
}
