// What is said of accesses that go astray.
#include "../checks/findings.h"
#include "../checks/options.h"
#include "../machine/block.h"
#include "allocations.h"
#include "target.h"

namespace {

const char *name_of(Space space) {
    switch (space) {
        case Space::shared:
            return "shared";
        case Space::local:
            return "local";
        case Space::constant:
            return "constant";
        case Space::param:
            return "parameter";
        default:
            return "global";
    }
}

// The size of a space whose addresses begin at 0 (or, shared, at SHARED_BEGIN).
size_t size_of(const Block &block, Space space) {
    switch (space) {
        case Space::shared:
            return block.shared.size();
        case Space::local:
            return block.launch->program->local_bytes;
        default:
            return block.launch->params.size();
    }
}

}  // namespace

const char *verb_of(Access access) {
    switch (access) {
        case Access::load:
            return "reads";
        case Access::store:
            return "writes";
        default:
            return "atomically changes";
    }
}

void report_bounds(Warp &w, const Insn &insn, int lane, Space space, Access access, uint64_t address,
                   size_t bytes) {
    if (!checks().bounds) return;
    if (space == Space::global || space == Space::constant) {
        const Allocation *a = find_allocation(address);
        const bool freed = a != nullptr && !a->live;
        std::string where = describe_place(address);
        if (a != nullptr)
            where = std::to_string(a->end - address) + " bytes before the end of " +
                    (freed ? "a released allocation (" : "an allocation (") + a->what + ")";
        finding(w, insn, lane, freed ? Check::freed : Check::bounds,
                "%s %zu bytes of %s memory at 0x%llx: %s", verb_of(access), bytes, name_of(space),
                (unsigned long long)address, where.c_str());
        return;
    }
    long long offset = address;
    if (space == Space::shared) {
        const uint32_t rank = (uint32_t)address >> 24;
        if (rank > w.block->cluster->blocks.size()) {
            finding(w, insn, lane, Check::bounds,
                    "%s %zu bytes of shared memory of rank %u, in a cluster of %zu blocks",
                    verb_of(access), bytes, rank - 1, w.block->cluster->blocks.size());
            return;
        }
        offset = (long long)(address & SHARED_OFFSET) - SHARED_BEGIN;
    }
    finding(w, insn, lane, Check::bounds,
            "%s %zu bytes at offset %lld of %s memory, which has %zu bytes", verb_of(access), bytes,
            offset, name_of(space), size_of(*w.block, space));
}
