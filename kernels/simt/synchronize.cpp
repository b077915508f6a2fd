// Faithful mode: how the threads of a block wait for each other.
#ifdef SIMT_FAITHFUL

#include "block.h"

namespace simt {

// ---- barriers -------------------------------------------------------------------------------------

static const char *name_of(Barrier barrier) {
    static const char *const names[] = {"__syncthreads", "__syncthreads_or", "__syncthreads_and",
                                        "__syncthreads_count"};
    return names[static_cast<int>(barrier)];
}

int Block::barrier(Barrier barrier, int predicate, Site site) {
    const char *name = name_of(barrier);
    if (!at_barrier.empty()) {
        const Thread &other = threads[at_barrier[0]];
        if (other.waits_at != name || !same(other.site, site))
            fault("%s at %s:%d, while %s: a barrier in code that only some threads reach", name,
                  site.file, site.line, describe(other).text);
    }
    arrive(name, 0, site);
    at_barrier.push_back(current);
    at_barrier_true += predicate != 0;
    last_barrier = barrier;
    complete_barrier();
    wait();
    return barrier_result;
}

// Since compute capability 7.0 a barrier does not wait for threads that have exited.  But the
// Programming Guide wants it reached by all threads of a block or by none, and a barrier that others
// have gone past is most often a mistake, so it is a fault here.
void Block::complete_barrier() {
    const size_t arrived = at_barrier.size();
    if (arrived == 0 || arrived < static_cast<size_t>(alive)) return;
    if (arrived < threads.size())
        fault("%d of %zu threads reach a barrier, the others have exited: %s", alive, threads.size(),
              describe(threads[at_barrier[0]]).text);
    barrier_result = last_barrier == Barrier::COUNT ? at_barrier_true
                     : last_barrier == Barrier::AND ? at_barrier_true == alive
                                                    : at_barrier_true > 0;
    ready.insert(ready.end(), at_barrier.begin(), at_barrier.end());
    at_barrier.clear();
    at_barrier_true = 0;
}

int block_barrier(Barrier barrier, int predicate, Site site) {
    return this_block().barrier(barrier, predicate, site);
}

// ---- warps ----------------------------------------------------------------------------------------

static const char *name_of(WarpOp op) {
    static const char *const names[] = {"__syncwarp", "a shuffle", "__ballot_sync", "__any_sync",
                                        "__all_sync"};
    return names[static_cast<int>(op)];
}

// The meeting of lanes that this one belongs to.
size_t Block::find_meeting(Warp &warp, WarpOp op, unsigned int mask) {
    size_t i = 0;
    while (i < warp.meetings.size() && (warp.meetings[i].op != op || warp.meetings[i].mask != mask))
        ++i;
    if (i == warp.meetings.size()) warp.meetings.push_back({op, mask, 0});
    return i;
}

uint64_t Block::warp_meet(WarpOp op, unsigned int mask, uint64_t value, int source, Site site) {
    Warp &warp = warps[current / 32];
    Lane &own = warp.lanes[lane()];
    const unsigned int bit = 1u << lane();
    if ((mask & bit) == 0)
        fault("%s at %s:%d: the mask 0x%08x lacks the lane that calls it, %d", name_of(op), site.file,
              site.line, mask, lane());
    own = {value, 0, source};
    arrive(name_of(op), mask, site);
    const size_t meeting = find_meeting(warp, op, mask);
    warp.meetings[meeting].arrived |= bit;
    if (complete_meeting(current / 32, warp.meetings[meeting]))
        warp.meetings.erase(warp.meetings.begin() + meeting);
    wait();
    return own.result;
}

static uint64_t result_of(WarpOp op, unsigned int arrived, unsigned int true_lanes) {
    switch (op) {
        case WarpOp::BALLOT:
            return true_lanes;
        case WarpOp::ANY:
            return true_lanes != 0;
        case WarpOp::ALL:
            return true_lanes == arrived;
        default:
            return 0;
    }
}

// If every lane of the mask that has not exited is there: lets them go on, with their results.
bool Block::complete_meeting(int number, const Meeting &meeting) {
    Warp &warp = warps[number];
    if ((meeting.mask & ~warp.exited & ~meeting.arrived) != 0) return false;
    unsigned int true_lanes = 0;
    for (int lane = 0; lane < 32; ++lane)
        if ((meeting.arrived >> lane & 1) != 0 && warp.lanes[lane].value != 0) true_lanes |= 1u << lane;
    const uint64_t common = result_of(meeting.op, meeting.arrived, true_lanes);
    for (int lane = 0; lane < 32; ++lane) {
        if ((meeting.arrived >> lane & 1) == 0) continue;
        Lane &own = warp.lanes[lane];
        // What a lane that takes no part would give is undefined.
        const bool defined = (meeting.arrived >> own.source & 1) != 0;
        own.result = meeting.op != WarpOp::SHUFFLE ? common
                     : defined                     ? warp.lanes[own.source].value
                                                   : ~0ull;
        ready.push_back(number * 32 + lane);
    }
    return true;
}

uint64_t warp_meet(WarpOp op, unsigned int mask, uint64_t value, int source, Site site) {
    return this_block().warp_meet(op, mask, value, source, site);
}

int lane() { return this_block().lane(); }

int segment_begin(int width, Site site) {
    if (width < 1 || width > 32 || (width & (width - 1)) != 0)
        this_block().fault("a shuffle at %s:%d: its width is %d, not a power of two up to 32",
                           site.file, site.line, width);
    return lane() & ~(width - 1);
}

}  // namespace simt

#endif
