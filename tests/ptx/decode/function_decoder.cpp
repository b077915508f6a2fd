// Statements of a function become instructions; then registers get slots and labels places.
#include "function_decoder.h"

#include <algorithm>

#include "../checks/options.h"
#include "../ops/wgmma.h"

FunctionDecoder::FunctionDecoder(ProgramDecoder &program, const Function &function)
    : function(function), program(program) {
    for (const Register &reg : function.registers) registers.push_back(reg.type);
}

void FunctionDecoder::fail(const Statement &statement, const std::string &why) const {
    std::string text = "kernel " + program.entry.name;
    if (!function.entry) text += ", function " + function.name;
    text += ": " + statement.opcode;
    for (const std::string &modifier : statement.modifiers) text += "." + modifier;
    throw PtxError(statement.line,
                   text + ": " + why + " (PTX line " + std::to_string(statement.line) + ")");
}

int FunctionDecoder::temporary(Type type) {
    registers.push_back(type);
    return (int)registers.size() - 1;
}

const Place *FunctionDecoder::find_place(const std::string &name) {
    if (const auto known = places.find(name); known != places.end()) return &known->second;
    const auto in = [&](const std::vector<Variable> &all) {
        const auto found =
            std::find_if(all.begin(), all.end(), [&](const Variable &v) { return v.name == name; });
        return found == all.end() ? nullptr : &*found;
    };
    const auto keep = [&](Space space, uint64_t address, const Variable *variable) {
        return &(places[name] = {space, address, variable});
    };
    const Variable *variable = in(function.locals);
    if (variable == nullptr) variable = in(function.returns);
    if (variable == nullptr) {
        variable = in(function.params);
        if (variable != nullptr && function.entry)
            return keep(Space::param, program.program->params[variable - function.params.data()].offset,
                        variable);
    }
    if (variable == nullptr) variable = program.find_module_variable(name);
    if (variable == nullptr) return nullptr;
    switch (variable->space) {
        case Variable::shared:
            return keep(Space::shared, 0, variable);
        case Variable::local:
        case Variable::param:
            return keep(Space::local, program.local_place(*variable), variable);
        default:
            break;
    }
    const auto address = program.module.variables.find(name);
    if (address == program.module.variables.end()) return nullptr;
    return keep(variable->space == Variable::global ? Space::global : Space::constant,
                (uint64_t)address->second, variable);
}

int FunctionDecoder::shared_address(const Variable &variable, bool wide) {
    const auto known = shared_addresses.find({&variable, wide});
    if (known != shared_addresses.end()) return known->second;
    program.need_shared(variable);
    const int id = temporary(wide ? Type::u64 : Type::u32);
    return shared_addresses[{&variable, wide}] = id;
}

// ---- statements ----

void FunctionDecoder::emit(const Insn &insn, std::vector<Entry> its_entries, const Statement &statement,
                           bool guarded) {
    Item item{insn,    (int)entries.size(),      (int)its_entries.size(), guarded, true,
              nullptr, statement.opcode == "mov"};
    item.insn.line = statement.line;
    item.insn.location = statement.location;
    if (guarded) {
        item.insn.guard = statement.guard;
        item.insn.guard_negated = statement.guard_negated;
    }
    entries.insert(entries.end(), its_entries.begin(), its_entries.end());
    items.push_back(item);
}

void FunctionDecoder::extend_later(int to, int from, Type type) {
    extensions_.push_back({to, from, type});
}

void FunctionDecoder::add_jump(const std::string &label, std::vector<int32_t> *table, size_t index) {
    jumps.push_back({-1, function.labels.at(label), table, index});
}

void FunctionDecoder::run_decoder(Decoding &decoding) {
    const Statement &statement = decoding.statement;
    const Decoder decoder = find_decoder(statement.opcode);
    if (decoder == nullptr) fail(statement, "unknown instruction");
    if (statement.modifiers.size() > 64) fail(statement, "too many modifiers");
    decoder(decoding);
    const std::string left = decoding.take_any();
    if (!left.empty()) fail(statement, "modifier ." + left + " is not understood");
    if (decoding.insn.run == nullptr) fail(statement, "not understood");
}

void FunctionDecoder::decode_statement(const Statement &statement) {
    static const char *ENDS[] = {"ret", "exit"},
                      *JUMPS[] = {"bra", "brx", "call", "ret", "exit", "trap"};
    const auto is_one_of = [&](const auto &names) {
        return std::any_of(std::begin(names), std::end(names),
                           [&](const char *name) { return statement.opcode == name; });
    };
    const bool guarded = statement.guard >= 0;
    if (guarded && !is_pred(statement.guard)) fail(statement, "the guard is no predicate");
    Insn insn;
    Decoding decoding(*this, statement, insn);
    const size_t first_jump = jumps.size();
    extensions_.clear();
    callee_ = nullptr;
    run_decoder(decoding);
    if (decoding.keeps_slots_) {
        kept.resize(registers.size());
        for (const Entry &entry : decoding.entries_)
            if (entry.kind == Entry::reg) kept[entry.value] = true;
    }
    emit(insn, std::move(decoding.entries_), statement, guarded);
    Item &item = items.back();
    item.callee = callee_;
    const bool branch = statement.opcode == "bra" || statement.opcode == "brx";
    item.falls_through = guarded || !(branch || is_one_of(ENDS));
    for (size_t i = first_jump; i < jumps.size(); ++i) jumps[i].item = (int)items.size() - 1;
    const std::vector<Extension> extensions = std::move(extensions_);
    for (const Extension &extension : extensions) {
        Insn extend;
        extend.run = extending_handler(extension.type, bits_of_register(extension.to));
        emit(extend,
             {{Entry::reg, false, true, extension.to}, {Entry::reg, true, false, extension.from}},
             statement, guarded);
    }
    if (is_one_of(JUMPS)) leads_next_ = true;
}

void FunctionDecoder::decode_or_note(const Statement &statement) {
    const size_t first_jump = jumps.size(), first_of_it = items.size();
    const bool leads = leads_next_;
    leads_next_ = false;
    first_item.push_back((int)first_of_it);
    try {
        decode_statement(statement);
    } catch (const PtxError &error) {
        if (program.errors == nullptr) throw;
        program.errors->push_back(error);
        jumps.resize(first_jump);
    }
    if (leads && items.size() > first_of_it) items[first_of_it].insn.leader = true;
}

void FunctionDecoder::decode() {
    for (const Statement &statement : function.statements) decode_or_note(statement);
    // A thread that comes to the end of a body returns.
    Statement end;
    end.opcode = "ret";
    end.line = function.statements.empty() ? function.line : function.statements.back().line;
    if (!function.statements.empty()) end.location = function.statements.back().location;
    decode_or_note(end);
    insert_prologue();
    resolve_jumps();
    if (!items.empty()) items.front().insn.leader = true;
}

// The addresses of shared variables are put into registers once, at the begin: they depend on the
// block.
void FunctionDecoder::insert_prologue() {
    std::vector<Item> body = std::move(items);
    items.clear();
    Statement begin;
    begin.line = function.line;
    for (const auto &[key, id] : shared_addresses) {
        Insn insn;
        insn.run = shared_address_handler(key.second);
        insn.extra = key.first;  // until its place is known
        emit(insn, {{Entry::reg, false, true, id}}, begin, false);
    }
    const int shift = (int)items.size();
    items.insert(items.end(), body.begin(), body.end());
    for (int &item : first_item) item += shift;
    for (Jump &jump : jumps) jump.item += shift;
}

void FunctionDecoder::resolve_jumps() {
    for (const Jump &jump : jumps) {
        const int to = first_item[jump.statement];
        flow_jumps.emplace_back(jump.item, to);
        if (to < (int)items.size()) items[to].insn.leader = true;
    }
    std::sort(flow_jumps.begin(), flow_jumps.end());
}

// ---- slots ----

Flow FunctionDecoder::flow_of_items() const {
    Flow flow;
    flow.registers = (int)registers.size();
    flow.jumps = flow_jumps;
    for (const Item &item : items) {
        const int first_access = (int)flow.accesses.size();
        for (int i = item.first; i < item.first + item.count; ++i)
            if (entries[i].kind == Entry::reg)
                flow.accesses.push_back({entries[i].value, entries[i].reads, entries[i].writes});
        if (item.insn.guard >= 0) flow.accesses.push_back({item.insn.guard, true, false});
        flow.steps.push_back({first_access, (int)flow.accesses.size() - first_access,
                              item.insn.guard >= 0, item.falls_through});
    }
    return flow;
}

void FunctionDecoder::allocate() {
    std::vector<std::vector<Range>> ranges = live_ranges(flow_of_items());
    kept.resize(registers.size());
    std::vector<int> sizes(registers.size()), pred_sizes(registers.size()), pred_of;
    for (size_t i = 0; i < registers.size(); ++i) {
        if (kept[i]) ranges[i] = {{0, (int)items.size()}};
        pred_sizes[i] = registers[i] == Type::pred;
        sizes[i] = pred_sizes[i] != 0 ? 0 : std::max(1, bits_of(registers[i]) / 32);
    }
    slots = assign_slots(ranges, sizes, slot_of);
    preds = assign_slots(ranges, pred_sizes, pred_of);
    for (size_t i = 0; i < registers.size(); ++i)
        if (pred_sizes[i] != 0) slot_of[i] = pred_of[i];
    if (!function.entry) return_slot = slots++;
    slots += slots & 1;  // the next function's pairs begin at even slots
}

void FunctionDecoder::place(int first_instruction, int its_first_slot, int its_first_pred) {
    first = first_instruction;
    first_slot = its_first_slot;
    first_pred = its_first_pred;
}

int32_t FunctionDecoder::resolve(const Entry &entry) const {
    switch (entry.kind) {
        case Entry::reg:
            return slot_of[entry.value] + (is_pred(entry.value) ? first_pred : first_slot);
        case Entry::constant:
            return ~entry.value;
        case Entry::return_slot:
            return program.return_slot_of(entry.value);
        default:
            return entry.value;
    }
}

// Program::operands may move until it is complete, so Insn::ops are set last.
void FunctionDecoder::append_to(Program &to) {
    for (const Jump &jump : jumps) {
        const int32_t target = first + first_item[jump.statement];
        (jump.table != nullptr ? (*jump.table)[jump.index] : items[jump.item].insn.target) = target;
    }
    for (const Item &item : items) {
        Insn insn = item.insn;
        if (item.callee != nullptr) insn.target = item.callee->first;
        if (insn.guard >= 0) insn.guard = slot_of[insn.guard] + first_pred;
        for (int i = item.first; i < item.first + item.count; ++i)
            to.operands.push_back(resolve(entries[i]));
        to.code.push_back(insn);
        watch_kept(item, to.code.back());
    }
    if (checks().init) watch_undefined_reads(to);
}

void FunctionDecoder::watch_undefined_reads(Program &to) const {
    for (const UndefinedRead &read : undefined_reads(flow_of_items())) {
        const Item &item = items[read.step];
        // Compilers copy what nobody uses, and a wgmma need not read the accumulators that it keeps.
        const bool copied = item.copies && read.reg != item.insn.guard;
        if (read.reg < (int)function.registers.size() && !copied && !kept[read.reg])
            watch_undefined(to.code[first + read.step], function.registers[read.reg].name);
    }
}

// wgmma writes registers late, and others may touch them before: that is found.
void FunctionDecoder::watch_kept(const Item &item, Insn &insn) const {
    std::vector<RegisterUse> uses;
    int registers_used = 0;
    for (int i = item.first; i < item.first + item.count; ++i) {
        if (entries[i].kind != Entry::reg || is_pred(entries[i].value)) continue;
        ++registers_used;
        if (kept[entries[i].value])
            uses.push_back({resolve(entries[i]), entries[i].reads, entries[i].writes});
    }
    if (!uses.empty()) watch_registers(insn, uses, item.copies && registers_used <= 2);
}
