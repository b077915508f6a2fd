// Who is known to come before whom: vector clocks of warps (FastTrack, Flanagan and Freund 2009), from
// barriers, mbarriers, fences and atomics.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

// A warp of a launch: block * warps of a block + warp.
using Agent = uint32_t;

// The time up to which each agent is known.  Copies share their times until one of them changes.
class Times {
public:
    void join(const Times &other);
    void raise(Agent agent, uint32_t time);
    uint32_t of(Agent agent) const;
    bool empty() const { return times_ == nullptr; }
    void clear() { times_.reset(); }

private:
    using Entries = std::vector<std::pair<Agent, uint32_t>>;  // sorted by agent
    bool covers(const Entries &other) const;
    std::shared_ptr<Entries> times_;
};

// Whom a fence or a strong access counts for: its own block only (.cta), or all.  A cluster counts as
// all.
enum class Scope : uint8_t { block, device };

// Times for each scope.
struct ScopedTimes {
    Times block, device;
    void join(const ScopedTimes &other) { block.join(other.block), device.join(other.device); }
    bool empty() const { return block.empty() && device.empty(); }
};

// What an object (a barrier, an mbarrier, a place in memory) hands on from those who release to those
// who acquire.
class Clock {
public:
    void join(const Clock &other);
    void raise(Agent agent, uint32_t time) { known_.raise(agent, time); }
    // What an asynchronous copy did: visible to those that follow it, too.
    void raise_proxy(Agent agent, uint32_t time) {
        known_.raise(agent, time), proxy_.raise(agent, time);
    }
    uint32_t of(Agent agent) const { return known_.of(agent); }
    bool empty() const {
        return known_.empty() && fenced_.empty() && pending_.empty() && proxy_.empty();
    }
    void clear() { *this = Clock(); }

private:
    friend struct WarpClock;
    Times known_, proxy_;
    // A fence of one thread counts for another that meets it at a barrier, which then writes or has
    // read a flag, or starts an asynchronous copy.
    ScopedTimes fenced_, pending_;
};

struct WarpClock {
    Agent agent = 0;
    uint32_t block = 0;    // its number
    uint32_t now = 1;      // its own time; grows at each release
    uint32_t segment = 0;  // the number that memory/ gives to (agent, now); 0: none yet
    Times seen;   // what happened before its next instruction; of itself: known to all its lanes
    Times proxy;  // what is visible to asynchronous (proxy) accesses that it starts or that follow
    // `seen` at its last fence (and itself), which a relaxed write then publishes: for its own block
    // after any fence, for all after one of the device.
    ScopedTimes fenced;
    // What relaxed reads found, and the next fence adds to `seen`: one of the block only what its own
    // block has published, one of the device all.
    ScopedTimes pending;
    uint32_t lane_time[32] = {};  // when a lane last took part in a warp's barrier

    void begin(Agent self, uint32_t own_block);
    // Publishes what the warp knows and did into an object, and takes from one.
    void release(Clock &object);
    void acquire(const Clock &object);
    void fence(Scope scope);          // membar, fence: what orders generic accesses
    void fence_acquire(Scope scope);  // the half that orders earlier reads
    void fence_release(Scope scope);  // the half that orders later writes
    void proxy_fence();               // fence.proxy.async
    void warp_sync(uint32_t lanes);   // bar.warp.sync
    // Relaxed accesses: a write hands on what the last fence covers, a read finds what the next one
    // will cover.  `scope`: those who find it in the place, those who have published there.
    void publish(Clock &place, Scope scope) const;
    void observe(const Clock &place, Scope scope);

private:
    void tick() { ++now, segment = 0; }
};
