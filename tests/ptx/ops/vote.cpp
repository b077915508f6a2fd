// vote, match, activemask, elect: what the lanes of a warp have in common.
#include "../decode/decode.h"
#include "collective.h"

namespace {

enum class Vote { all, any, uni, ballot };

Mask outcome(Vote vote, Mask votes, Mask peers) {
    switch (vote) {
        case Vote::all:
            return votes == peers ? ALL : 0;
        case Vote::any:
            return votes != 0 ? ALL : 0;
        case Vote::uni:
            return votes == peers || votes == 0 ? ALL : 0;
        default:
            return votes;
    }
}

// ops: d, a, negated, mask
template <Vote vote>
void run_vote(Warp &w, const Insn &insn) {
    Peers peers;
    if (!gather(w, insn, insn.ops[3], peers)) return;
    const Mask votes = w.pred(insn.ops[1], insn.ops[2]);
    uint32_t result[LANES];
    if (peers.masks == nullptr) {
        const Mask here = peers.of(w, 0), same = outcome(vote, votes & here, here);
        for (int l = 0; l < LANES; ++l) result[l] = same;
    } else {
        for (int l = 0; l < LANES; ++l)
            result[l] = outcome(vote, votes & peers.of(w, l), peers.of(w, l));
    }
    if (vote == Vote::ballot) {
        w.set<uint32_t>(insn.ops[0], [&](int l) { return result[l]; });
    } else {
        Mask mask = 0;
        for (int l = 0; l < LANES; ++l) mask |= result[l] & 1u << l;
        w.set_pred(insn.ops[0], mask);
    }
}

void decode_vote(Decoding &d) {
    if (!d.take("sync")) d.refuse("vote without .sync does not exist since sm_70");
    const std::string name = d.take_one_of({"all", "any", "uni", "ballot"});
    if (name.empty()) d.refuse("vote.sync.{all, any, uni, ballot} is expected");
    const bool ballot = name == "ballot";
    if (!d.take(ballot ? "b32" : "pred")) d.refuse("the type is .pred, or .b32 of a ballot");
    if (ballot)
        d.write(d.operand(0), Type::b32);
    else
        d.write_pred(d.operand(0));
    d.read_pred(d.operand(1));
    d.read(d.operand(2), Type::u32);
    d.meets();
    d.insn.cls = Class::warp;
    d.insn.run = ballot          ? run_vote<Vote::ballot>
                 : name == "all" ? run_vote<Vote::all>
                 : name == "any" ? run_vote<Vote::any>
                                 : run_vote<Vote::uni>;
}

template <class T>
Mask lanes_with(const T *a, T value, Mask lanes) {
    Mask same = 0;
    for (int l = 0; l < LANES; ++l) same |= (Mask)(a[l] == value) << l;
    return same & lanes;
}

// ops: d, a, mask
template <class T>
void run_match_any(Warp &w, const Insn &insn) {
    Peers peers;
    if (!gather(w, insn, insn.ops[2], peers)) return;
    const T *a = w.at<T>(insn.ops[1]);
    uint32_t result[LANES];
    for (int l = 0; l < LANES; ++l) result[l] = lanes_with(a, a[l], peers.of(w, l));
    w.set<uint32_t>(insn.ops[0], [&](int l) { return result[l]; });
}

// ops: d, p, a, mask
template <class T>
void run_match_all(Warp &w, const Insn &insn) {
    Peers peers;
    if (!gather(w, insn, insn.ops[3], peers)) return;
    const T *a = w.at<T>(insn.ops[2]);
    uint32_t result[LANES];
    Mask equal = 0;
    for (int l = 0; l < LANES; ++l) {
        const Mask here = peers.of(w, l);
        const bool all = lanes_with(a, a[l], here) == here;
        result[l] = all ? here : 0;
        equal |= (Mask)all << l;
    }
    w.set<uint32_t>(insn.ops[0], [&](int l) { return result[l]; });
    w.set_pred(insn.ops[1], equal);
}

void decode_match(Decoding &d) {
    const std::string name = d.take_one_of({"any", "all"});
    if (!d.take("sync") || name.empty()) d.refuse("match.{any, all}.sync is expected");
    const Type type = d.take_type();
    if (type != Type::b32 && type != Type::b64) d.refuse("the type is .b32 or .b64");
    const Operand &to = d.operand(0);
    const bool all = name == "all", pair = to.kind == Operand::pair;
    if (pair && !all) d.refuse("only match.all has a predicate");
    static const Operand nobody;
    d.write(pair ? to.parts[0] : to, Type::b32);
    if (all) d.write_pred(pair ? to.parts[1] : nobody);
    d.read(d.operand(1), type);
    d.read(d.operand(2), Type::u32);
    d.meets();
    d.insn.cls = Class::warp;
    d.insn.run = type == Type::b32 ? all ? run_match_all<uint32_t> : run_match_any<uint32_t>
                 : all ? run_match_all<uint64_t>
                                   : run_match_any<uint64_t>;
}

void run_activemask(Warp &w, const Insn &insn) {
    const Mask lanes = w.exec;
    w.set<uint32_t>(insn.ops[0], [&](int) { return lanes; });
}

void decode_activemask(Decoding &d) {
    if (!d.take("b32")) d.refuse("activemask.b32 is expected");
    d.write(d.operand(0), Type::b32);
    d.insn.cls = Class::warp;
    d.insn.run = run_activemask;
}

// ops: d, p, mask.  The leader is the lane with the least number: PTX says only that it is always the
// same one.
void run_elect(Warp &w, const Insn &insn) {
    Peers peers;
    if (!gather(w, insn, insn.ops[2], peers)) return;
    uint32_t leader[LANES];
    Mask elected = 0;
    for (int l = 0; l < LANES; ++l) {
        leader[l] = first_lane(peers.of(w, l) | 1u << 31);
        elected |= (Mask)(leader[l] == (uint32_t)l) << l;
    }
    w.set<uint32_t>(insn.ops[0], [&](int l) { return leader[l]; });
    w.set_pred(insn.ops[1], elected);
}

void decode_elect(Decoding &d) {
    const Operand &to = d.operand(0);
    if (!d.take("sync") || to.kind != Operand::pair) d.refuse("elect.sync d|p, mask is expected");
    d.write(to.parts[0], Type::b32);
    d.write_pred(to.parts[1]);
    d.read(d.operand(1), Type::u32);
    d.meets();
    d.insn.cls = Class::warp;
    d.insn.run = run_elect;
}

RegisterDecoder vote{"vote", decode_vote};
RegisterDecoder match{"match", decode_match};
RegisterDecoder activemask{"activemask", decode_activemask};
RegisterDecoder elect{"elect", decode_elect};

}  // namespace
