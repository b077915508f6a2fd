// The report: for each kernel its launches, how they fill the device, and what it did, also by source
// line.
#include "report.h"

#include <cstdlib>
#include <cstring>
#include <map>

#include "../checks/findings.h"
#include "../cuda/launch.h"
#include "json.h"
#include "tally.h"

namespace {

void write_size(Json &json, const char *name, const Size3 &s) {
    json.key(name);
    json.open('[');
    json.number(s.x), json.number(s.y), json.number(s.z);
    json.close(']');
}

void write_device(Json &json) {
    const Device &d = device();
    json.key("device");
    json.open('{');
    json.field("name", std::string(d.name));
    json.field("major", d.major), json.field("minor", d.minor);
    json.field("multiprocessors", d.multiprocessors);
    json.field("warps_per_multiprocessor", d.threads_per_multiprocessor / LANES);
    json.close('}');
}

// How the launches of one shape fill the device.
void write_shape(Json &json, const Program &program, const Shape &s, uint64_t launches) {
    const Occupancy o = occupancy_of(program, s.block.product(), s.dynamic_shared);
    const double together = (double)o.blocks() * device().multiprocessors;
    const double warps = (double)((s.block.product() + LANES - 1) / LANES) * o.blocks();
    json.open('{');
    write_size(json, "grid", s.grid);
    write_size(json, "block", s.block);
    write_size(json, "cluster", s.cluster);
    json.field("dynamic_shared", s.dynamic_shared);
    json.field("launches", launches);
    json.field("blocks_per_multiprocessor", o.blocks());
    json.field("limited_by", std::string(o.limit()));
    json.field("occupancy", warps * LANES / device().threads_per_multiprocessor);
    json.field("waves", s.grid.product() / together);
    json.close('}');
}

template <class Key>
void write_named(Json &json, const char *name, const uint64_t *values) {
    json.key(name);
    json.open('{');
    for (int i = 0; i < (int)Key::count; ++i)
        if (values[i] > 0) json.field(name_of((Key)i), values[i]);
    json.close('}');
}

void write_traffic(Json &json, const char *name, const char *unit, const Traffic *traffic) {
    json.key(name);
    json.open('{');
    for (int i = 0; i < (int)Way::count; ++i) {
        if (traffic[i].requests == 0) continue;
        json.key(name_of((Way)i));
        json.open('{');
        json.field("requests", traffic[i].requests), json.field("bytes", traffic[i].bytes);
        json.field(unit, traffic[i].units), json.field("ideal", traffic[i].ideal);
        json.close('}');
    }
    json.close('}');
}

void write_tally(Json &json, const Tally &t) {
    json.field("warp_instructions", t.all_warps());
    json.field("thread_instructions", t.all_threads());
    write_named<Class>(json, "warp_instructions_by_class", t.warps);
    write_named<Class>(json, "thread_instructions_by_class", t.threads);
    write_named<Unit>(json, "flop", t.flop);
    write_traffic(json, "global", "sectors", t.global);
    write_traffic(json, "shared", "wavefronts", t.shared);
}

void write_lines(Json &json, const Program &program) {
    std::map<std::string, Tally> lines;
    for (const Insn &insn : program.code)
        if (insn.counts.warps > 0) lines[place_of(program, insn)].add(insn);
    json.key("lines");
    json.open('[');
    for (const auto &[place, tally] : lines) {
        json.line();
        json.open('{');
        json.field("place", place);
        write_tally(json, tally);
        json.close('}');
    }
    json.close(']');
}

// The lines of the PTX that ran.
void write_executed(Json &json, const Program &program) {
    json.key("executed_ptx_lines");
    json.open('[');
    for (const Insn &insn : program.code)
        if (insn.counts.warps > 0) json.number(insn.line);
    json.close(']');
}

void write_kernel(Json &json, const Kernel &kernel) {
    const Program &p = *kernel.program;
    Tally tally;
    for (const Insn &insn : p.code) tally.add(insn);
    json.line();
    json.open('{');
    json.field("name", p.readable), json.field("symbol", p.name);
    json.field("target", kernel.binary->fat.target);
    json.field("registers", p.registers), json.field("shared_bytes", p.shared_bytes);
    json.field("local_bytes", p.local_bytes);
    json.field("launches", p.launches), json.field("blocks", p.blocks),
        json.field("threads", p.threads);
    json.field("waves", p.waves);
    json.key("shapes");
    json.open('[');
    for (const auto &[shape, launches] : kernel.shapes) write_shape(json, p, shape, launches);
    json.close(']');
    write_tally(json, tally);
    write_lines(json, p);
    write_executed(json, p);
    json.close('}');
}

__attribute__((destructor)) void at_end() {
    const char *path = std::getenv("KAIROS_PTX_REPORT");
    if (path == nullptr || *path == '\0') return;
    std::FILE *file = std::fopen(path, "w");
    if (file == nullptr) {
        std::fprintf(stderr, "ptx: cannot write %s: %s\n", path, std::strerror(errno));
        return;
    }
    write_report(file);
    if (std::fclose(file) != 0)
        std::fprintf(stderr, "ptx: cannot write %s: %s\n", path, std::strerror(errno));
}

}  // namespace

void write_report(std::FILE *file) {
    Json json(file);
    json.open('{');
    write_device(json);
    json.key("kernels");
    json.open('[');
    for (const Kernel *kernel : kernels_that_ran()) write_kernel(json, *kernel);
    json.close(']');
    json.close('}');
    json.line();
}
