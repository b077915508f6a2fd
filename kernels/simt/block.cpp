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

bool same(Site a, Site b) {
    return a.line == b.line && (a.file == b.file || strcmp(a.file, b.file) == 0);
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

// What the current thread is going to wait for.
void Block::arrive(const char *function, unsigned int mask, Site site) {
    Thread &state = threads[current];
    state.waits_at = function;
    state.mask = mask;
    state.site = site;
}

// Lets the others run until that has happened.
void Block::wait() {
    Thread &state = threads[current];
    if (!draw()) fault_deadlock();
    go_on(*fiber_of_current());
    state.waits_at = nullptr;
    threadIdx = state.index;
}

// ---- faults ---------------------------------------------------------------------------------------

void Block::fault(const char *format, ...) {
    char what[768];
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

Block::Text Block::describe(const Thread &t) {
    Text text;
    const int length = snprintf(text.text, sizeof text.text, "thread (%u,%u,%u) is in %s at %s:%d",
                                t.index.x, t.index.y, t.index.z, t.waits_at, t.site.file, t.site.line);
    if (t.mask != 0 && length < static_cast<int>(sizeof text.text))
        snprintf(text.text + length, sizeof text.text - length, ", mask 0x%08x", t.mask);
    return text;
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
    fault("deadlock: %zu of %zu threads have exited, %s, %s", threads.size() - alive, threads.size(),
          describe(*first).text, describe(*other).text);
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
