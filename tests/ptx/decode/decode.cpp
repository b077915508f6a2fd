// Programs: an entry with all that it calls, its memory, its constants.
#include "decode.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "function_decoder.h"

namespace {

std::unordered_map<std::string, Decoder> &registry() {
    static std::unordered_map<std::string, Decoder> all;
    return all;
}

constexpr uint64_t MOST_LOCAL = 512 << 10;   // bytes of a thread, as GPUs have it
constexpr uint64_t MOST_PARAMETERS = 32764;  // bytes of a kernel

uint64_t aligned(uint64_t at, int align) { return (at + align - 1) / align * align; }

std::string readable(const std::string &name) {
    int status = 0;
    char *text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
    std::string result = status == 0 ? text : name;
    std::free(text);
    return result;
}

}  // namespace

RegisterDecoder::RegisterDecoder(const char *opcode, Decoder decoder) {
    if (!registry().emplace(opcode, decoder).second)
        std::abort();  // two families claim one instruction
}

Decoder find_decoder(const std::string &opcode) {
    const auto found = registry().find(opcode);
    return found == registry().end() ? nullptr : found->second;
}

ProgramDecoder::ProgramDecoder(LoadedModule &module, const Function &entry,
                               std::vector<PtxError> *errors)
    : module(module), entry(entry), errors(errors), program(std::make_unique<Program>()) {
    for (const Variable &variable : module.module.variables) variables_[variable.name] = &variable;
}

const Variable *ProgramDecoder::find_module_variable(const std::string &name) const {
    const auto found = variables_.find(name);
    return found == variables_.end() ? nullptr : found->second;
}

// 32 copies of 4 or 8 bytes.
int ProgramDecoder::constant(uint64_t value, bool wide) {
    const auto [known, fresh] =
        constants_.try_emplace({value, wide}, (int)(program->constants.size() / LANES));
    if (fresh)
        for (int lane = 0; lane < LANES; ++lane) {
            program->constants.push_back((uint32_t)value);
            if (wide) program->constants.push_back((uint32_t)(value >> 32));
        }
    return known->second;
}

// ---- memory ----

uint64_t ProgramDecoder::local_place(const Variable &variable) {
    const auto known = local_offset_.find(&variable);
    if (known != local_offset_.end()) return known->second;
    const uint64_t at = aligned(program->local_bytes, variable.align);
    if (at + variable.bytes > MOST_LOCAL)
        throw PtxError(entry.line, "kernel " + entry.name + ": local variables take too much");
    program->local_bytes = (int)(at + variable.bytes);
    return local_offset_[&variable] = at;
}

void ProgramDecoder::need_shared(const Variable &variable) {
    if (std::find(shared_.begin(), shared_.end(), &variable) == shared_.end())
        shared_.push_back(&variable);
}

void ProgramDecoder::lay_out_parameters() {
    uint64_t at = 0;
    for (const Variable &variable : entry.params) {
        at = aligned(at, variable.align);
        if (at + variable.bytes > MOST_PARAMETERS)
            throw PtxError(entry.line, "kernel " + entry.name + ": parameters take too much");
        program->params.push_back({(int)at, (int)variable.bytes});
        at += variable.bytes;
    }
    program->param_bytes = (int)at;
}

// Static variables in the order of their use, then the place that all extern arrays share.
void ProgramDecoder::lay_out_shared() {
    uint64_t at = SHARED_BEGIN;
    for (const Variable *variable : shared_) {
        if (variable->bytes == 0) {
            program->shared_align = std::max(program->shared_align, variable->align);
            continue;
        }
        at = aligned(at, variable->align);
        shared_offset_[variable] = (uint32_t)at;
        at += variable->bytes;
        if (at > 1 << 24)
            throw PtxError(entry.line, "kernel " + entry.name + ": shared variables take too much");
    }
    at = aligned(at, program->shared_align);
    for (const Variable *variable : shared_)
        if (variable->bytes == 0) shared_offset_[variable] = (uint32_t)at;
    program->shared_bytes = (int)(at - SHARED_BEGIN);
}

// ---- functions ----

int ProgramDecoder::number_of(const FunctionDecoder *function) const {
    for (size_t i = 0; i < functions_.size(); ++i)
        if (functions_[i].get() == function) return (int)i;
    std::abort();
}

FunctionDecoder *ProgramDecoder::callee(const std::string &name, const Statement &statement,
                                        const FunctionDecoder &caller) {
    const auto body = module.functions.find(name);
    if (body == module.functions.end()) {
        for (const Function &declared : module.module.functions)
            if (declared.name == name) return nullptr;
        caller.fail(statement, "unknown function '" + name + "'");
    }
    for (const FunctionDecoder *active : active_)
        if (&active->function == body->second) caller.fail(statement, "recursion of '" + name + "'");
    for (const auto &known : functions_)
        if (&known->function == body->second) return known.get();
    functions_.push_back(std::make_unique<FunctionDecoder>(*this, *body->second));
    FunctionDecoder *function = functions_.back().get();
    active_.push_back(function);
    function->decode();
    active_.pop_back();
    return function;
}

void ProgramDecoder::assemble() {
    int instructions = 0, slots = 0, preds = 0;
    for (const auto &function : functions_) {
        function->allocate();
        function->place(instructions, slots, preds);
        instructions += (int)function->items.size();
        slots += function->slots;
        preds += function->preds;
    }
    program->slots = slots;
    program->preds = preds;
    program->code.reserve(instructions);
    for (const auto &function : functions_) {
        for (FunctionDecoder::Item &item : function->items)
            if (const auto offset = shared_offset_.find((const Variable *)item.insn.extra);
                item.insn.run == shared_address_handler(false) ||
                item.insn.run == shared_address_handler(true)) {
                item.insn.imm = offset->second;
                item.insn.extra = nullptr;
            }
        function->append_to(*program);
    }
    size_t at = 0, i = 0;
    for (const auto &function : functions_)
        for (const FunctionDecoder::Item &item : function->items) {
            program->code[i++].ops = program->operands.data() + at;
            at += item.count;
        }
}

Program *ProgramDecoder::decode() {
    program->name = entry.name;
    program->readable = readable(entry.name);
    program->module = &module.module;
    program->max_threads = entry.max_threads;
    program->min_blocks = entry.min_blocks;
    std::copy_n(entry.required_threads, 3, program->required_threads);
    std::copy_n(entry.required_cluster, 3, program->required_cluster);
    program->explicit_cluster = entry.explicit_cluster;
    lay_out_parameters();
    functions_.push_back(std::make_unique<FunctionDecoder>(*this, entry));
    active_.push_back(functions_.back().get());
    functions_.front()->decode();
    lay_out_shared();
    assemble();
    return program.release();
}

Program *decode_entry(LoadedModule &module, const Function &entry, std::vector<PtxError> *errors) {
    return ProgramDecoder(module, entry, errors).decode();
}
