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

void WarpClock::begin(Agent self, uint32_t own_block) {
    *this = WarpClock();
    agent = self, block = own_block;
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

void WarpClock::fence_acquire(Scope scope) {
    seen.join(scope == Scope::block ? pending.block : pending.device);
}

void WarpClock::fence_release(Scope scope) {
    fenced.block.join(seen);
    fenced.block.raise(agent, now);
    if (scope == Scope::device) fenced.device.join(fenced.block);
    tick();
}

void WarpClock::fence(Scope scope) {
    fence_acquire(scope);
    fence_release(scope);
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

void WarpClock::publish(Clock &place, Scope scope) const {
    place.known_.join(scope == Scope::block ? fenced.block : fenced.device);
}

void WarpClock::observe(const Clock &place, Scope scope) {
    if (scope == Scope::block) pending.block.join(place.known_);
    pending.device.join(place.known_);
}
