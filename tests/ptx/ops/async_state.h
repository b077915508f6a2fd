// What is pending: asynchronous copies of threads, the groups that they wait for, and the mbarriers of
// blocks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../checks/findings.h"
#include "../machine/block.h"
#include "../memory/memory.h"

// Who started something asynchronous, so that later findings can name them.  Warps live as long as
// their cluster.
struct Site {
    Warp *warp = nullptr;
    const Insn *insn = nullptr;
    int lane = 0;
    void report(Check check, const char *what) const;
};

// The copies of one cp.async, a lane each.
struct Copies {
    Site site;
    int bytes = 0;   // of each target
    Mask lanes = 0;  // that copy
    Mask open = 0;   // those whose copy nobody has waited for yet
    unsigned char *to[LANES];
    const unsigned char *from[LANES];
    uint8_t from_bytes[LANES];         // the rest of a target becomes zero
    int target[LANES], source[LANES];  // handles of begin_async; source -1: nothing is read
    uint32_t group[LANES];             // which commit of the lane closes over it
    bool done = false;
    uint32_t number = 0;  // of the warp's cp.async, from 1
    Mask signalled = 0;   // lanes whose copy was told to an mbarrier

    void perform();
    void end(Mask lanes, const WarpClock &by);
    void end_signalled(Mask lanes, Agent agent);
};

// A bulk copy, or a tensor copy, whose parts are read and written at times of their own.
struct Transfer {
    struct Piece {
        const unsigned char *from;
        unsigned char *to;  // nullptr: nothing is written (outside of a tensor)
        size_t bytes;
    };
    // A piece is copied in one go, and then told to the mbarrier.
    struct Part {
        size_t first, last;  // pieces
        size_t bytes;
        bool read, written;
        std::vector<unsigned char> data;
    };
    using Combine = void (*)(unsigned char *to, const unsigned char *from, size_t bytes);
    using Convert = void (*)(unsigned char *data, size_t bytes);

    Site site;
    std::vector<Piece> pieces;
    std::vector<Part> parts;
    std::vector<int> sources, targets;  // handles of begin_async
    Combine combine = nullptr;          // of reductions; nullptr: a copy
    Convert convert = nullptr;          // applied to what was read
    uint16_t byte_mask = 0xFFFF;        // of each 16 bytes, those that are written
    bool signals = false;               // an mbarrier; else it belongs to a group
    Block *block = nullptr;             // the mbarrier's
    uint32_t mbarrier = 0;              // its offset
    size_t unwritten = 0;               // parts
    unsigned char value[16];            // of a store from registers: what `pieces` read

    void split();
    void read(Part &part), write(Part &part);
    void finish_reading(), finish();
};

// Starts a transfer whose pieces are there.
void start_transfer(const std::shared_ptr<Transfer> &transfer);

// A transfer of a bulk group.
struct GroupedTransfer {
    int lane = 0;
    uint32_t group = 0;
    std::shared_ptr<Transfer> transfer;
};
void wait_for_bulk_groups(Warp &w, uint32_t pending, bool only_read);

// Copies that are told to an mbarrier are no access of a warp: they have an agent of their own, with a
// number that no warp has.
Agent new_async_agent();

struct AsyncState {  // of a warp
    Agent agent =
        new_async_agent();  // of its cp.async that are told to an mbarrier; their time is their number
    uint32_t started = 0;   // cp.async
    std::vector<std::shared_ptr<Copies>> copies;
    uint32_t committed[LANES] = {};  // groups of cp.async
    std::vector<GroupedTransfer> grouped,
        read_grouped;                     // read_grouped: those whose sources were waited for
    uint32_t bulk_committed[LANES] = {};  // groups of cp.async.bulk
    // The phase that a lane failed to see completed, by the mbarrier's agent and lane.
    std::unordered_map<uint64_t, uint32_t> failed_waits;
    Mask cluster_waiting = 0;  // lanes that are blocked there
    Mask cluster_arrived = 0,
         cluster_passed = 0;  // lanes that must wait at barrier.cluster; passed: for nobody any more
    int registers = 0;        // of a thread, after setmaxnreg; 0: as launched
};
AsyncState &async_state(Warp &w);

// Work that is done once: when it is due, or when its block ends.
struct Deferred {
    std::function<void()> work;
    void run() {
        if (auto once = std::exchange(work, nullptr)) once();
    }
};

struct MBarrier {
    bool live = false;
    uint32_t expected = 0, pending = 0;  // arrivals
    int64_t bytes = 0;                   // the tx-count
    uint32_t phase = 0;
    uint64_t image = 0;    // what its 8 bytes hold
    Agent agent = 0;       // the bulk copies that it tells of; their time is the phase, from 1
    Clock arriving;        // what those who arrive in this phase publish
    Clock completed;       // what the phases before it published
    uint32_t told_at = 0;  // the last phase that copies were told to it, plus 1
    Site told_by;
    Agent initialiser = 0;
    uint32_t initialised = 0;  // its time
};

struct BlockAsync {
    std::map<uint32_t, MBarrier> mbarriers;           // by offset in the block's window
    std::vector<std::shared_ptr<Deferred>> deferred;  // that its threads started
    size_t unfinished = 0;    // of `deferred`, when they were last looked through
    int spare_registers = 0;  // the pool of setmaxnreg
    std::vector<Warp *> awaiting_registers;
};
BlockAsync &block_async(Block &block);
// Has the scheduler do something that threads of a block started.
void defer_for(Block &block, std::function<void()> work);

void mbarrier_init(const Site &site, Block &block, uint32_t offset, uint32_t count);
void mbarrier_invalidate(const Site &site, Block &block, uint32_t offset);
// The mbarrier at an offset of a block; a finding, and nullptr, if there is none that is valid.
MBarrier *live_mbarrier(const Site &site, Block &block, uint32_t offset);
// What is done to it.  Each does nothing (but a finding) if it is not valid.
void mbarrier_arrive(const Site &site, Block &block, uint32_t offset, uint32_t count);
void mbarrier_add_pending(const Site &site, Block &block,
                          uint32_t offset);  // one more arrival in this phase
void mbarrier_drop(const Site &site, Block &block, uint32_t offset, uint32_t count);  // of later phases
void mbarrier_expect(const Site &site, Block &block, uint32_t offset, int64_t bytes);
// Bytes have been copied; the accesses behind the handles are known to whoever sees this phase
// completed.
void mbarrier_complete(const Site &site, Block &block, uint32_t offset, int64_t bytes,
                       const std::vector<int> &handles);

// ---- for the scheduler ----
// A cluster's threads have all ended: what they started is finished; what nobody waited for is found.
void async_end_cluster(Cluster &cluster);
