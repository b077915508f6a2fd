// What holds for all instructions in which lanes of a warp take part together; and bar.warp.sync, which
// does nothing else.
#include "collective.h"
#include "../decode/decode.h"

void check_peers(const Warp &w, const Insn &insn, const Peers &peers) {
    for (int l = 0; l < LANES; ++l) {
        if ((w.exec >> l & 1) == 0) continue;
        if ((peers.masks[l] >> l & 1) == 0) {
            finding(w, insn, l, Check::wrong_use, "the lane is not in its own mask 0x%08x",
                    peers.masks[l]);
            return;
        }
        for (int k = 0; k < l; ++k) {
            if ((peers.of(w, l) >> k & 1) == 0 || peers.masks[k] == peers.masks[l]) continue;
            finding(w, insn, l, Check::wrong_use,
                    "the lane names the mask 0x%08x, lane %d in it names 0x%08x", peers.masks[l], k,
                    peers.masks[k]);
            return;
        }
    }
}

void report_missing(const Warp &w, const Insn &insn) {
    finding(w, insn, first_lane(w.exec), Check::wrong_use,
            "%d lanes of the warp do not exist or have ended; all 32 must execute this",
            std::popcount(~w.exec));
}

std::string shown_place(const Warp &w, const Insn &insn) {
    const std::string text = place_of(*w.program, insn);
    return text.empty() ? "line " + std::to_string(insn.line) + " of the PTX" : text;
}

namespace {

// ops: mask.  Lanes may come to it at different places of the code.
void run_warp_barrier(Warp &w, const Insn &insn) {
    Peers peers;
    if (!gather(w, insn, insn.ops[0], peers, true)) return;
    if (peers.masks == nullptr) {
        w.clock.warp_sync(peers.common & w.present);
        return;
    }
    Mask rest = w.exec;
    while (rest != 0) {
        const int lane = first_lane(rest);
        const Mask lanes = (peers.masks[lane] | 1u << lane) & w.present;
        w.clock.warp_sync(lanes);
        rest &= ~lanes;
    }
}

}  // namespace

void decode_warp_barrier(Decoding &d) {
    if (!d.take("sync")) d.refuse("bar.warp.sync is expected");
    d.read(d.operand(0), Type::u32);
    d.meets();
    d.insn.cls = Class::sync;
    d.insn.run = run_warp_barrier;
}
