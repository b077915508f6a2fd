// Which counter of an instruction goes where.
#include "tally.h"

#include <numeric>

namespace {

Way way_of(const Insn &insn) {
    switch (insn.cls) {
        case Class::store:
            return Way::store;
        case Class::atomic:
            return Way::atomic;
        case Class::async:
            return Way::copy;
        default:
            return Way::load;
    }
}

void add_traffic(Traffic &t, const Counts &c, uint64_t units, uint64_t ideal) {
    if (units == 0) return;
    t.requests += c.warps, t.bytes += c.bytes, t.units += units, t.ideal += ideal;
}

}  // namespace

void Tally::add(const Insn &insn) {
    const Counts &c = insn.counts;
    warps[(int)insn.cls] += c.warps;
    threads[(int)insn.cls] += c.lanes;
    flop[(int)insn.unit] += insn.flops * (insn.cls == Class::matrix ? c.warps : c.lanes);
    add_traffic(global[(int)way_of(insn)], c, c.sectors, c.ideal);
    add_traffic(shared[(int)way_of(insn)], c, c.wavefronts, c.ideal_wavefronts);
}

uint64_t Tally::all_warps() const {
    return std::accumulate(std::begin(warps), std::end(warps), (uint64_t)0);
}
uint64_t Tally::all_threads() const {
    return std::accumulate(std::begin(threads), std::end(threads), (uint64_t)0);
}

const char *name_of(Class cls) {
    static const char *const NAMES[] = {"integer", "float32", "float64", "half",  "convert",
                                        "special", "control", "load",    "store", "atomic",
                                        "sync",    "warp",    "matrix",  "async", "other"};
    static_assert(std::size(NAMES) == (size_t)Class::count);
    return NAMES[(int)cls];
}

const char *name_of(Unit unit) {
    static const char *const NAMES[] = {"none",       "fp32",        "fp64",        "fp16",
                                        "tensor_f16", "tensor_bf16", "tensor_tf32", "tensor_f8",
                                        "tensor_s8",  "tensor_f64"};
    static_assert(std::size(NAMES) == (size_t)Unit::count);
    return NAMES[(int)unit];
}

const char *name_of(Way way) {
    static const char *const NAMES[] = {"load", "store", "atomic", "copy"};
    static_assert(std::size(NAMES) == (size_t)Way::count);
    return NAMES[(int)way];
}
