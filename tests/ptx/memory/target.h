// A piece of memory that one access lies in: an allocation, or a block's shared memory.
#pragma once

#include "memory.h"
#include "shadow.h"

struct Target {
    Space space = Space::global;  // global or shared
    Shadow *shadow = nullptr;
    unsigned char *memory = nullptr;  // of offset 0
    uint64_t base = 0;                // the address of offset 0, as messages have it
    uint64_t first = 0, size = 0;     // offsets from `first` to `size` may be touched
    bool holds(uint64_t offset, size_t bytes) const {
        return offset >= first && offset < size && bytes <= size - offset;
    }
};

// Where a global address lies, or a shared one; nothing if it is nowhere.
bool find_global(uint64_t address, Target &target);
bool find_shared(Block &block, uint32_t address, Target &target);
// The same for an address of shared, global or generic memory.  Of a generic one `space` and `address`
// become those of the space that it lies in.  offset: in the target.
bool find_target(Block &block, Space &space, uint64_t &address, Target &target, uint64_t &offset);
constexpr uint32_t SHARED_OFFSET = (1u << 24) - 1;  // of an address, the part within a block's window

// Reports that an access to these bytes is not sound: nothing is there, or not all of it.
void report_bounds(Warp &warp, const Insn &insn, int lane, Space space, Access access, uint64_t address,
                   size_t bytes);
const char *verb_of(Access access);

// Is a pending copy in the way of an access?  Then that is a finding.
void check_pending(Warp &warp, const Insn &insn, int lane, Access access, const Target &target,
                   uint64_t offset, size_t bytes);
// A block's shared memory comes to its end, with whatever is still pending there.
void forget_pending(const Shadow &shadow);
