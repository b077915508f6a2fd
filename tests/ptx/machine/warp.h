// A warp: 32 lanes in groups that share a place in the code.
//
// The group with the least pc runs (so that lanes meet again after a branch), until it blocks, ends, or
// its slice is over.  Handlers see w.exec, the lanes that execute the instruction; they read and write
// registers of all lanes of exec and of no other.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "../checks/clock.h"
#include "program.h"

struct Block;

struct Group {
    int pc;  // of its next instruction
    Mask lanes;
    enum State : uint8_t {
        runs,
        meets,
        blocked
    } state;    // meets: waits for lanes of its warp at pc;
                // blocked: somebody else calls Warp::resume
    int where;  // the instruction at which it waits
};

struct Warp {
    Block *block = nullptr;
    const Program *program = nullptr;
    int index = 0;     // in the block
    Mask present = 0;  // lanes that exist and have not ended
    uint32_t *frame = nullptr;
    std::vector<uint32_t> frame_memory;
    std::vector<Mask> preds;
    Mask carry = 0;  // CC.CF of each lane

    // The group that runs.
    int pc = 0;          // of the next instruction; a handler may change it (branches)
    Mask active = 0;     // its lanes
    Mask exec = 0;       // those that execute the present instruction
    bool leave = false;  // set by a handler: `active` is empty or blocked, or the warp's slice ends
    std::vector<Group> others;

    WarpClock clock;                             // what the checks know of its order with others
    static constexpr uint64_t POLLING = 10'000;  // instructions since it looked last
    int polled_at = 0;                           // the instruction
    uint64_t polled = 0;                         // `executed` when it looked last
    uint64_t executed = 0;                       // instructions
    std::shared_ptr<struct AsyncState> async;    // pending copies and their groups
    std::shared_ptr<struct WgmmaState> wgmma;

    // Registers.  `op` is what Decoding appended.
    template <class T>
    T *at(int32_t op) const {
        static_assert(sizeof(T) == 4 || sizeof(T) == 8);
        const uint32_t *base =
            op >= 0 ? frame + (size_t)op * LANES : program->constants.data() + (size_t)~op * LANES;
        return (T *)base;
    }
    // Predicates; `negated` is the entry that read_pred appended after the index.
    Mask pred(int32_t op, bool negated = false) const {
        const Mask value = op >= 0 ? preds[op] : op == ~1 ? ALL : 0;
        return negated ? ~value : value;
    }
    void set_pred(int32_t op, Mask value) { preds[op] = (preds[op] & ~exec) | (value & exec); }
    // Writes `value(lane)` of the executing lanes.
    template <class T, class F>
    void set(int32_t op, F value) {
        T *to = at<T>(op);
        const Mask lanes = exec;
        T all[LANES];
        for (int l = 0; l < LANES; ++l) all[l] = value(l);
        if (lanes == ALL)
            std::memcpy(to, all, sizeof all);
        else
            for (int l = 0; l < LANES; ++l) to[l] = lanes >> l & 1 ? all[l] : to[l];
    }

    // ---- control, for handlers ----
    // The executing lanes meet the other lanes of `wanted` at this instruction.  True: all of them
    // (that have not ended) are in exec, go ahead.  False: they wait, the handler returns at once and
    // is called again. `anywhere`: lanes that wait in the same kind of instruction elsewhere in the
    // code have come, too (and go on there).
    bool meet(Mask wanted, bool anywhere = false);
    // The executing lanes stop after this instruction until resume(lanes); others of the group go on.
    void wait();
    // The executing lanes stop at this instruction and are called again after resume(lanes).
    void wait_and_retry();
    // Ends the slice (a try that failed): other warps run before the next instruction.
    void yield() { leave = true, poll(); }
    // It looked whether something has happened: a strong load, an atomic that changed nothing, a failed
    // try.
    void poll() { polled = executed, polled_at = pc - 1; }
    bool polls() const { return polled > 0 && executed - polled < POLLING; }
    void resume(Mask lanes);
    void branch(int target);  // the executing lanes
    void exit();              // the executing lanes end

    // Runs at most `budget` instructions.  True: it could go on; false: all groups wait, or none is
    // left.
    bool run(int budget);
    bool done() const { return present == 0; }
    bool runnable() const;
    // Adds a group that is to run at `at`; its lanes are no longer the present group's.
    void fork(int at, Mask lanes);

private:
    bool choose();  // makes a group that can run the present one
    void stop(Group::State state, int at);
    void merge_or_switch();
    int patience_ = 0;  // with a group that may spin until another one of its warp has run
};
