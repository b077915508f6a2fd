// Asynchronous copies that are pending: what they read and write must not be touched.
#include <vector>

#include "../checks/findings.h"
#include "../checks/options.h"
#include "../machine/block.h"
#include "race.h"
#include "target.h"

namespace {

struct Pending {
    Shadow *shadow = nullptr;  // null: free
    size_t offset = 0, bytes = 0;
    bool writes = false;
    bool proxy = true;  // of the asynchronous proxy
    bool reduces = false;
    const Insn *insn = nullptr;
    uint32_t index = 0;  // of the instruction
    int lane = 0;
};
std::vector<Pending> table;
std::vector<int> unused;

const Pending *find(const Shadow &shadow, size_t offset, size_t bytes, bool writes) {
    for (const Pending &p : table)
        if (p.shadow == &shadow && p.writes == writes && offset < p.offset + p.bytes &&
            p.offset < offset + bytes)
            return &p;
    return nullptr;
}

void release(int handle) {
    Pending &p = table[handle];
    p.shadow->hold(p.offset, p.bytes, p.writes, -1);
    p.shadow = nullptr;
    unused.push_back(handle);
}

void end(int handle, uint32_t segment, int lane) {
    if (handle < 0) return;
    Pending &p = table[handle];
    if (p.shadow == nullptr) return;
    if (p.writes) p.shadow->mark_valid(p.offset, p.bytes);
    if (checks().race)
        remember_copy(*p.shadow, p.offset, p.bytes, p.writes,
                      (uint64_t)segment << cell::SEGMENT_SHIFT | (uint64_t)lane << cell::LANE_SHIFT |
                          (p.proxy ? cell::PROXY : 0) | (p.reduces ? cell::STRONG : 0) | p.index);
    release(handle);
}

}  // namespace

int begin_async(Warp &warp, const Insn &insn, int lane, Space space, uint64_t address, size_t bytes,
                bool writes, bool async_proxy, bool reduces) {
    if (!checks().async || bytes == 0) return -1;
    Target target;
    uint64_t offset;
    if (!find_target(*warp.block, space, address, target, offset) || !target.holds(offset, bytes))
        return -1;
    if (unused.empty()) {
        unused.push_back(table.size());
        table.emplace_back();
    }
    const int handle = unused.back();
    unused.pop_back();
    const uint32_t index = std::min<uint64_t>(&insn - warp.program->code.data(), cell::INSN);
    table[handle] = {target.shadow, offset, bytes, writes, async_proxy, reduces, &insn, index, lane};
    target.shadow->hold(offset, bytes, writes, 1);
    return handle;
}

void end_async(int handle, const WarpClock &by, int lane) {
    end(handle, by.segment != 0 ? by.segment : segment_of(by.agent, by.now), lane);
}

void end_async_signalled(int handle, Agent agent, uint32_t time) {
    end(handle, segment_of(agent, time), 0);
}

void check_pending(Warp &warp, const Insn &insn, int lane, Access access, const Target &target,
                   uint64_t offset, size_t bytes) {
    const Shadow &s = *target.shadow;
    const bool is_target = s.targets > 0 && s.held(offset, bytes, true);
    const bool is_source =
        !is_target && access != Access::load && s.sources > 0 && s.held(offset, bytes, false);
    if (!is_target && !is_source) return;
    const Pending *p = find(s, offset, bytes, is_target);
    if (p == nullptr || (p->reduces && access == Access::atomic)) return;
    const std::string place = place_of(*warp.program, *p->insn);
    finding(warp, insn, lane, Check::asynchronous,
            "%s %s memory at 0x%llx, which an asynchronous copy (%s%sPTX line %d) %s: nobody has "
            "waited for it yet",
            verb_of(access), target.space == Space::shared ? "shared" : "global",
            (unsigned long long)(target.base + offset), place.c_str(), place.empty() ? "" : ", ",
            p->insn->line, is_target ? "writes" : "reads");
}

void forget_pending(const Shadow &shadow) {
    if (shadow.targets == 0 && shadow.sources == 0) return;
    for (size_t k = 0; k < table.size(); ++k)
        if (table[k].shadow == &shadow) release(k);
}

void forget_all_pending() {
    for (size_t k = 0; k < table.size(); ++k)
        if (table[k].shadow != nullptr) release(k);
}
