// Fences between generic and asynchronous accesses.
#include "async_decode.h"
#include "async_operands.h"

namespace {

void run_proxy_fence(Warp &w, const Insn &) { w.clock.proxy_fence(); }
void run_fence(Warp &w, const Insn &) { w.clock.fence(Scope::device); }
void run_init_fence(Warp &w, const Insn &) { w.clock.fence_release(Scope::device); }

void decode_tensormap_fence(Decoding &d) {
    if (d.take_one_of({"cta", "cluster", "gpu", "sys"}).empty()) d.refuse("a scope is missing");
    if (d.take("acquire")) {
        int at = 0;
        take_address(d, d.operand(0), at);
        if (d.immediate(d.operand(1)) != 128) d.refuse("only of 128 bytes");
    } else if (!d.take("release")) {
        d.refuse("neither .acquire nor .release");
    }
    d.insn.run = run_fence;
}

}  // namespace

bool decode_proxy_fence(Decoding &d) {
    d.insn.cls = Class::sync;
    if (d.take("mbarrier_init")) {
        if (!d.take("release") || !d.take("cluster")) d.refuse("only .mbarrier_init.release.cluster");
        d.insn.run = run_init_fence;
        return true;
    }
    if (!d.take("proxy")) return false;
    if (d.take("tensormap::generic")) {
        decode_tensormap_fence(d);
    } else if (d.take("async")) {
        d.take_one_of({"global", "shared::cta", "shared::cluster"});
        d.insn.run = run_proxy_fence;
    } else if (d.take("async::generic")) {
        const std::string way = d.take_one_of({"acquire", "release"});
        const std::string what =
            way == "acquire" ? "sync_restrict::shared::cluster" : "sync_restrict::shared::cta";
        if (way.empty() || !d.take(what.c_str()) || !d.take("cluster"))
            d.refuse("a form that is not supported");
        d.insn.run = run_proxy_fence;
    } else if (d.take("alias")) {
        d.insn.run = run_fence;
    } else {
        d.refuse("a proxy that is not supported");
    }
    return true;
}
