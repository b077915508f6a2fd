// What the device can do: of a GPU (compute capability 9.0) in faithful mode, of one thread in fast
// mode.
#pragma once

#include <stddef.h>

namespace simt {

#ifdef SIMT_FAITHFUL
constexpr const char *MODE = "faithful";
constexpr int WARP_SIZE = 32, BLOCK_THREADS_MOST = 1024;
#else
constexpr const char *MODE = "fast";
constexpr int WARP_SIZE = 1, BLOCK_THREADS_MOST = 1;
#endif
constexpr size_t SHARED_BYTES = 48 << 10;        // of a block
constexpr size_t SHARED_BYTES_MOST = 227 << 10;  // with cudaFuncSetAttribute
constexpr unsigned int GRID_YZ_MOST = 65535;
constexpr unsigned int GRID_X_MOST = 2147483647;

}  // namespace simt
