// Vector clocks, and what synchronisation does to those of a warp.
#include "clock.h"

#include <algorithm>

bool Times::covers(const Entries &other) const {
    auto mine = times_->begin();
    for (const auto &[agent, time] : other) {
        while (mine != times_->end() && mine->first < agent) ++mine;
        if (mine == times_->end() || mine->first != agent || mine->second < time) return false;
    }
    return true;
}

void Times::join(const Times &other) {
    if (other.times_ == nullptr || other.times_ == times_) return;
    if (times_ == nullptr || (times_->size() <= other.times_->size() && other.covers(*times_))) {
        times_ = other.times_;
        return;
    }
    if (covers(*other.times_)) return;
    auto both = std::make_shared<Entries>();
    both->reserve(times_->size() + other.times_->size());
    auto a = times_->begin(), b = other.times_->begin();
    while (a != times_->end() || b != other.times_->end()) {
        if (b == other.times_->end() || (a != times_->end() && a->first < b->first))
            both->push_back(*a++);
        else if (a == times_->end() || b->first < a->first)
            both->push_back(*b++);
        else
            both->push_back({a->first, std::max(a->second, b->second)}), ++a, ++b;
    }
    times_ = std::move(both);
}

void Times::raise(Agent agent, uint32_t time) {
    if (of(agent) >= time) return;
    if (times_ == nullptr)
        times_ = std::make_shared<Entries>();
    else if (times_.use_count() > 1)
        times_ = std::make_shared<Entries>(*times_);
    auto at = std::lower_bound(times_->begin(), times_->end(), std::make_pair(agent, 0u));
    if (at != times_->end() && at->first == agent)
        at->second = time;
    else
        times_->insert(at, {agent, time});
}

uint32_t Times::of(Agent agent) const {
    if (times_ == nullptr) return 0;
    const auto at = std::lower_bound(times_->begin(), times_->end(), std::make_pair(agent, 0u));
    return at != times_->end() && at->first == agent ? at->second : 0;
}

void Clock::join(const Clock &other) {
    known_.join(other.known_);
    fenced_.join(other.fenced_);
    pending_.join(other.pending_);
    proxy_.join(other.proxy_);
}

void WarpClock::begin(Agent self) {
    *this = WarpClock();
    agent = self;
}

void WarpClock::release(Clock &object) {
    object.known_.join(seen);
    object.known_.raise(agent, now);
    object.fenced_.join(fenced);
    object.pending_.join(pending);
    object.proxy_.join(proxy);
    tick();
}

void WarpClock::acquire(const Clock &object) {
    seen.join(object.known_);
    fenced.join(object.fenced_);
    pending.join(object.pending_);
    proxy.join(object.proxy_);
}

void WarpClock::fence_acquire() { seen.join(pending); }

void WarpClock::fence_release() {
    fenced.join(seen);
    fenced.raise(agent, now);
    tick();
}

void WarpClock::fence() {
    fence_acquire();
    fence_release();
}

void WarpClock::proxy_fence() {
    proxy.join(seen);
    proxy.raise(agent, now);
    tick();
}

void WarpClock::warp_sync(uint32_t lanes) {
    tick();
    for (int l = 0; l < 32; ++l)
        if (lanes >> l & 1) lane_time[l] = now;
}

void WarpClock::publish(Clock &place, bool joins) const {
    if (!joins)
        place.known_ = fenced;
    else
        place.known_.join(fenced);
}
