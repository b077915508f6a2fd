// Places in memory through which threads tell each other that something has happened: what was
// published with a write, and is found with a read.
#pragma once

#include "clock.h"

enum class Order : uint8_t { weak, relaxed, acquire, release, both };
inline bool acquires(Order order) { return order == Order::acquire || order == Order::both; }
inline bool releases(Order order) { return order == Order::release || order == Order::both; }

// A warp's strong access: its lanes `lanes` at `at`, `bytes` each.
void places_read(WarpClock &clock, const unsigned char *const at[32], uint32_t lanes, int bytes,
                 Order order, Scope scope);
void places_write(WarpClock &clock, const unsigned char *const at[32], uint32_t lanes, int bytes,
                  Order order, Scope scope);
void places_clear();  // a launch begins
