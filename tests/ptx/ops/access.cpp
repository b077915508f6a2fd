// Decodes what the instructions that access memory have in common.
#include "access.h"

std::string take_scope(Decoding &d) { return d.take_one_of({"cta", "cluster", "gpu", "sys"}); }

Scope scope_of(const std::string &scope) { return scope == "cta" ? Scope::block : Scope::device; }

void take_order(Decoding &d, AccessForm &form, Order otherwise) {
    const std::string order =
        d.take_one_of({"weak", "volatile", "relaxed", "acquire", "release", "acq_rel"});
    const bool mmio = d.take("mmio");
    if (order.empty() && mmio) d.refuse(".mmio without .relaxed");
    const bool scoped = !order.empty() && order != "weak" && order != "volatile";
    const std::string scope = take_scope(d);
    if (scoped && scope.empty() && otherwise == Order::weak) d.refuse("." + order + " without a scope");
    if (!scoped && !scope.empty() && otherwise == Order::weak) d.refuse("a scope without an order");
    if (mmio && (order != "relaxed" || scope != "sys")) d.refuse(".mmio is not .relaxed.sys");
    form.scope = scope_of(scope);
    form.order = order == "weak"      ? Order::weak
                 : order == "acquire" ? Order::acquire
                 : order == "release" ? Order::release
                 : order == "acq_rel" ? Order::both
                 : order.empty()      ? otherwise
                                      : Order::relaxed;
}

Space take_space(Decoding &d, const Operand &address) {
    const Space named = d.address_space_of(address);
    const std::string space = d.take_one_of({"global", "shared", "shared::cta", "shared::cluster",
                                             "local", "const", "param", "param::entry", "param::func"});
    if (space.empty()) return named;
    if (space == "global") return Space::global;
    if (space == "local") return Space::local;
    if (space == "const") return Space::constant;
    // Parameters of functions and calls are local memory.
    if (space.starts_with("param")) return named == Space::local ? Space::local : Space::param;
    return Space::shared;
}

void take_cache_hints(Decoding &d, size_t at) {
    d.ignore({"ca",
              "cg",
              "cs",
              "lu",
              "cv",
              "wb",
              "wt",
              "nc",
              "L1::evict_normal",
              "L1::evict_unchanged",
              "L1::evict_first",
              "L1::evict_last",
              "L1::no_allocate",
              "L2::evict_normal",
              "L2::evict_first",
              "L2::evict_last",
              "L2::64B",
              "L2::128B",
              "L2::256B",
              "unified"});
    if (d.take("L2::cache_hint"))
        d.read(d.operand(at), Type::b64);
    else if (d.operands() > at)
        d.refuse("has more than " + std::to_string(at) + " operands");
}
