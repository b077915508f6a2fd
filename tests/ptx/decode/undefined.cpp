// Reads of registers that nothing has written: what a GPU finds there is left to chance.
#include <bit>
#include <unordered_map>

#include "../checks/findings.h"
#include "../machine/block.h"
#include "function_decoder.h"

namespace {

struct Watched {
    Handler run;
    std::string name;
};
std::unordered_map<const Insn *, Watched> watched;

void run_undefined(Warp &w, const Insn &insn) {
    const Watched &its = watched.at(&insn);
    finding(w, insn, std::countr_zero(w.exec), Check::uninitialised,
            "reads register %s, which no instruction before it writes", its.name.c_str());
    its.run(w, insn);
}

}  // namespace

void watch_undefined(Insn &insn, const std::string &name) {
    if (insn.run == run_undefined) return;
    watched[&insn] = {insn.run, name};
    insn.run = run_undefined;
}
