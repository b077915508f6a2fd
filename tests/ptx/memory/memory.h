// The memory of the pretended device: allocations with guard zones, and for each access the checks of
// bounds, alignment, initialisation and races, and the counters.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../checks/clock.h"
#include "../machine/program.h"

struct Warp;
struct Block;

// Addresses.  Global: the host's.  Generic addresses of shared and local memory lie in windows; a
// shared address of 32 bits is (rank in the cluster + 1) << 24 | offset in the block's window, the
// offset beginning at SHARED_BEGIN; with 0 instead of the rank + 1 it is the own block's.
constexpr uint64_t SHARED_WINDOW = 0x0100'0000'0000'0000ull;
constexpr uint64_t LOCAL_WINDOW = 0x0200'0000'0000'0000ull;

enum class Space : uint8_t { generic, global, shared, local, constant, param };
enum class Access : uint8_t { load, store, atomic };  // atomic: read, modified, written at once

struct Request {
    Space space;
    Access access;
    int bytes;  // of each lane, consecutive (a vector's all)
    int align;  // that the instruction demands
    // volatile, relaxed, acquire, release, mmio, atomics: no race among themselves if each one's scope
    // has the other in it.
    bool strong = false;
    // Of a store: would `lane` write what `other` writes too (or, with other = -1, what lies at `at`
    // already)?  Then nobody can tell who came first, and it is no race.  Null: it is taken to differ.
    bool (*same)(const Warp &warp, const Insn &insn, int lane, int other,
                 const unsigned char *at) = nullptr;
    // Of a load: the bytes of each lane's that anybody looks at (bit i: byte i).  The others need be
    // neither written nor ordered.
    uint32_t used = ~0u;
    Scope scope = Scope::device;  // of a strong access
};

// Finds the host's address of each executing lane's access, with all checks and counters.  A lane whose
// access is faulty (which is then a finding) gets the address of a scratch place, so that the program
// can continue; so does a lane that is not in `lanes`.
void resolve(Warp &warp, const Insn &insn, const Request &request, const uint64_t address[LANES],
             Mask lanes, unsigned char *at[LANES]);

// One access of somebody who is not a lane: asynchronous copies, wgmma's descriptors.  `by` is whose
// order counts: its `proxy` clock for accesses of the asynchronous proxy.  Returns the host's address
// or nullptr (found faulty).
unsigned char *resolve_range(Warp &warp, const Insn &insn, int lane, Space space, Access access,
                             uint64_t address, size_t bytes, bool async_proxy);

// Bytes that a pending asynchronous copy reads or writes: who touches them before `end_async` is found
// out. `writes`: a target, which nobody may read or write; else a source, which nobody may write.
// `reduces`: a target that other reductions and atomics may change meanwhile.  Returns a handle.
int begin_async(Warp &warp, const Insn &insn, int lane, Space space, uint64_t address, size_t bytes,
                bool writes, bool async_proxy = true, bool reduces = false);
// The copy has been made (targets now count as initialised) and `by` has waited for it: from here on it
// counts as the access of agent `by` at time `time` (a target), so that others need a barrier with it.
void end_async(int handle, const WarpClock &by, int lane);
// ... or it was signalled to an mbarrier, whose waiters know `agent` at `time`.
void end_async_signalled(int handle, Agent agent, uint32_t time);
// A launch stops early: no copy will end any more.
void forget_all_pending();

// ---- the host's side ----
void *device_allocate(size_t bytes, const char *what);  // nullptr: more than the device has
bool device_release(void *data);                        // false: not an allocation (a finding)
// Does [data, data + bytes) lie within one live allocation of the device (or of pinned or managed
// memory)?
bool device_holds(const void *data, size_t bytes);
void device_wrote(void *data, size_t bytes);  // the host or a library wrote it: initialised
size_t device_memory_used(), device_memory_total();
void host_register(void *data, size_t bytes, bool pinned);  // memory of the host that kernels may touch
void host_unregister(void *data);

// ---- a launch ----
void memory_begin_launch();
void memory_begin_block(Block &block), memory_end_block(Block &block);
