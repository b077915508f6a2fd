// Decodes all kernels of PTX files and says of each how large it is and which statements nobody
// understands.
//   ptxcheck FILE.ptx...
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "../decode/decode.h"
#include "../decode/loaded.h"

namespace {

// Nothing runs: any address will do.
void invent_addresses(LoadedModule &loaded) {
    uint64_t at = 0x7000'0000'0000;
    for (const Variable &variable : loaded.module.variables) {
        if (variable.space != Variable::global && variable.space != Variable::constant) continue;
        at = (at + variable.align - 1) / variable.align * variable.align;
        loaded.variables[variable.name] = (void *)at;
        at += variable.bytes + 256;
    }
    for (const Function &function : loaded.module.functions)
        if (!function.external) loaded.functions[function.name] = &function;
}

int check_kernel(LoadedModule &loaded, const Function &entry) {
    std::vector<PtxError> errors;
    const std::unique_ptr<Program> program(decode_entry(loaded, entry, &errors));
    int leaders = 0;
    for (const Insn &insn : program->code) leaders += insn.leader;
    std::printf(
        "%s: %zu instructions (%d leaders), %d slots, %d predicates, %d bytes shared, %d local\n",
        program->readable.c_str(), program->code.size(), leaders, program->slots, program->preds,
        program->shared_bytes, program->local_bytes);
    for (const PtxError &error : errors) std::printf("  %s\n", error.what());
    return (int)errors.size();
}

int check_file(const char *path) {
    std::ifstream file(path);
    if (!file) {
        std::fprintf(stderr, "%s: cannot be read\n", path);
        return 1;
    }
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    int errors = 0;
    try {
        LoadedModule loaded;
        loaded.module = parse_module(text);
        invent_addresses(loaded);
        for (const Function &function : loaded.module.functions)
            if (function.entry && !function.external) errors += check_kernel(loaded, function);
    } catch (const PtxError &error) {
        std::printf("%s: %s\n", path, error.what());
        ++errors;
    }
    return errors;
}

}  // namespace

int main(int count, char **arguments) {
    int errors = 0;
    for (int i = 1; i < count; ++i) errors += check_file(arguments[i]);
    return errors == 0 ? 0 : 1;
}
