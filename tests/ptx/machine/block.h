// A block: its warps, its shared memory, its barriers; and the clusters and launches that blocks belong
// to.
#pragma once

#include <functional>
#include <memory>
#include <new>
#include <vector>

#include "../device.h"
#include "warp.h"

struct Size3 {
    unsigned x = 1, y = 1, z = 1;
    uint64_t product() const { return (uint64_t)x * y * z; }
    bool operator==(const Size3 &) const = default;
};

struct Barrier {  // one of the 16 named barriers of a block
    struct Arrival {
        int warp;
        Mask lanes;
        const Insn *insn;
    };
    std::vector<Arrival> arrivals;  // empty: nobody has come yet
    int expected = 0;               // threads; warps count whole
    bool everybody = false;         // no number was given: threads that have ended are not awaited
    int trues = 0, voters = 0;      // barrier.red: predicates
    Clock clock;                    // what those who came know
};
// Lanes of the warp have ended: barriers of its block, and of its cluster, wait for them no longer.
void leave_barriers(Warp &warp);
void leave_cluster_barrier(Warp &warp);

struct Launch;
struct Cluster;

struct Block {
    Launch *launch = nullptr;
    Cluster *cluster = nullptr;  // never null: a block alone is a cluster of one
    uint64_t number = 0;         // in the grid, x fastest
    Size3 id;                    // %ctaid
    int rank = 0;                // in the cluster
    std::vector<std::unique_ptr<Warp>> warps;
    std::vector<unsigned char> shared;  // offset SHARED_BEGIN of the window is shared[0]
    std::vector<unsigned char> local;   // of all threads, program->local_bytes each
    Barrier barriers[16];
    std::shared_ptr<struct BlockShadow> shadow;  // memory/
    std::shared_ptr<struct BlockAsync> async;    // ops/: mbarriers, pending copies
    int live_warps = 0;

    int threads() const;
    int thread(const Warp &warp, int lane) const { return warp.index * LANES + lane; }
    Size3 thread_id(int thread) const;  // %tid
    // What mapa adds to an offset in this block's window.  Addresses below 1 << 24 are the own block's.
    uint32_t shared_base() const { return (uint32_t)(rank + 1) << 24; }
};

struct Cluster {
    Size3 size, id;               // in blocks; %clusterid
    std::vector<Block *> blocks;  // by rank
    int comers = 0;               // barrier.cluster: threads that came in this phase
    Clock arriving, arrived;      // what those know who came, of this phase and of earlier ones
};

// Aligned as parameters can be at most: their addresses may be made with `or`.
template <class T>
struct ParameterAllocator {
    using value_type = T;
    static constexpr std::align_val_t ALIGN{256};
    T *allocate(size_t n) { return (T *)::operator new(n * sizeof(T), ALIGN); }
    void deallocate(T *data, size_t) { ::operator delete(data, ALIGN); }
    bool operator==(const ParameterAllocator &) const = default;
};
using Parameters = std::vector<unsigned char, ParameterAllocator<unsigned char>>;

struct Launch {
    Program *program = nullptr;
    Size3 grid, block, cluster;
    int dynamic_shared = 0;
    Parameters params;                                        // the parameter space
    uint64_t number = 0;                                      // of the process, from 1
    enum { none, trap, assertion, deadlock } failure = none;  // why it ended early
    uint64_t workspace = 0;  // of a cooperative grid: its address (%envreg1 and 2)
};

// Runs a launch to its end.  Blocks start in order, warps of the blocks that are resident take turns in
// an order that KAIROS_PTX_SEED shuffles.
void run_launch(Launch &launch);

// The launch that runs; random numbers of the scheduler; work that is due at a time.
uint64_t scheduler_random();
uint64_t scheduler_now();  // instructions that all warps have run
// Calls `work` once, at a time that the seed draws (at once, or up to some thousand instructions
// later), or when nothing else can run. Returns a number for run_deferred, which calls it now (or does
// nothing if it has been called).
uint64_t defer(std::function<void()> work);
void run_deferred(uint64_t number);
// Something happened that a waiting thread may see: a store, an arrival, an ended thread.
void note_progress();
