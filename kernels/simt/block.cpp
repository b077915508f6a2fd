// Faithful mode: how the threads of a block take turns.
#ifdef SIMT_FAITHFUL

#include "block.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

__thread uint3 threadIdx;
__thread dim3 blockDim;

namespace simt {

Block &this_block() {
    static thread_local Block block;
    return block;
}

Block::Block() : pool(run_threads, this) {}

// ---- taking turns ---------------------------------------------------------------------------------

void Block::begin(const Launch &of, const std::function<void()> &run_thread) {
    launch = of;
    thread = &run_thread;
    const dim3 size = launch.block;
    blockDim = size;
    threads.clear();
    for (unsigned int z = 0; z < size.z; ++z)
        for (unsigned int y = 0; y < size.y; ++y)
            for (unsigned int x = 0; x < size.x; ++x)
                threads.push_back({{x, y, z}, nullptr, nullptr, 0, {}});
    warps.assign((threads.size() + 31) / 32, Warp());
    dynamic_shared = shared.dynamic(launch.shared_bytes);
}

void Block::end() { shared.clear(); }

void Block::start_threads(unsigned long long seed) {
    ready.clear();
    for (size_t i = 0; i < threads.size(); ++i) {
        threads[i].fiber = nullptr;
        threads[i].waits_at = nullptr;
        ready.push_back(static_cast<int>(i));
    }
    for (Warp &warp : warps) {
        warp.exited = 0;
        warp.meetings.clear();
    }
    if (threads.size() % 32 != 0) warps.back().exited = ~0u << threads.size() % 32;
    alive = static_cast<int>(threads.size());
    at_barrier.clear();
    at_barrier_true = 0;
    failed = false;
    random = seed;
}

bool Block::run(uint3 index, unsigned long long seed) {
    blockIdx = index;
    shared.renew();
    start_threads(seed);
    draw();
    go_on(*fiber_of_current());
    if (failed) pool.reset();
    return !failed && check_shared();
}

// Makes one of the threads that can go on the current one.  False if there is none.
bool Block::draw() {
    if (ready.empty()) return false;
    // Knuth's 64-bit linear congruential generator; its high bits are good.
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    const size_t drawn = (random >> 32) * ready.size() >> 32;
    current = ready[drawn];
    ready[drawn] = ready.back();
    ready.pop_back();
    return true;
}

Fiber *Block::fiber_of_current() {
    if (threads[current].fiber == nullptr) threads[current].fiber = pool.take();
    return threads[current].fiber;
}

void Block::go_on(Fiber &to) {
    Fiber &from = *running;
    if (&from == &to) return;
    running = &to;
    switch_fiber(from, to);
}

void Block::run_threads(void *block) { static_cast<Block *>(block)->thread_loop(); }

// A fiber runs one thread after another, so threads that never wait need no switch.
void Block::thread_loop() {
    for (;;) {
        Fiber *self = running;
        threadIdx = threads[current].index;
        (*thread)();
        exit_thread();
        if (alive > 0 && !draw()) fault_deadlock();
        if (alive > 0 && threads[current].fiber == nullptr) {
            threads[current].fiber = self;
            continue;
        }
        pool.give(self);
        go_on(alive > 0 ? *threads[current].fiber : main);
    }
}

void Block::exit_thread() {
    threads[current].fiber = nullptr;
    --alive;
    Warp &warp = warps[current / 32];
    warp.exited |= 1u << lane();
    // Exited threads are waited for no longer.
    for (size_t i = warp.meetings.size(); i-- > 0;)
        if (complete_meeting(current / 32, warp.meetings[i])) {
            warp.meetings[i] = warp.meetings.back();
            warp.meetings.pop_back();
        }
    complete_barrier();
}

// Lets the others run until what the current thread waits for has happened.
void Block::wait(const char *function, unsigned int mask, Site site) {
    const int self = current;
    Thread &state = threads[self];
    state.waits_at = function;
    state.mask = mask;
    state.site = site;
    if (!draw()) fault_deadlock();
    go_on(*fiber_of_current());
    state.waits_at = nullptr;
    threadIdx = state.index;
}

// ---- barriers -------------------------------------------------------------------------------------

static const char *name_of(Barrier barrier) {
    static const char *const names[] = {"__syncthreads", "__syncthreads_or", "__syncthreads_and",
                                        "__syncthreads_count"};
    return names[static_cast<int>(barrier)];
}

static bool same(Site a, Site b) {
    return a.line == b.line && (a.file == b.file || strcmp(a.file, b.file) == 0);
}

int Block::barrier(Barrier barrier, int predicate, Site site) {
    if (!at_barrier.empty()) {
        const Thread &other = threads[at_barrier[0]];
        if (!same(other.site, site) || strcmp(other.waits_at, name_of(barrier)) != 0)
            fault(
                "%s at %s:%d, while thread (%u,%u,%u) is in %s at %s:%d: a barrier in code that only "
                "some "
                "threads reach",
                name_of(barrier), site.file, site.line, other.index.x, other.index.y, other.index.z,
                other.waits_at, other.site.file, other.site.line);
    }
    threads[current].site = site;
    at_barrier.push_back(current);
    at_barrier_true += predicate != 0;
    last_barrier = barrier;
    complete_barrier();
    wait(name_of(barrier), 0, site);
    return barrier_result;
}

// Since compute capability 7.0 a barrier does not wait for threads that have exited.  But the
// Programming Guide wants it reached by all threads of a block or by none, and a barrier that others
// have gone past is most often a mistake, so it is a fault here.
void Block::complete_barrier() {
    const size_t arrived = at_barrier.size();
    if (arrived == 0 || arrived < static_cast<size_t>(alive)) return;
    if (arrived < threads.size()) fault_deserted_barrier();
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

uint64_t Block::warp_meet(WarpOp op, unsigned int mask, uint64_t value, int source, Site site) {
    Warp &warp = warps[current / 32];
    const unsigned int bit = 1u << lane();
    if ((mask & bit) == 0)
        fault("%s at %s:%d: the mask 0x%08x lacks the lane that calls it, %d", name_of(op), site.file,
              site.line, mask, lane());
    warp.lanes[lane()] = {value, 0, source};
    size_t i = 0;
    while (i < warp.meetings.size() && (warp.meetings[i].op != op || warp.meetings[i].mask != mask))
        ++i;
    if (i == warp.meetings.size()) warp.meetings.push_back({op, mask, 0});
    warp.meetings[i].arrived |= bit;
    if (complete_meeting(current / 32, warp.meetings[i]))
        warp.meetings.erase(warp.meetings.begin() + i);
    Lane &own = warp.lanes[lane()];
    wait(name_of(op), mask, site);
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

// ---- faults ---------------------------------------------------------------------------------------

void Block::fault(const char *format, ...) {
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    const uint3 thread_index = threads[current].index;
    report("kernel %s, block (%u,%u,%u), thread (%u,%u,%u): %s", launch.kernel, blockIdx.x, blockIdx.y,
           blockIdx.z, thread_index.x, thread_index.y, thread_index.z, what);
    failed = true;
    go_on(main);
    abort();  // an abandoned fiber is never switched to
}

// The threads that are left wait at a barrier.
void Block::fault_deserted_barrier() {
    const Thread &waiting = threads[at_barrier[0]];
    fault(
        "%d of %zu threads reach a barrier, the others have exited: thread (%u,%u,%u) is in %s at "
        "%s:%d",
        alive, threads.size(), waiting.index.x, waiting.index.y, waiting.index.z, name_of(last_barrier),
        waiting.site.file, waiting.site.line);
}

// No thread can go on: those that are left wait at different places.
void Block::fault_deadlock() {
    const Thread *first = nullptr, *other = nullptr;
    for (const Thread &t : threads) {
        if (t.waits_at == nullptr) continue;
        if (first == nullptr) first = &t;
        if (!same(first->site, t.site) || t.mask != first->mask) other = &t;
    }
    if (other == nullptr) other = first;
    fault(
        "deadlock: %zu of %zu threads have exited, thread (%u,%u,%u) waits in %s (mask 0x%08x) at "
        "%s:%d, "
        "thread (%u,%u,%u) in %s (mask 0x%08x) at %s:%d",
        threads.size() - alive, threads.size(), first->index.x, first->index.y, first->index.z,
        first->waits_at, first->mask, first->site.file, first->site.line, other->index.x,
        other->index.y, other->index.z, other->waits_at, other->mask, other->site.file,
        other->site.line);
}

bool Block::check_shared() {
    ptrdiff_t offset;
    const SharedArray *array = shared.damaged(&offset);
    if (array == nullptr) return true;
    report("kernel %s, block (%u,%u,%u): wrote outside of %s, at byte %td of %zu", launch.kernel,
           blockIdx.x, blockIdx.y, blockIdx.z, array->name, offset, array->bytes);
    return false;
}

}  // namespace simt

#endif
