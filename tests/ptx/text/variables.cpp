// Variables of modules and bodies, with their initial values.
#include <bit>
#include <cstring>

#include "parser.h"

namespace {

constexpr uint64_t MOST_INITIALISED = 1ull << 28;
constexpr uint64_t MOST_BYTES = 1ull << 48;

int element_bytes(const Variable &variable) { return (bits_of(variable.type) + 7) / 8; }

uint64_t value_bits(const Constant &value, Type type) {
    if (type == Type::f32) {
        if (value.kind == Constant::real32) return value.bits;
        return std::bit_cast<uint32_t>((float)value.real());
    }
    if (type == Type::f64) return std::bit_cast<uint64_t>(value.real());
    return value.bits;
}

}  // namespace

int Parser::parse_alignment() {
    const int64_t align = parse_integer();
    if (align < 1 || align > 4096 || !std::has_single_bit((uint64_t)align))
        fail("an alignment of " + std::to_string(align));
    return (int)align;
}

Type Parser::parse_type() {
    if (peek().kind != Token::dotted)
        fail("a type is expected before '" + std::string(peek().text) + "'");
    const Type type = type_of(std::string(peek().text));
    if (type == Type::none) fail("unknown type ." + std::string(peek().text));
    next();
    return type;
}

// Each further `[N]`; `element` is what one of all these elements takes.
void Parser::parse_array(Variable &variable, uint64_t element) {
    variable.bytes = element;
    bool first = true;
    while (accept("[")) {
        int64_t count = 0;
        if (!peek().is("]")) {
            count = parse_integer();
            if (count < 0) fail("an array of " + std::to_string(count));
        } else if (!first) {
            fail("only the first dimension of an array may be open");
        }
        expect("]");
        if (count != 0 && variable.bytes > MOST_BYTES / (uint64_t)count)
            fail("a variable is too large");
        variable.bytes *= (uint64_t)count;
        first = false;
    }
}

std::vector<Variable> Parser::parse_variables(Variable::Space space, bool external) {
    Variable common;
    common.space = space;
    common.external = external;
    int align = 0, vector = 1;
    for (;;) {
        if (accept_dotted("align"))
            align = parse_alignment();
        else if (accept_dotted("v2"))
            vector = 2;
        else if (accept_dotted("v4"))
            vector = 4;
        else if (accept_dotted("v8"))
            vector = 8;
        else if (accept_dotted("attribute"))
            skip_parentheses();
        else
            break;
    }
    // Textures, samplers and surfaces: who uses one finds no such variable.
    const bool opaque =
        accept_dotted("texref") || accept_dotted("samplerref") || accept_dotted("surfref");
    common.type = opaque ? Type::b64 : parse_type();
    const int element = element_bytes(common) * vector;
    common.align = align != 0 ? align : element;
    std::vector<Variable> all;
    do {
        Variable variable = common;
        variable.name = expect_word();
        parse_array(variable, element);
        if (opaque && accept("=")) {
            skip_braces();
        } else if (accept("=")) {
            parse_initial_value(variable);
        }
        if (!opaque) all.push_back(std::move(variable));
    } while (accept(","));
    expect(";");
    return all;
}

void Parser::put(Variable &variable, uint64_t bits, int bytes) {
    if (variable.init.size() + bytes > MOST_INITIALISED) fail("too many initial values");
    for (int i = 0; i < bytes; ++i) variable.init.push_back((uint8_t)(i < 8 ? bits >> (8 * i) : 0));
}

// `shift`: which bits of the address.
void Parser::put_reference(Variable &variable, bool generic, int bytes, unsigned shift,
                           std::string symbol) {
    Variable::Reference reference{variable.init.size(), std::move(symbol), 0, generic, bytes, shift};
    if (peek().is("+") || peek().is("-")) {
        accept("+");
        reference.offset = parse_integer();
    }
    variable.references.push_back(std::move(reference));
    put(variable, 0, bytes);
}

// A number, `symbol+4`, `generic(symbol)+4`, or one byte of an address: `0xFF00(symbol)`.
void Parser::parse_initial_element(Variable &variable) {
    const int bytes = element_bytes(variable);
    if (peek().kind == Token::word && peek().text != "WARP_SZ") {
        std::string symbol = expect_word();
        const bool generic = symbol == "generic" && accept("(");
        if (generic) {
            symbol = expect_word();
            // An offset may stand within the parentheses as well as behind them.
            int64_t offset = 0;
            if (peek().is("+") || peek().is("-")) {
                accept("+");
                offset = parse_integer();
            }
            expect(")");
            put_reference(variable, true, bytes, 0, std::move(symbol));
            variable.references.back().offset += offset;
            return;
        }
        return put_reference(variable, false, bytes, 0, std::move(symbol));
    }
    const Constant value = parse_condition();
    if (!accept("(")) return put(variable, value_bits(value, variable.type), bytes);
    const unsigned shift = value.bits == 0 ? 0 : (unsigned)std::countr_zero(value.bits);
    if (value.is_real() || shift % 8 != 0 || value.bits >> shift != 0xFF || bytes != 1)
        fail("a mask of an address that is not one byte");
    std::string symbol = expect_word();
    const bool generic = symbol == "generic" && accept("(");
    if (generic) {
        symbol = expect_word();
        expect(")");
    }
    put_reference(variable, generic, bytes, shift, std::move(symbol));
    expect(")");
}

void Parser::parse_initial_list(Variable &variable, int depth) {
    const Nested nested(*this);
    if (accept("}")) return;
    do {
        if (accept("{"))
            parse_initial_list(variable, depth + 1);
        else
            parse_initial_element(variable);
    } while (accept(","));
    expect("}");
}

void Parser::parse_initial_value(Variable &variable) {
    if (accept("{"))
        parse_initial_list(variable, 0);
    else
        parse_initial_element(variable);
    if (variable.bytes == 0) variable.bytes = variable.init.size();
    if (variable.init.size() > variable.bytes)
        fail("'" + variable.name + "' has more initial values than elements");
    if (variable.bytes > MOST_INITIALISED) fail("a variable with initial values is too large");
    variable.init.resize(variable.bytes);
}
