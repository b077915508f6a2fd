// The state of mbarriers: arrivals and bytes that are pending, phases, and what each phase hands on.
#include <algorithm>
#include <cstring>

#include "../memory/race.h"
#include "async_operands.h"

namespace {

constexpr int64_t LIMIT = (1 << 20) - 1;  // of arrivals and of bytes, either way

unsigned char *place(Block &block, uint32_t offset) {
    return block.shared.data() + (offset - SHARED_BEGIN);
}

// If somebody else wrote to the mbarrier, its 8 bytes in memory show it.
void show(Block &block, uint32_t offset, MBarrier &m) {
    m.image = ((uint64_t)m.phase << 40 | (uint64_t)m.pending << 20 | ((uint64_t)m.bytes & LIMIT)) ^
              0x6D62'6172'7269'6572ull;
    std::memcpy(place(block, offset), &m.image, sizeof m.image);
}

// A phase is over when nothing is pending.
void settle(const Site &site, Block &block, uint32_t offset, MBarrier &m) {
    if (m.pending == 0 && m.bytes < 0)
        site.report(Check::asynchronous, "more bytes were copied than the mbarrier's phase expects");
    if (m.pending == 0 && m.bytes == 0) {
        ++m.phase;
        m.pending = m.expected;
        m.completed.join(m.arriving);
        m.arriving.clear();
        note_progress();
    }
    show(block, offset, m);
}

}  // namespace

void Site::report(Check check, const char *what) const {
    finding(*warp, *insn, lane, check, "%s", what);
}

Agent new_async_agent() {
    static Agent agents = 0;
    return ASYNC_AGENTS + agents++ % ASYNC_AGENTS;
}

BlockAsync &block_async(Block &block) {
    if (block.async == nullptr) block.async = std::make_shared<BlockAsync>();
    return *block.async;
}

void mbarrier_init(const Site &site, Block &block, uint32_t offset, uint32_t count) {
    MBarrier &m = block_async(block).mbarriers[offset];
    if (m.live && std::memcmp(place(block, offset), &m.image, sizeof m.image) == 0)
        site.report(Check::wrong_use,
                    "initialises an mbarrier that is valid already (mbarrier.inval comes before)");
    if (count == 0 || count > LIMIT)
        site.report(Check::wrong_use, "an mbarrier's count is from 1 to 2^20 - 1");
    m = MBarrier();
    m.live = true;
    m.expected = m.pending = count;
    m.agent = new_async_agent();
    m.initialiser = site.warp->clock.agent, m.initialised = site.warp->clock.now;
    show(block, offset, m);
}

void mbarrier_invalidate(const Site &site, Block &block, uint32_t offset) {
    if (MBarrier *m = live_mbarrier(site, block, offset)) m->live = false;
}

MBarrier *live_mbarrier(const Site &site, Block &block, uint32_t offset) {
    auto &all = block_async(block).mbarriers;
    const auto it = all.find(offset);
    if (it == all.end() || !it->second.live) {
        site.report(Check::wrong_use, it == all.end() ? "uses an mbarrier that was never initialised"
                                                      : "uses an mbarrier after mbarrier.inval");
        return nullptr;
    }
    MBarrier &m = it->second;
    if (std::memcmp(place(block, offset), &m.image, sizeof m.image) != 0) {
        site.report(Check::wrong_use, "uses an mbarrier whose memory was overwritten");
        show(block, offset, m);
    }
    return &m;
}

void mbarrier_arrive(const Site &site, Block &block, uint32_t offset, uint32_t count) {
    MBarrier *m = live_mbarrier(site, block, offset);
    if (m == nullptr) return;
    if (count > m->pending)
        site.report(Check::wrong_use, "arrives at an mbarrier more often than its phase expects");
    m->pending -= std::min(count, m->pending);
    settle(site, block, offset, *m);
}

void mbarrier_add_pending(const Site &site, Block &block, uint32_t offset) {
    MBarrier *m = live_mbarrier(site, block, offset);
    if (m == nullptr) return;
    if (m->pending >= LIMIT) site.report(Check::wrong_use, "an mbarrier's pending count overflows");
    ++m->pending;
    show(block, offset, *m);
}

void mbarrier_drop(const Site &site, Block &block, uint32_t offset, uint32_t count) {
    MBarrier *m = live_mbarrier(site, block, offset);
    if (m == nullptr) return;
    if (count > m->expected)
        site.report(Check::wrong_use, "drops more arrivals than an mbarrier expects");
    m->expected -= std::min(count, m->expected);
}

void mbarrier_expect(const Site &site, Block &block, uint32_t offset, int64_t bytes) {
    MBarrier *m = live_mbarrier(site, block, offset);
    if (m == nullptr) return;
    m->bytes += bytes;
    if (m->bytes > LIMIT) site.report(Check::wrong_use, "an mbarrier's tx-count is over 2^20 - 1");
    settle(site, block, offset, *m);
}

void mbarrier_complete(const Site &site, Block &block, uint32_t offset, int64_t bytes,
                       const std::vector<int> &handles) {
    MBarrier *m = live_mbarrier(site, block, offset);
    if (m == nullptr) {
        for (int handle : handles) end_async_signalled(handle, ASYNC_AGENTS, 1);
        return;
    }
    const uint32_t time = m->phase + 1;
    for (int handle : handles) end_async_signalled(handle, m->agent, time);
    m->arriving.raise_proxy(m->agent, time);
    m->told_at = time, m->told_by = site;
    m->bytes -= bytes;
    if (m->bytes < -LIMIT) site.report(Check::wrong_use, "an mbarrier's tx-count is under -(2^20 - 1)");
    settle(site, block, offset, *m);
}
