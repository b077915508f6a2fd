// Special registers: where a thread is, and what time it is.
#include <unordered_map>

#include "../machine/block.h"
#include "lanes.h"

namespace {

// ---- the same in all lanes of a warp ----

using Value = uint64_t (*)(const Warp &);

const Launch &launch_of(const Warp &w) { return *w.block->launch; }
int warps_of_multiprocessor() { return device().threads_per_multiprocessor / LANES; }
uint64_t shared_bytes(const Warp &w) { return w.program->shared_bytes + launch_of(w).dynamic_shared; }

#define VALUE(expression)           \
    [](const Warp &w) -> uint64_t { \
        (void)w;                    \
        return expression;          \
    }
const std::unordered_map<std::string, Value> UNIFORM = {
    {"%ntid.x", VALUE(launch_of(w).block.x)},
    {"%ntid.y", VALUE(launch_of(w).block.y)},
    {"%ntid.z", VALUE(launch_of(w).block.z)},
    {"%ctaid.x", VALUE(w.block->id.x)},
    {"%ctaid.y", VALUE(w.block->id.y)},
    {"%ctaid.z", VALUE(w.block->id.z)},
    {"%nctaid.x", VALUE(launch_of(w).grid.x)},
    {"%nctaid.y", VALUE(launch_of(w).grid.y)},
    {"%nctaid.z", VALUE(launch_of(w).grid.z)},
    {"%warpid", VALUE(w.index)},
    {"%nwarpid", VALUE(warps_of_multiprocessor())},
    {"%smid", VALUE(w.block->number % device().multiprocessors)},
    {"%nsmid", VALUE(device().multiprocessors)},
    {"%gridid", VALUE(launch_of(w).number)},
    {"%clock", VALUE((uint32_t)scheduler_now())},
    {"%clock_hi", VALUE(scheduler_now() >> 32)},
    {"%clock64", VALUE(scheduler_now())},
    {"%globaltimer", VALUE(scheduler_now())},
    {"%globaltimer_lo", VALUE((uint32_t)scheduler_now())},
    {"%globaltimer_hi", VALUE(scheduler_now() >> 32)},
    {"%clusterid.x", VALUE(w.block->cluster->id.x)},
    {"%clusterid.y", VALUE(w.block->cluster->id.y)},
    {"%clusterid.z", VALUE(w.block->cluster->id.z)},
    {"%nclusterid.x", VALUE(launch_of(w).grid.x / w.block->cluster->size.x)},
    {"%nclusterid.y", VALUE(launch_of(w).grid.y / w.block->cluster->size.y)},
    {"%nclusterid.z", VALUE(launch_of(w).grid.z / w.block->cluster->size.z)},
    {"%cluster_ctaid.x", VALUE(w.block->id.x % w.block->cluster->size.x)},
    {"%cluster_ctaid.y", VALUE(w.block->id.y % w.block->cluster->size.y)},
    {"%cluster_ctaid.z", VALUE(w.block->id.z % w.block->cluster->size.z)},
    {"%cluster_nctaid.x", VALUE(w.block->cluster->size.x)},
    {"%cluster_nctaid.y", VALUE(w.block->cluster->size.y)},
    {"%cluster_nctaid.z", VALUE(w.block->cluster->size.z)},
    {"%cluster_ctarank", VALUE(w.block->rank)},
    {"%cluster_nctarank", VALUE(w.block->cluster->size.product())},
    {"%dynamic_smem_size", VALUE(launch_of(w).dynamic_shared)},
    {"%total_smem_size", VALUE(shared_bytes(w))},
    {"%aggr_smem_size", VALUE(shared_bytes(w) + device().shared_reserved)},
    {"%current_graph_exec", VALUE(0)},
    // The address of a cooperative grid's workspace, as cooperative_groups/details/driver_abi.h reads
    // it.
    {"%envreg1", VALUE(launch_of(w).workspace >> 32)},
    {"%envreg2", VALUE((uint32_t)launch_of(w).workspace)},
};

template <class T>
void run_uniform(Warp &w, const Insn &insn) {
    const T value = (*(const Value *)insn.extra)(w);
    w.set<T>(insn.ops[0], [=](int) { return value; });
}

// ---- of each lane ----

template <unsigned Size3::*part>
void run_thread(Warp &w, const Insn &insn) {
    const Size3 &size = w.block->launch->block;
    const unsigned first = w.index * LANES;
    const unsigned per = part == &Size3::x ? 1 : part == &Size3::y ? size.x : size.x * size.y;
    const unsigned most = part == &Size3::x && size.y * size.z == 1 ? 0 : size.*part;
    w.set<uint32_t>(insn.ops[0], [=](int l) {
        const unsigned at = (first + l) / per;
        return most == 0 ? at : at % most;
    });
}
// Functions of the lane's number.
uint32_t lane(uint32_t l) { return l; }
uint32_t only(uint32_t l) { return 1u << l; }
uint32_t below(uint32_t l) { return (1u << l) - 1; }
uint32_t up_to(uint32_t l) { return (2u << l) - 1; }
uint32_t above(uint32_t l) { return ~up_to(l); }
uint32_t from(uint32_t l) { return ~below(l); }
template <auto F>
void run_lane(Warp &w, const Insn &insn) {
    w.set<uint32_t>(insn.ops[0], [](int l) { return F(l); });
}

const std::unordered_map<std::string, Handler> BY_LANE = {
    {"%tid.x", run_thread<&Size3::x>}, {"%tid.y", run_thread<&Size3::y>},
    {"%tid.z", run_thread<&Size3::z>}, {"%laneid", run_lane<lane>},
    {"%lanemask_eq", run_lane<only>},  {"%lanemask_lt", run_lane<below>},
    {"%lanemask_le", run_lane<up_to>}, {"%lanemask_gt", run_lane<above>},
    {"%lanemask_ge", run_lane<from>},
};

void run_explicit_cluster(Warp &w, const Insn &insn) {
    const bool is = w.program->explicit_cluster || w.block->cluster->size.product() > 1;
    w.set_pred(insn.ops[0], is ? ALL : 0);
}

}  // namespace

void decode_special_register(Decoding &d, Type type) {
    const std::string &name = d.operand(1).text;
    if (type == Type::pred) {
        if (name != "%is_explicit_cluster") d.refuse("no predicate " + name);
        d.write_pred(d.operand(0));
        d.insn.run = run_explicit_cluster;
        return;
    }
    if (bits_of(type) < 32) d.refuse(name + " in fewer than 32 bits");
    d.write(d.operand(0), type);
    const auto by_lane = BY_LANE.find(name);
    const auto uniform = UNIFORM.find(name);
    if (by_lane != BY_LANE.end()) {
        if (bits_of(type) != 32) d.refuse(name + " in another type than 32 bits");
        d.insn.run = by_lane->second;
    } else if (uniform != UNIFORM.end()) {
        d.insn.extra = &uniform->second;
        d.insn.run = bits_of(type) == 64 ? run_uniform<uint64_t> : run_uniform<uint32_t>;
    } else {
        d.refuse("unknown special register " + name);
    }
}
