// Faithful mode: one block of a grid, its threads run by fibers of one OS thread in an order drawn at
// random whenever one of them has to wait.
#pragma once

#include <functional>
#include <vector>

#include "fibers.h"
#include "launch.h"
#include "shared.h"

namespace simt {

class Block {
public:
    Block();

    // What the blocks that are run next belong to.
    void begin(const Launch &launch, const std::function<void()> &thread);
    void end();
    // Runs every thread.  False if there was a fault, which has been reported.
    bool run(uint3 index, unsigned long long seed);

    // Called by the running thread.
    int barrier(Barrier barrier, int predicate, Site site);
    uint64_t warp_meet(WarpOp op, unsigned int mask, uint64_t value, int source, Site site);
    void *shared_array(const SharedArray &array) { return shared.find(array); }
    int lane() const { return current % 32; }
    // Reports what the running thread did wrong, and ends the block.
    [[noreturn]] __attribute__((format(printf, 2, 3))) void fault(const char *format, ...);

private:
    struct Thread {
        uint3 index;
        Fiber *fiber;          // null = not started, or at its end
        const char *waits_at;  // the function that it waits in; null = it does not
        unsigned int mask;
        Site site;
    };
    struct Text {
        char text[256];
    };
    // Lanes that wait for the rest of a mask.
    struct Meeting {
        WarpOp op;
        unsigned int mask, arrived;
    };
    struct Lane {
        uint64_t value, result;
        int source;
    };
    struct Warp {
        unsigned int exited;  // lanes; those past the end of the block, too
        std::vector<Meeting> meetings;
        Lane lanes[32];
    };

    static void run_threads(void *block);
    void thread_loop();
    bool draw();
    Fiber *fiber_of_current();
    void go_on(Fiber &to);
    void arrive(const char *function, unsigned int mask, Site site);
    void wait();
    void exit_thread();
    void complete_barrier();
    static size_t find_meeting(Warp &warp, WarpOp op, unsigned int mask);
    bool complete_meeting(int warp, const Meeting &meeting);
    static Text describe(const Thread &thread);
    [[noreturn]] void fault_deadlock();
    void start_threads(unsigned long long seed);
    bool check_shared();

    // Of the launch.
    Launch launch = {};
    const std::function<void()> *thread = nullptr;
    SharedMemory shared;

    // Of the block.
    std::vector<Thread> threads;
    std::vector<Warp> warps;
    std::vector<int> ready;
    int current = 0, alive = 0;
    bool failed = false;
    unsigned long long random = 0;

    // Threads at __syncthreads.
    std::vector<int> at_barrier;
    int at_barrier_true = 0, barrier_result = 0;
    Barrier last_barrier = Barrier::PLAIN;

    Fiber main;  // the OS thread
    Fiber *running = &main;
    FiberPool pool;
};

bool same(Site a, Site b);

// Of this OS thread.
Block &this_block();

}  // namespace simt
