// Programs for tests of the decoder, of instructions that are made for them: what it makes of a text.
#pragma once

#include <memory>

#include "../decode/decode.h"
#include "../decode/loaded.h"
#include "../machine/block.h"
#include "check.h"

namespace {

void run_nothing(Warp &, const Insn &) {}

Type type_of_width(int bits) {
    return bits == 128 ? Type::b128 : bits == 64 ? Type::b64 : bits == 16 ? Type::b16 : Type::b32;
}

// t_op TO, FROM...: registers of any width.
void decode_op(Decoding &d) {
    if (d.take("keep")) d.keep_slots();
    if (d.take("meets")) d.meets();
    for (size_t i = 0; i < d.operands(); ++i) {
        const Operand &o = d.operand(i);
        const int bits = d.width_of(o);
        if (bits == 1)
            i == 0 ? d.write_pred(o) : d.read_pred(o);
        else
            i == 0 ? d.write(o, type_of_width(bits)) : d.read(o, type_of_width(bits));
    }
    d.insn.run = run_nothing;
}

// t_add TO, A...: reads TO as well.
void decode_accumulate(Decoding &d) {
    d.read_write(d.operand(0), Type::b32);
    for (size_t i = 1; i < d.operands(); ++i) d.read(d.operand(i), Type::b32);
    d.insn.run = run_nothing;
}

void run_copy(Warp &w, const Insn &insn) {
    if (insn.count == 8)
        return w.set<uint64_t>(insn.ops[0], [&](int l) { return w.at<uint64_t>(insn.ops[1])[l]; });
    const uint32_t mask = insn.count == 4 ? ~0u : (1u << insn.count * 8) - 1;
    w.set<uint32_t>(insn.ops[0], [&](int l) { return w.at<uint32_t>(insn.ops[1])[l] & mask; });
}

// t_copy.TYPE TO, FROM
void decode_copy(Decoding &d) {
    const Type type = d.take_type();
    d.insn.count = (uint8_t)(bits_of(type) / 8);
    d.write(d.operand(0), type);
    d.read(d.operand(1), type);
    d.insn.run = run_copy;
}

// t_address [ADDRESS]
void decode_address(Decoding &d) {
    d.insn.imm2 = (int)d.address_space_of(d.operand(0));
    d.read_address(d.operand(0));
    d.insn.run = run_nothing;
}

RegisterDecoder op{"t_op", decode_op};
RegisterDecoder accumulate{"t_add", decode_accumulate};
RegisterDecoder copy{"t_copy", decode_copy};
RegisterDecoder address{"t_address", decode_address};

// ---- programs ----

struct Decoded {
    LoadedModule loaded;
    std::unique_ptr<Program> program;
};

std::unique_ptr<Decoded> decode(const std::string &declarations) {
    auto all = std::make_unique<Decoded>();
    all->loaded.module = parse_module(".version 9.0\n.target sm_90\n" + declarations);
    uint64_t at = 0x7123'0000'0000;
    for (const Variable &variable : all->loaded.module.variables)
        if (variable.space == Variable::global || variable.space == Variable::constant)
            all->loaded.variables[variable.name] = (void *)(at += 4096);
    for (const Function &f : all->loaded.module.functions)
        if (!f.external) all->loaded.functions[f.name] = &f;
    all->program.reset(decode_entry(all->loaded, *all->loaded.functions.at("k")));
    return all;
}

std::unique_ptr<Decoded> decode_body(const std::string &body) {
    return decode(".entry k(.param .b8 a, .param .align 16 .b8 b[20], .param .u64 c) {\n" + body +
                  "\n}");
}

}  // namespace
