// Who is known to come before whom: vector clocks of warps (FastTrack, Flanagan and Freund 2009), from barriers, mbarriers,
// fences and atomics.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

// A warp of a launch: block * warps of a block + warp.
using Agent = uint32_t;

// The time up to which each agent is known.
class Clock {
   public:
    void join(const Clock &other);
    void raise(Agent agent, uint32_t time);
    uint32_t of(Agent agent) const;
    bool empty() const { return times_.empty(); }
    void clear() { times_.clear(); }

   private:
    std::vector<std::pair<Agent, uint32_t>> times_;  // sorted by agent
};

struct WarpClock {
    Agent agent = 0;
    uint32_t now = 1;        // its own time; grows at each release
    Clock seen;              // what happened before its next instruction
    Clock fenced;            // `seen` at its last fence (and itself): what a relaxed write then publishes
    Clock pending;           // what relaxed reads found: `seen` after the next fence
    Clock proxy;             // what is visible to asynchronous (proxy) accesses that it starts or that follow
    uint32_t lane_time[32] = {};  // when a lane last took part in a warp's barrier

    void begin(Agent self);
    // Publishes what the warp knows and did into an object (a barrier, a location), and takes from one.
    void release(Clock &object, Clock *object_proxy = nullptr);
    void acquire(const Clock &object, const Clock *object_proxy = nullptr);
    void fence();                 // membar, fence of any scope that orders generic accesses
    void proxy_fence();           // fence.proxy.async
    void warp_sync(uint32_t lanes);  // bar.warp.sync
};
