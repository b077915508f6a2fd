// Instructions in which lanes of a warp take part together, and name each other in a mask.
#pragma once

#include <bit>
#include <string>

#include "../checks/findings.h"
#include "../machine/warp.h"

// Who takes part with whom: a lane's peers are the lanes of its mask that execute with it.
struct Peers {
    Mask common = 0;                  // the mask of all lanes, if they agree
    const uint32_t *masks = nullptr;  // else those of each lane
    Mask of(const Warp &w, int lane) const {
        return (masks != nullptr ? masks[lane] : common) & w.exec;
    }
};

// Reports lanes that are not in their own mask, and masks that contradict each other.
void check_peers(const Warp &w, const Insn &insn, const Peers &peers);

// Waits for the lanes that the masks in register `op` name.  False: they are not all here, and the
// handler returns.
inline bool gather(Warp &w, const Insn &insn, int32_t op, Peers &peers, bool anywhere = false) {
    const uint32_t *masks = w.at<uint32_t>(op);
    Mask any = 0, all = ALL;
    for (int l = 0; l < LANES; ++l) {
        const Mask mask = w.exec >> l & 1 ? masks[l] : 0;
        any |= mask;
        all &= w.exec >> l & 1 ? mask : ALL;
    }
    if (!w.meet(any | w.exec, anywhere)) return false;
    if (any == all && (w.exec & ~any) == 0) {
        peers.common = any;
    } else {
        peers.masks = masks;
        check_peers(w, insn, peers);
    }
    return true;
}

// Reports lanes that do not take part in an instruction that needs all 32.
void report_missing(const Warp &w, const Insn &insn);

// Waits for all lanes of the warp, as matrix instructions demand: .sync.aligned.
inline bool gather_warp(Warp &w, const Insn &insn) {
    if (w.exec == ALL) return true;
    if (!w.meet(w.present)) return false;
    if (w.exec != ALL) report_missing(w, insn);
    return true;
}

// Where an instruction stands, for findings about another one: its line in the source, or else in the
// PTX.
std::string shown_place(const Warp &w, const Insn &insn);

// The lane of `lanes` with the least number.
inline int first_lane(Mask lanes) { return std::countr_zero(lanes); }
