// shfl.sync: lanes read each other's registers.
#include "../decode/decode.h"
#include "collective.h"

namespace {

enum class Mode { up, down, bfly, idx };

// The source lane of `lane`, or -1 where it is out of range (the lane then keeps its own value).
template <Mode mode>
int source(int lane, uint32_t b, uint32_t c) {
    const int value = b & 31, segment = c >> 8 & 31;
    const int least = lane & segment, most = least | (c & 31 & ~segment);
    const int from = mode == Mode::up     ? lane - value
                     : mode == Mode::down ? lane + value
                     : mode == Mode::bfly ? lane ^ value
                                          : least | (value & ~segment);
    return (mode == Mode::up ? from >= most : from <= most) ? from : -1;
}

// Reports the first lane that reads one that is not there.
void report_absent(const Warp &w, const Insn &insn, const Peers &peers, const int32_t *from) {
    for (int l = 0; l < LANES; ++l) {
        if ((w.exec >> l & 1) == 0 || (peers.of(w, l) >> from[l] & 1)) continue;
        finding(w, insn, l, Check::wrong_use, "reads lane %d, which %s: the value is undefined",
                from[l],
                (w.present >> from[l] & 1) == 0 ? "has ended or does not exist"
                : (w.exec >> from[l] & 1) == 0  ? "does not take part"
                                                : "is not in its mask");
        return;
    }
}

// ops: d, [p], a, b, c, mask
template <Mode mode, bool with_predicate>
void run_shfl(Warp &w, const Insn &insn) {
    const int32_t *ops = insn.ops + 1 + with_predicate;
    Peers peers;
    if (!gather(w, insn, ops[3], peers)) return;
    const uint32_t *a = w.at<uint32_t>(ops[0]), *b = w.at<uint32_t>(ops[1]),
                   *c = w.at<uint32_t>(ops[2]);
    int32_t from[LANES], absent[LANES];
    uint32_t in_range[LANES];
    for (int l = 0; l < LANES; ++l) {
        const int lane = source<mode>(l, b[l], c[l]);
        in_range[l] = lane >= 0;
        from[l] = lane >= 0 ? lane : l;
    }
    int wrong = 0;
    if (peers.masks == nullptr) {
        const Mask here = peers.common & w.exec;
        for (int l = 0; l < LANES; ++l) {
            absent[l] = ~(here >> from[l]) & (w.exec >> l) & 1;
            wrong |= absent[l];
        }
    } else {
        for (int l = 0; l < LANES; ++l) {
            absent[l] = ~(peers.of(w, l) >> from[l]) & (w.exec >> l) & 1;
            wrong |= absent[l];
        }
    }
    if (wrong) report_absent(w, insn, peers, from);
    w.set<uint32_t>(insn.ops[0], [&](int l) { return a[from[l]]; });
    if (with_predicate) {
        Mask mask = 0;
        for (int l = 0; l < LANES; ++l) mask |= in_range[l] << l;
        w.set_pred(insn.ops[1], mask);
    }
}

template <bool with_predicate>
Handler handler_of(Mode mode) {
    switch (mode) {
        case Mode::up:
            return run_shfl<Mode::up, with_predicate>;
        case Mode::down:
            return run_shfl<Mode::down, with_predicate>;
        case Mode::bfly:
            return run_shfl<Mode::bfly, with_predicate>;
        default:
            return run_shfl<Mode::idx, with_predicate>;
    }
}

void decode_shfl(Decoding &d) {
    if (!d.take("sync")) d.refuse("shfl without .sync does not exist since sm_70");
    const std::string name = d.take_one_of({"up", "down", "bfly", "idx"});
    if (name.empty() || !d.take("b32")) d.refuse("shfl.sync.{up, down, bfly, idx}.b32 is expected");
    const Mode mode = name == "up"     ? Mode::up
                      : name == "down" ? Mode::down
                      : name == "bfly" ? Mode::bfly
                                       : Mode::idx;
    const Operand &to = d.operand(0);
    const bool pair = to.kind == Operand::pair;
    d.write(pair ? to.parts[0] : to, Type::b32);
    if (pair) d.write_pred(to.parts[1]);
    d.read(d.operand(1), Type::b32);
    for (int i = 2; i < 5; ++i) d.read(d.operand(i), Type::u32);
    d.meets();
    d.insn.cls = Class::warp;
    d.insn.run = pair ? handler_of<true>(mode) : handler_of<false>(mode);
}

RegisterDecoder shfl{"shfl", decode_shfl};

}  // namespace
