// Fences, and what tells or asks about memory without an access to it: prefetch, cache policies,
// isspacep.
#include <bit>
#include <cstring>

#include "access.h"
#include "async_decode.h"

namespace {

// ---- fences ----
// insn.imm: the scope.
void run_fence(Warp &w, const Insn &insn) { w.clock.fence((Scope)insn.imm); }
void run_fence_acquire(Warp &w, const Insn &insn) { w.clock.fence_acquire((Scope)insn.imm); }
void run_fence_release(Warp &w, const Insn &insn) { w.clock.fence_release((Scope)insn.imm); }

void decode_membar(Decoding &d) {
    d.insn.cls = Class::sync;
    if (d.take("proxy")) {
        d.refuse("membar.proxy is fence.proxy");
    }
    const std::string level = d.take_one_of({"cta", "gl", "sys"});
    if (level.empty()) d.refuse("no level of .cta, .gl, .sys");
    d.insn.imm = (int)scope_of(level);
    d.insn.run = run_fence;
}

void decode_fence(Decoding &d) {
    d.insn.cls = Class::sync;
    if (decode_proxy_fence(d)) return;
    const std::string order = d.take_one_of({"sc", "acq_rel", "acquire", "release"});
    const std::string scope = take_scope(d);
    if (scope.empty()) d.refuse("a scope is missing");
    d.insn.imm = (int)scope_of(scope);
    const std::string restricted =
        d.take_one_of({"sync_restrict::shared::cluster", "sync_restrict::shared::cta"});
    if (!restricted.empty() && restricted.ends_with("cluster") != (order == "acquire"))
        d.refuse("." + restricted + " with ." + order);
    d.insn.run = order == "acquire"   ? run_fence_acquire
                 : order == "release" ? run_fence_release
                                      : run_fence;
}

// ---- hints that change nothing ----
void run_nothing(Warp &, const Insn &) {}

void take_hint_address(Decoding &d) {
    d.read_address(d.operand(0));
    d.insn.run = run_nothing;
}

void decode_prefetch(Decoding &d) {
    d.take_one_of({"global", "local", "const", "param"});
    if (!d.take("tensormap") &&
        d.take_one_of({"L1", "L2", "L2::evict_last", "L2::evict_normal"}).empty())
        d.refuse("a cache level is missing");
    take_hint_address(d);
}

void decode_prefetchu(Decoding &d) {
    if (!d.take("L1")) d.refuse("only .L1");
    take_hint_address(d);
}

void decode_applypriority(Decoding &d) {
    d.take("global");
    if (!d.take("L2::evict_normal")) d.refuse("only .L2::evict_normal");
    if (d.immediate(d.operand(1)) != 128) d.refuse("a size other than 128");
    take_hint_address(d);
}

// ---- discard: what 128 bytes hold is lost ----
void run_discard(Warp &w, const Insn &insn) {
    uint64_t address[LANES];
    addresses_of(w, insn, form_of(insn), address);
    for (Mask rest = w.exec; rest != 0; rest &= rest - 1) {
        const int l = std::countr_zero(rest);
        unsigned char *at =
            resolve_range(w, insn, l, Space::global, Access::store, address[l], 128, false);
        if (at != nullptr) std::memset(at, 0xA5, 128);
    }
}

void decode_discard(Decoding &d) {
    AccessForm form;
    form.space = Space::global;
    d.take("global");
    if (!d.take("L2")) d.refuse("only .L2");
    if (d.immediate(d.operand(1)) != 128) d.refuse("a size other than 128");
    d.read_address(d.operand(0));
    d.insn.cls = Class::store;
    d.insn.extra = d.keep(form);
    d.insn.run = run_discard;
}

// ---- createpolicy: the value means something to caches only ----
void run_createpolicy(Warp &w, const Insn &insn) {
    w.set<uint64_t>(insn.ops[0], [](int) { return 0; });
}

void decode_createpolicy(Decoding &d) {
    const std::string kind = d.take_one_of({"fractional", "range", "cvt"});
    if (kind.empty()) d.refuse("neither .fractional nor .range nor .cvt");
    d.take("global");
    d.take("L2");
    d.ignore({"L2::evict_last", "L2::evict_normal", "L2::evict_first", "L2::evict_unchanged"});
    if (!d.take("b64")) d.refuse("only .b64");
    d.write(d.operand(0), Type::b64);
    size_t at = 1;
    if (kind == "range") d.read_address(d.operand(at++));
    for (; at < d.operands(); ++at)
        d.read(d.operand(at), kind == "fractional" ? Type::f32
                              : kind == "range"    ? Type::u32
                                                   : Type::b64);
    d.insn.run = run_createpolicy;
}

// ---- isspacep ----
void run_isspacep(Warp &w, const Insn &insn) {
    const uint64_t *address = w.at<uint64_t>(insn.ops[1]);
    const Launch &launch = *w.block->launch;
    const uint64_t params = (uint64_t)launch.params.data(), size = launch.params.size();
    Mask shared = 0, local = 0, param = 0, own = 0;
    for (int l = 0; l < LANES; ++l) {
        const uint32_t rank = address[l] >> 24 & 0xff;
        shared |= (Mask)(address[l] >> 56 == SHARED_WINDOW >> 56) << l;
        local |= (Mask)(address[l] >> 56 == LOCAL_WINDOW >> 56) << l;
        param |= (Mask)(address[l] - params < size) << l;
        own |= (Mask)(rank == 0 || rank == (uint32_t)w.block->rank + 1) << l;
    }
    switch ((Space)insn.imm) {
        case Space::shared:
            return w.set_pred(insn.ops[0], insn.imm2 ? shared : shared & own);
        case Space::local:
            return w.set_pred(insn.ops[0], local);
        case Space::param:
            return w.set_pred(insn.ops[0], param);
        default:
            return w.set_pred(insn.ops[0], ~(shared | local | param));
    }
}

void decode_isspacep(Decoding &d) {
    const std::string space = d.take_one_of(
        {"global", "local", "shared", "shared::cta", "shared::cluster", "param", "param::entry"});
    if (space.empty()) d.refuse("of .global, .local, .shared and .param one is expected");
    const Space which = space == "global"            ? Space::global
                        : space == "local"           ? Space::local
                        : space.starts_with("param") ? Space::param
                                                     : Space::shared;
    if (d.width_of(d.operand(1)) == 32) d.refuse("an address of 32 bits");
    d.write_pred(d.operand(0));
    d.read(d.operand(1), Type::u64);
    d.insn.imm = (int)which;
    d.insn.imm2 = space == "shared::cluster";
    d.insn.cls = Class::integer;
    d.insn.run = run_isspacep;
}

RegisterDecoder membar{"membar", decode_membar};
RegisterDecoder fence{"fence", decode_fence};
RegisterDecoder prefetch{"prefetch", decode_prefetch};
RegisterDecoder prefetchu{"prefetchu", decode_prefetchu};
RegisterDecoder applypriority{"applypriority", decode_applypriority};
RegisterDecoder discard{"discard", decode_discard};
RegisterDecoder createpolicy{"createpolicy", decode_createpolicy};
RegisterDecoder isspacep{"isspacep", decode_isspacep};

}  // namespace
