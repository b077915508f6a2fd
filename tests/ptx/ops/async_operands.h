// Operands of asynchronous instructions: several addresses, the state spaces of their modifiers.
#pragma once

#include "../decode/decode.h"
#include "../memory/target.h"
#include "async_state.h"

// [base + offset], where an instruction has more than one of them.
struct AddressOperand {
    int at = -1;        // index in Insn::ops; -1: the instruction has none
    bool wide = false;  // the base has 64 bits
    int64_t offset = 0;

    uint64_t of(const Warp &w, const Insn &insn, int lane) const {
        const int32_t op = insn.ops[at];
        return (wide ? w.at<uint64_t>(op)[lane] : w.at<uint32_t>(op)[lane]) + offset;
    }
};

// Reads the next address; `at` is the number of entries that Insn::ops has already, and grows.
AddressOperand take_address(Decoding &d, const Operand &o, int &at);
// A cache policy, which changes no result: the last operand if `.L2::cache_hint` is there.
void take_cache_hint(Decoding &d, size_t operand);

// A shared address of 32 bits (memory.h) from one of the instruction's space; generic ones must lie in
// the window of shared memory.  0 (a finding) if it is no shared address.
uint32_t shared_address(Warp &w, const Insn &insn, int lane, uint64_t address, bool generic);
// The block of the cluster that a shared address lies in; nullptr (a finding) if there is none.
Block *block_of(Warp &w, const Insn &insn, int lane, uint32_t address);
// Checks that the executing lanes access the 8 bytes of an mbarrier; the addresses, and the lanes whose
// is one of shared memory.
Mask mbarrier_access(Warp &w, const Insn &insn, const AddressOperand &operand, bool generic,
                     Access access, uint32_t address[LANES]);

// Calls `what(base)` with (rank + 1) << 24 for each block of a multicast's mask.
template <class F>
void for_each_block(const Site &site, uint32_t mask, F what) {
    const size_t blocks = site.warp->block->cluster->blocks.size();
    if (mask >> blocks != 0)
        site.report(Check::wrong_use, "a multicast's mask names blocks that the cluster has not");
    for (uint32_t rank = 0; rank < blocks; ++rank)
        if (mask >> rank & 1) what((rank + 1) << 24);
}

// Starts a transfer that is told to the mbarrier at `barrier`, which must lie in the block of `target`,
// or one of its thread's bulk group.
void start_signalled(const std::shared_ptr<Transfer> &transfer, uint32_t barrier, uint32_t target);
void start_grouped(const std::shared_ptr<Transfer> &transfer);
// Adds the transfer to the bulk group of another lane.
void join_group(const std::shared_ptr<Transfer> &transfer, int lane);

// Makes what a decoder tells its handler: insn.extra.
template <class T>
T *keep(Decoding &d) {
    T *kept = d.keep(T{});
    d.insn.extra = kept;
    return kept;
}
