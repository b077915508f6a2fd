// For libraries that run on the host in the place of CUDA's: work of a stream, and memory that they
// touch.
#pragma once

#include <cstddef>
#include <functional>

struct CUstream_st;

#pragma GCC visibility push(default)
extern "C" {
void kairos_ptx_enqueue(CUstream_st *stream, const char *what, const std::function<void()> &work);
// Is it within an allocation of the device?  If not, that is a finding.
bool kairos_ptx_holds(const char *what, const char *does, const void *at, size_t bytes);
void kairos_ptx_wrote(void *at, size_t bytes);
}
#pragma GCC visibility pop
