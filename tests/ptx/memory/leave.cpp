// Blocks of a cluster that end: their shared memory must not be touched by the others any more.
#include "../checks/findings.h"
#include "../checks/options.h"
#include "../machine/block.h"
#include "race.h"
#include "target.h"

namespace {

// Accesses of other blocks that none of the ending block's threads has synchronised with.
struct Leaving {
    Block &block;
    Times known;
    uint32_t good = 0, floor;  // good: a segment that was looked at

    void look(uint64_t c, bool wrote) {
        const uint32_t segment = cell::segment(c);
        if (segment < floor || segment == good) return;
        good = segment;
        const Agent agent = agent_of(segment), warps = block.warps.size();
        if (agent >= ASYNC_AGENTS || agent / warps == block.number || is_known(segment, known)) return;
        const Program &program = *block.launch->program;
        Warp *other = warp_of(agent / warps, agent % warps);
        if (other == nullptr || cell::insn(c) >= program.code.size()) return;
        finding(*other, program.code[cell::insn(c)], cell::lane(c), Check::race,
                "%s shared memory of block %d of the cluster, which may have ended by then",
                wrote ? "writes" : "reads", block.rank);
    }
    Warp *warp_of(uint64_t number, size_t index) const {
        for (Block *other : block.cluster->blocks)
            if (other->number == number) return other->warps[index].get();
        return nullptr;
    }
};

}  // namespace

void check_leaving_block(Block &block) {
    Target target;
    if (block.cluster->blocks.size() == 1 || !checks().race ||
        !find_shared(block, SHARED_BEGIN, target))
        return;
    Leaving leaving{block, {}, 0, target.shadow->floor};
    for (const auto &warp : block.warps) leaving.known.join(warp->clock.seen);
    for (size_t offset = 0; offset < target.size; offset += CHUNK_BYTES) {
        const Chunk &chunk = target.shadow->chunk(offset);
        if (chunk.writers == nullptr) continue;
        for (size_t i = 0; i < chunk.bytes / chunk.unit; ++i) {
            leaving.look(chunk.writers[i], true);
            leaving.look(chunk.readers[i], false);
        }
    }
}
