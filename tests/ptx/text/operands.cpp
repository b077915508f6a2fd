// Operands of statements.
#include "parser.h"

namespace {

// Does a constant begin here?
bool begins_constant(const Token &token) {
    return token.kind == Token::number || token.is("-") || token.is("+") || token.is("~") ||
           token.is("(") || (token.kind == Token::word && token.text == "WARP_SZ");
}

Operand constant_operand(const Constant &value) {
    Operand o;
    o.kind = value.kind == Constant::real32   ? Operand::real32
             : value.kind == Constant::real64 ? Operand::real64
                                              : Operand::integer;
    o.bits = value.bits;
    return o;
}

Operand register_operand(int id, std::string name) {
    Operand o;
    o.kind = Operand::reg;
    o.id = id;
    o.text = std::move(name);
    return o;
}

}  // namespace

// A register, variable, label or special register; %tid.x is one name.
Operand Parser::parse_named_operand() {
    std::string name = expect_word();
    Operand o;
    if (name == "_") return o;
    int id = -1;
    const Named *named = find(name, &id);
    if (named != nullptr && named->kind == Named::registers)
        return register_operand(id, std::move(name));
    if (named != nullptr && named->kind == Named::vector_register) {
        static const std::string COMPONENTS[] = {"xyzw", "rgba"};
        if (peek().kind != Token::dotted) {
            o.kind = Operand::vector;
            for (int i = 0; i < named->count; ++i)
                o.parts.push_back(register_operand(named->id + i, name));
            return o;
        }
        const std::string component(next().text);
        for (const std::string &letters : COMPONENTS) {
            const size_t at = letters.find(component);
            if (component.size() == 1 && at < (size_t)named->count)
                return register_operand(named->id + (int)at, name + "." + component);
        }
        fail("'" + name + "' has no component '" + component + "'");
    }
    o.kind = Operand::name;
    o.text = named != nullptr ? named->text : std::move(name);
    if (peek().kind == Token::dotted) o.text.append(".").append(next().text);
    if (peek().is("[")) fail("'" + o.text + "' with an index");
    if (peek().is("+") || peek().is("-")) {
        accept("+");
        o.offset = parse_integer();
    }
    return o;
}

// After '[': a base with an offset; then coordinates and the like.
Operand Parser::parse_address() {
    Operand o;
    o.kind = Operand::address;
    Operand base;
    if (begins_constant(peek())) {
        base.kind = Operand::integer;
        base.bits = (uint64_t)parse_integer();
    } else {
        base = parse_named_operand();
        if (base.kind != Operand::reg && base.kind != Operand::name) fail("an address is expected");
        std::swap(o.offset, base.offset);
        if (peek().is("+") || peek().is("-")) {
            accept("+");
            o.offset = parse_integer();
        }
    }
    o.parts.push_back(std::move(base));
    while (accept(",")) o.parts.push_back(parse_operand());
    expect("]");
    return o;
}

std::vector<Operand> Parser::parse_operands(std::string_view closing, bool of_call) {
    std::vector<Operand> all;
    if (accept(closing)) return all;
    do all.push_back(parse_operand(of_call));
    while (accept(","));
    expect(closing);
    return all;
}

Operand Parser::parse_simple_operand(bool of_call) {
    Operand o;
    if (accept("[")) return parse_address();
    if (accept("{")) {
        o.parts = parse_operands("}", false);
        o.kind = Operand::vector;
        return o;
    }
    if (of_call && accept("(")) {
        o.parts = parse_operands(")", false);
        o.kind = Operand::list;
        return o;
    }
    if (peek().is("!")) {
        Lexer ahead = lexer_;
        ahead.next();
        if (ahead.peek().kind != Token::word) return constant_operand(parse_condition());
        next();
        o = parse_named_operand();
        if (o.kind != Operand::reg) fail("'!' of what is no predicate");
        o.negated = true;
        return o;
    }
    if (begins_constant(peek())) return constant_operand(parse_condition());
    return parse_named_operand();
}

Operand Parser::parse_operand(bool of_call) {
    const Nested nested(*this);
    Operand first = parse_simple_operand(of_call);
    if (!peek().is("|")) return first;
    next();
    Operand both;
    both.kind = Operand::pair;
    both.parts.push_back(std::move(first));
    both.parts.push_back(parse_simple_operand(false));
    return both;
}

int Parser::parse_predicate() {
    const Operand o = parse_named_operand();
    if (o.kind != Operand::reg) fail("a guard is a predicate register");
    return o.id;
}
