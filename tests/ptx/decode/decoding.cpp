// What decoders of instruction families ask of a statement.
#include <bit>

#include "function_decoder.h"

// ---- modifiers ----

bool Decoding::take(const char *modifier) {
    for (size_t i = 0; i < statement.modifiers.size(); ++i)
        if (!(taken_ >> i & 1) && statement.modifiers[i] == modifier) {
            taken_ |= 1ull << i;
            return true;
        }
    return false;
}

std::string Decoding::take_one_of(std::initializer_list<const char *> modifiers) {
    for (const char *modifier : modifiers)
        if (take(modifier)) return modifier;
    return "";
}

bool Decoding::has_type() const {
    for (size_t i = 0; i < statement.modifiers.size(); ++i)
        if (!(taken_ >> i & 1) && type_of(statement.modifiers[i]) != Type::none) return true;
    return false;
}

Type Decoding::take_type() {
    for (size_t i = 0; i < statement.modifiers.size(); ++i) {
        const Type type = taken_ >> i & 1 ? Type::none : type_of(statement.modifiers[i]);
        if (type == Type::none) continue;
        taken_ |= 1ull << i;
        return type;
    }
    refuse("a type is missing");
}

std::string Decoding::take_any() {
    for (size_t i = 0; i < statement.modifiers.size(); ++i)
        if (!(taken_ >> i & 1)) {
            taken_ |= 1ull << i;
            return statement.modifiers[i];
        }
    return "";
}

void Decoding::ignore(std::initializer_list<const char *> modifiers) {
    for (const char *modifier : modifiers)
        while (take(modifier)) {
        }
}

// ---- operands ----

void Decoding::refuse(const std::string &why) const { function.fail(statement, why); }

const Operand &Decoding::operand(size_t i) const {
    if (i >= statement.operands.size()) refuse("operand " + std::to_string(i + 1) + " is missing");
    return statement.operands[i];
}

int Decoding::width_of(const Operand &o) const {
    return o.kind == Operand::reg ? function.bits_of_register(o.id) : 0;
}

Type Decoding::register_type(const Operand &o) const {
    return o.kind == Operand::reg ? function.registers[o.id] : Type::none;
}

int64_t Decoding::immediate(const Operand &o) const {
    if (o.kind != Operand::integer) refuse("an operand must be an integer constant");
    return (int64_t)o.bits;
}

void Decoding::append_immediate(const Operand &o, Type type) {
    const int bits = bits_of(type);
    uint64_t value = o.bits;
    if (o.kind == Operand::real32 || o.kind == Operand::real64) {
        const double real = o.kind == Operand::real32 ? std::bit_cast<float>((uint32_t)o.bits)
                                                      : std::bit_cast<double>(o.bits);
        if (bits == 64)
            value =
                o.kind == Operand::real64 || is_float(type) ? std::bit_cast<uint64_t>(real) : o.bits;
        else if (bits == 32)
            value = o.kind == Operand::real32 ? o.bits : std::bit_cast<uint32_t>((float)real);
        else
            refuse("a floating-point constant where " + std::string(name_of(type)) + " is expected");
    } else if (is_float(type) && bits >= 32 && type != Type::f16x2 && type != Type::bf16x2) {
        refuse("an integer constant where " + std::string(name_of(type)) + " is expected");
    }
    if (bits > 64) refuse("a constant of more than 64 bits");
    if (bits < 64) value &= (1ull << bits) - 1;
    entries_.push_back({Entry::constant, false, false, function.program.constant(value, bits == 64)});
}

// A special register or the address of a variable.
void Decoding::append_name(const Operand &o, Type type) {
    const bool wide = bits_of(type) == 64;
    if (o.text[0] == '%') {
        if (statement.opcode == "mov") refuse("unknown special register " + o.text);
        Statement mov = statement;
        mov.opcode = "mov";
        mov.modifiers = {wide ? "u64" : "u32"};
        Operand to;
        to.kind = Operand::reg;
        to.id = function.temporary(wide ? Type::u64 : Type::u32);
        mov.operands = {to, o};
        mov.guard = -1;
        Insn insn;
        Decoding before(function, mov, insn);
        function.run_decoder(before);
        function.emit(insn, before.entries_, mov, false);
        entries_.push_back({Entry::reg, true, false, to.id});
        return;
    }
    const Place *place = function.find_place(o.text);
    if (place == nullptr) refuse("unknown name '" + o.text + "'");
    if (bits_of(type) < 32) refuse("an address in " + std::to_string(bits_of(type)) + " bits");
    if (place->space == Space::shared) {
        if (o.offset != 0) refuse("the address of a shared variable with an offset");
        entries_.push_back({Entry::reg, true, false, function.shared_address(*place->variable, wide)});
        return;
    }
    const uint64_t address = place->address + o.offset;
    if (!wide && address >> 32 != 0) refuse("a 64-bit address in 32 bits");
    entries_.push_back({Entry::constant, false, false, function.program.constant(address, wide)});
}

// A 64-bit register has another layout than one of 32 bits, so a temporary one stands in for it.
void Decoding::append_register(const Operand &o, Type type, bool reads, bool writes) {
    const Type own = function.registers[o.id];
    const int bits = bits_of(type), width = bits_of(own);
    if (own == Type::pred || type == Type::pred)
        refuse("predicate " + o.text + " as an operand of another type");
    if (bits > width)
        refuse("operand " + o.text + " has " + std::to_string(width) + " bits instead of " +
               std::to_string(bits));
    if (width != 64 || bits == 64) {
        if (width > 64 && bits < width) refuse("operand " + o.text + " is too wide");
        entries_.push_back({Entry::reg, reads, writes, o.id});
        if (writes && bits < width && is_signed(type)) function.extend_later(o.id, o.id, type);
        return;
    }
    if (reads && writes) refuse("operand " + o.text + " is too wide");
    const int narrow = function.temporary(Type::b32);
    entries_.push_back({Entry::reg, reads, writes, narrow});
    if (writes) return function.extend_later(o.id, narrow, type);
    Insn truncate;
    truncate.run = truncating_handler();
    function.emit(truncate, {{Entry::reg, false, true, narrow}, {Entry::reg, true, false, o.id}},
                  statement, false);
}

void Decoding::append(const Operand &o, Type type, bool reads, bool writes) {
    if (o.negated) refuse("'!' where no predicate is");
    if (o.kind == Operand::reg) return append_register(o, type, reads, writes);
    if (o.kind == Operand::sink && writes && !reads) {
        entries_.push_back({Entry::reg, false, true, function.temporary(type)});
        return;
    }
    if (writes) refuse("a register must be written to");
    if (o.kind == Operand::integer || o.kind == Operand::real32 || o.kind == Operand::real64)
        return append_immediate(o, type);
    if (o.kind == Operand::name) return append_name(o, type);
    refuse("a register or constant is expected");
}

void Decoding::append_vector(const Operand &o, Type type, int count, bool reads, bool writes) {
    const int parts = o.kind == Operand::vector ? (int)o.parts.size() : 1;
    if (count != 0 && parts != count)
        refuse(std::to_string(parts) + " elements instead of " + std::to_string(count));
    if (o.kind != Operand::vector) return append(o, type, reads, writes);
    for (const Operand &part : o.parts) append(part, type, reads, writes);
}

void Decoding::read(const Operand &o, Type type) { append(o, type, true, false); }
void Decoding::write(const Operand &o, Type type) { append(o, type, false, true); }
void Decoding::read_write(const Operand &o, Type type) { append(o, type, true, true); }

void Decoding::read_vector(const Operand &o, Type type, int count) {
    append_vector(o, type, count, true, false);
}
void Decoding::write_vector(const Operand &o, Type type, int count) {
    append_vector(o, type, count, false, true);
}

void Decoding::read_pred(const Operand &o) {
    if (o.kind == Operand::integer) {
        entries_.push_back({Entry::plain, false, false, o.bits != 0 ? ~1 : ~0});
    } else {
        if (o.kind != Operand::reg || !function.is_pred(o.id)) refuse("a predicate is expected");
        entries_.push_back({Entry::reg, true, false, o.id});
    }
    entries_.push_back({Entry::plain, false, false, o.negated});
}

void Decoding::write_pred(const Operand &o) {
    if (o.kind == Operand::sink) {
        entries_.push_back({Entry::reg, false, true, function.temporary(Type::pred)});
        return;
    }
    if (o.kind != Operand::reg || !function.is_pred(o.id) || o.negated)
        refuse("a predicate is expected");
    entries_.push_back({Entry::reg, false, true, o.id});
}

void Decoding::read_address(const Operand &o) {
    if (o.kind != Operand::address || o.parts.empty()) refuse("an address is expected");
    const Operand &base = o.parts[0];
    insn.imm = o.offset;
    if (base.kind == Operand::reg) {
        const int width = width_of(base);
        if (width != 32 && width != 64) refuse("an address of " + std::to_string(width) + " bits");
        insn.wide_address = width == 64;
        return read(base, width == 64 ? Type::b64 : Type::b32);
    }
    if (base.kind == Operand::name) {
        const Space space = address_space_of(o);
        insn.wide_address = space == Space::global || space == Space::constant;
        return read(base, insn.wide_address ? Type::b64 : Type::b32);
    }
    insn.wide_address = true;
    read(base, Type::b64);
}

Space Decoding::address_space_of(const Operand &o) const {
    const Operand &base = o.kind == Operand::address && !o.parts.empty() ? o.parts[0] : o;
    const Place *place = base.kind == Operand::name ? function.find_place(base.text) : nullptr;
    return place == nullptr ? Space::generic : place->space;
}

void Decoding::read_label(const Operand &o) {
    if (o.kind != Operand::name) refuse("a label is expected");
    if (function.function.labels.count(o.text) == 0) refuse("unknown label '" + o.text + "'");
    function.add_jump(o.text, nullptr, 0);
}

const std::vector<int32_t> *Decoding::read_targets(const Operand &o) {
    const auto list = function.function.targets.find(o.text);
    if (o.kind != Operand::name || list == function.function.targets.end())
        refuse("a list of labels is expected");
    std::vector<int32_t> *table = keep(std::vector<int32_t>(list->second.size(), -1));
    for (size_t i = 0; i < list->second.size(); ++i) {
        if (function.function.labels.count(list->second[i]) == 0)
            refuse("unknown label '" + list->second[i] + "'");
        function.add_jump(list->second[i], table, i);
    }
    return table;
}

void Decoding::meets() { insn.leader = true; }
void Decoding::keep_slots() { keeps_slots_ = true; }
void Decoding::keep_alive(std::shared_ptr<void> kept) {
    function.program.program->kept.push_back(std::move(kept));
}
