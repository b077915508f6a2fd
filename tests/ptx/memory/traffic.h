// The counters of memory: what an access costs a GPU, and the least that it could cost.
#pragma once

#include "../machine/program.h"

// Sectors of 32 bytes that a warp's access to global memory touches.
void count_sectors(const Insn &insn, const uint64_t address[LANES], Mask lanes, int bytes);
// Passes through shared memory: 32 banks of 4 bytes each; accesses of 8 and 16 bytes go by half and
// quarter warps.
void count_wavefronts(const Insn &insn, const uint64_t address[LANES], Mask lanes, int bytes);
// A copy of one range.
void count_range(const Insn &insn, uint64_t address, size_t bytes, bool global);
