// What the instructions that access memory have in common: address, state space, order, cache hints.
#pragma once

#include "../checks/options.h"
#include "../checks/places.h"
#include "../decode/decode.h"
#include "../machine/block.h"
#include "../memory/memory.h"

// How an instruction accesses memory; in Insn::extra.
struct AccessForm {
    Space space = Space::generic;
    Order order = Order::weak;
    Scope scope = Scope::device;  // of a strong access
    int align = 1;
    int address = 0;      // index in Insn::ops
    uint32_t used = ~0u;  // of a load: which bytes anybody looks at
};

inline const AccessForm &form_of(const Insn &insn) { return *(const AccessForm *)insn.extra; }

// Computes the executing lanes' addresses.
inline void addresses_of(const Warp &w, const Insn &insn, const AccessForm &form,
                         uint64_t address[LANES]) {
    const int32_t op = insn.ops[form.address];
    if (insn.wide_address) {
        const uint64_t *base = w.at<uint64_t>(op);
        for (int l = 0; l < LANES; ++l) address[l] = base[l] + insn.imm;
    } else {
        const uint32_t *base = w.at<uint32_t>(op);
        for (int l = 0; l < LANES; ++l) address[l] = (uint32_t)(base[l] + (uint32_t)insn.imm);
    }
    if (form.space == Space::shared)
        for (int l = 0; l < LANES; ++l) address[l] = (uint32_t)address[l];
}

std::string take_scope(Decoding &d);  // "cta", "cluster", "gpu", "sys", or "" if none is there
Scope scope_of(const std::string &scope);
// Takes .weak, .volatile, .relaxed ... into `form` with their scope; `otherwise` if none is there.
void take_order(Decoding &d, AccessForm &form, Order otherwise);
// Takes the state space; without one it is the space of the variable that the address names, or
// generic.
Space take_space(Decoding &d, const Operand &address);
// Takes what concerns caches only; the operand of a cache hint is number `at`.
void take_cache_hints(Decoding &d, size_t at);
