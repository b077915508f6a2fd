// What the device can do.
#pragma once

#include <stddef.h>

namespace simt {

constexpr int WARP_SIZE = 1, BLOCK_THREADS_MOST = 1;
constexpr size_t SHARED_BYTES = 48 << 10;        // of a block
constexpr size_t SHARED_BYTES_MOST = 227 << 10;  // with cudaFuncSetAttribute
constexpr unsigned int GRID_YZ_MOST = 65535;
constexpr unsigned int GRID_X_MOST = 2147483647;

}  // namespace simt
