// Warps: which of their lanes run, and which wait.
#include "warp.h"

#include <bit>

#include "block.h"

// So many blocks of code a group may run while others of its warp wait behind it.
constexpr int PATIENCE = 2000;

bool Warp::runnable() const {
    if (active != 0) return true;
    for (const Group &group : others)
        if (group.state == Group::runs) return true;
    return false;
}

// The group with the least pc, and all that stand there with it.
bool Warp::choose() {
    int least = -1;
    for (size_t k = 0; k < others.size(); ++k)
        if (others[k].state == Group::runs && (least < 0 || others[k].pc < others[least].pc)) least = k;
    if (least < 0) return false;
    pc = others[least].pc;
    active = 0;
    std::erase_if(others, [&](const Group &group) {
        if (group.state != Group::runs || group.pc != pc) return false;
        active |= group.lanes;
        return true;
    });
    return true;
}

void Warp::fork(int at, Mask lanes) {
    if (lanes == 0) return;
    others.push_back({at, lanes, Group::runs, at});
    active &= ~lanes;
    if (active == 0) leave = true;
}

// The executing lanes wait, and are to go on at `at`.
void Warp::stop(Group::State state, int at) {
    others.push_back({at, exec, state, pc - 1});
    active &= ~exec;
    if (active == 0) leave = true;
}

void Warp::wait() { stop(Group::blocked, pc); }

void Warp::wait_and_retry() { stop(Group::blocked, pc - 1); }

void Warp::resume(Mask lanes) {
    std::vector<Group> parts;
    for (Group &group : others) {
        const Mask rest = group.lanes & ~lanes;
        if (group.state != Group::blocked || rest == group.lanes) continue;
        if (rest != 0) parts.push_back({group.pc, rest, Group::blocked, group.where});
        group.lanes &= lanes;
        group.state = Group::runs;
    }
    others.insert(others.end(), parts.begin(), parts.end());
}

bool Warp::meet(Mask wanted, bool anywhere) {
    Mask missing = wanted & present & ~exec;
    if (missing == 0) return true;
    const Insn &insn = program->code[pc - 1];
    if (anywhere) {
        Mask there = 0;
        for (const Group &group : others)
            if (group.state == Group::meets && program->code[group.pc].run == insn.run)
                there |= group.lanes;
        if ((missing & ~there) == 0) {
            for (Group &group : others)
                if (group.state == Group::meets && (group.lanes & missing) != 0)
                    ++group.pc, group.state = Group::runs;
            return true;
        }
    }
    stop(Group::meets, pc - 1);
    return false;
}

void Warp::branch(int target) {
    const Mask rest = active & ~exec;
    if (rest == 0) {
        pc = target;
    } else if (target > pc) {
        fork(target, exec);
    } else {
        fork(pc, rest);
        pc = target;
    }
}

void Warp::exit() {
    present &= ~exec;
    active &= ~exec;
    if (active == 0) leave = true;
    // Who waits for an ended lane waits no longer.
    for (Group &group : others)
        if (group.state == Group::meets) group.state = Group::runs;
    leave_barriers(*this);
    leave_cluster_barrier(*this);
}

// At a place where lanes may meet again: those that are here already join, and whoever is further back
// runs first, unless it has spun for long: it may wait for lanes that are ahead.
void Warp::merge_or_switch() {
    int least = -1;
    for (size_t k = 0; k < others.size();) {
        Group &group = others[k];
        if (group.state != Group::blocked && group.pc == pc) {
            active |= group.lanes;
            others.erase(others.begin() + k);
            patience_ = 0;
            least = -1, k = 0;
            continue;
        }
        if (group.state == Group::runs && (least < 0 || group.pc < others[least].pc)) least = k;
        ++k;
    }
    if (least < 0) return;
    if (patience_ < 0) {
        ++patience_;
        return;
    }
    bool change = others[least].pc < pc;
    if (!change && ++patience_ > PATIENCE) change = true, patience_ = -PATIENCE;
    if (!change) return;
    Group &group = others[least];
    std::swap(group.pc, pc);
    std::swap(group.lanes, active);
    group.where = group.pc;
}

bool Warp::run(int budget) {
    const Insn *code = program->code.data();
    while (budget-- > 0) {
        if (active == 0 && !choose()) return false;
        if (code[pc].leader && !others.empty()) merge_or_switch();
        const Insn &insn = code[pc++];
        exec = active;
        if (insn.guard >= 0) exec &= insn.guard_negated ? ~preds[insn.guard] : preds[insn.guard];
        ++executed;
        if (exec == 0) continue;
        ++insn.counts.warps;
        insn.counts.lanes += std::popcount(exec);
        insn.run(*this, insn);
        if (leave) {
            leave = false;
            if (active != 0) break;
        }
    }
    return runnable();
}
