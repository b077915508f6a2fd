// Vector clocks: what barriers, fences and relaxed accesses tell warps of each other.
#include "../checks/clock.h"
#include "../checks/places.h"
#include "check.h"

namespace {

WarpClock warp(Agent agent, uint32_t block = 0) {
    WarpClock clock;
    clock.begin(agent, block);
    return clock;
}

void test_times() {
    Times a, b;
    a.raise(5, 3), a.raise(2, 7), a.raise(5, 2);
    b.raise(2, 9), b.raise(4, 1);
    Times copy = a;
    a.join(b);
    expect_equal("joined, of 2", a.of(2), 9u);
    expect_equal("joined, of 4", a.of(4), 1u);
    expect_equal("joined, of 5", a.of(5), 3u);
    expect_equal("joined, of 3", a.of(3), 0u);
    expect_equal("a copy keeps its times", copy.of(2), 7u);
    copy.raise(2, 8);
    expect_equal("a changed copy", copy.of(2), 8u);
    expect_equal("what it was copied from", a.of(2), 9u);
    b.join(a);
    b.raise(4, 5);
    expect_equal("shared times change alone", a.of(4), 1u);
}

void test_barrier() {
    WarpClock a = warp(0), b = warp(1);
    Clock barrier;
    const uint32_t before = a.now;
    a.release(barrier), b.release(barrier);
    b.acquire(barrier);
    expect_equal("b knows what a did before the barrier", b.seen.of(0) >= before, true);
    expect_equal("b does not know what a does after it", b.seen.of(0) >= a.now, false);
    expect_equal("a has not come back yet", a.seen.of(1), 0u);
    a.acquire(barrier);
    Clock next;
    a.release(next);
    WarpClock c = warp(2);
    c.acquire(next);
    expect_equal("c knows b by way of a", c.seen.of(1), before);
}

void test_fences() {
    WarpClock a = warp(0), b = warp(1);
    Clock place;
    const uint32_t wrote = a.now;
    a.publish(place, Scope::device);
    b.observe(place, Scope::device), b.fence(Scope::device);
    expect_equal("nothing is published without a fence", b.seen.of(0), 0u);
    a.fence(Scope::device);
    a.publish(place, Scope::device);
    b.observe(place, Scope::device);
    expect_equal("nothing is seen without a fence", b.seen.of(0), 0u);
    b.fence(Scope::device);
    expect_equal("fence, write, read, fence", b.seen.of(0), wrote);
    expect_equal("what follows the writer's fence stays unknown", b.seen.of(0) >= a.now, false);
}

// All threads write and fence; after a barrier one of them raises the flag.
void test_fence_before_barrier() {
    WarpClock a = warp(0), b = warp(1), c = warp(2), d = warp(3);
    Clock barrier, place, second;
    const uint32_t wrote = a.now;
    a.fence(Scope::device);
    a.release(barrier), b.acquire(barrier);
    b.publish(place, Scope::device);
    c.observe(place, Scope::device);
    c.release(second), d.acquire(second);
    expect_equal("c has no fence", c.seen.of(0), 0u);
    d.fence(Scope::device);
    expect_equal("a's fence, a barrier, b's write, c's read, a barrier, d's fence", d.seen.of(0),
                 wrote);
}

void test_fences_of_a_block() {
    WarpClock a = warp(0), b = warp(1), c = warp(2);
    Clock own, all;
    const uint32_t wrote = a.now;
    a.fence(Scope::block);
    a.publish(own, Scope::block), a.publish(all, Scope::device);
    expect_equal("a fence of the block publishes nothing for all", all.empty(), true);
    b.observe(own, Scope::block), b.fence(Scope::block);
    expect_equal("but for the block", b.seen.of(0), wrote);
    b.fence(Scope::device);
    b.publish(all, Scope::device);
    c.observe(all, Scope::device), c.fence(Scope::block);
    expect_equal("a fence of the block takes nothing of others", c.seen.of(1), 0u);
    c.fence(Scope::device);
    expect_equal("one of the device does", c.seen.of(1) > 0, true);
    expect_equal("with what the other had from its own block", c.seen.of(0), wrote);
}

void test_proxy() {
    WarpClock a = warp(0), b = warp(1), c = warp(2);
    Clock barrier;
    const uint32_t wrote = a.now;
    c.release(barrier);
    a.proxy_fence(), a.release(barrier);
    b.acquire(barrier);
    expect_equal("b's copies see what a fenced", b.proxy.of(0), wrote);
    expect_equal("and not what c did not", b.proxy.of(2), 0u);
}

void test_warp_sync() {
    WarpClock a = warp(0);
    const uint32_t wrote = a.now;
    a.warp_sync(0x3);
    expect_equal("lane 0 was there", a.lane_time[0] > wrote, true);
    expect_equal("lane 2 was not", a.lane_time[2] > wrote, false);
    expect_equal("what follows is later", a.lane_time[0] > a.now, false);
}

void test_places() {
    WarpClock a = warp(0), b = warp(1);
    alignas(8) unsigned char memory[16] = {};
    const unsigned char *at[32], *beside[32];
    for (int l = 0; l < 32; ++l) at[l] = memory, beside[l] = memory + 8;
    places_clear();
    const uint32_t wrote = a.now;
    places_write(a, at, 1, 8, Order::release, Scope::block);
    places_read(b, beside, 1, 4, Order::acquire, Scope::block);
    expect_equal("another place tells nothing", b.seen.of(0), 0u);
    WarpClock c = b;
    places_read(b, at, 1, 4, Order::relaxed, Scope::block);
    expect_equal("a relaxed read alone", b.seen.of(0), 0u);
    places_read(c, at, ~0u, 4, Order::acquire, Scope::block);
    expect_equal("release and acquire", c.seen.of(0), wrote);
    places_clear();
    WarpClock d = warp(3);
    places_read(d, at, 1, 4, Order::acquire, Scope::block);
    expect_equal("a new launch", d.seen.of(0), 0u);
}

// What a warp of block 0 writes, and one of `block` reads, of two scopes.
bool is_told(Order writes, Scope of_write, uint32_t block, Order reads, Scope of_read) {
    WarpClock a = warp(0), b = warp(8, block);
    alignas(8) unsigned char memory[4] = {};
    const unsigned char *at[32] = {memory};
    places_clear();
    const uint32_t wrote = a.now;
    if (writes == Order::relaxed) a.fence(of_write);
    places_write(a, at, 1, 4, writes, of_write);
    places_read(b, at, 1, 4, reads, of_read);
    if (reads == Order::relaxed) b.fence(of_read);
    return b.seen.of(0) == wrote;
}

void test_scopes() {
    for (const Order writes : {Order::relaxed, Order::release})
        for (const Order reads : {Order::relaxed, Order::acquire})
            for (const Scope of_write : {Scope::block, Scope::device})
                for (const Scope of_read : {Scope::block, Scope::device}) {
                    const bool wide = of_write == Scope::device && of_read == Scope::device;
                    const std::string what = std::to_string((int)writes) + std::to_string((int)reads) +
                                             std::to_string((int)of_write) +
                                             std::to_string((int)of_read);
                    expect_equal("in the block: " + what, is_told(writes, of_write, 0, reads, of_read),
                                 true);
                    expect_equal("in another: " + what, is_told(writes, of_write, 1, reads, of_read),
                                 wide);
                }
}

}  // namespace

int main() {
    test_times();
    test_barrier();
    test_fences();
    test_fence_before_barrier();
    test_fences_of_a_block();
    test_proxy();
    test_warp_sync();
    test_places();
    test_scopes();
    return report();
}
