// Operands of asynchronous instructions.
#include "async_operands.h"

#include "../checks/findings.h"

AddressOperand take_address(Decoding &d, const Operand &o, int &at) {
    const int64_t imm = d.insn.imm;
    d.insn.imm = 0;
    d.read_address(o);
    AddressOperand address{at++, d.insn.wide_address, d.insn.imm};
    d.insn.imm = imm;
    return address;
}

void take_cache_hint(Decoding &d, size_t operand) {
    if (!d.take("L2::cache_hint")) return;
    d.read(d.operand(operand), Type::b64);
}

uint32_t shared_address(Warp &w, const Insn &insn, int lane, uint64_t address, bool generic) {
    if (!generic) return (uint32_t)address;
    if ((address & ~0xFFFF'FFFFull) == SHARED_WINDOW) return (uint32_t)address;
    finding(w, insn, lane, Check::bounds, "0x%llx is no address of shared memory",
            (unsigned long long)address);
    return 0;
}

Block *block_of(Warp &w, const Insn &insn, int lane, uint32_t address) {
    const uint32_t rank = address >> 24;
    if (rank == 0) return w.block;
    const Cluster &cluster = *w.block->cluster;
    if (rank <= cluster.blocks.size()) return cluster.blocks[rank - 1];
    finding(w, insn, lane, Check::bounds, "shared memory of block %u of a cluster of %zu", rank - 1,
            cluster.blocks.size());
    return nullptr;
}
