// Constant expressions, as in C, on 64-bit integers and doubles.
#include <bit>
#include <cmath>
#include <cstdlib>

#include "parser.h"

double Constant::real() const {
    switch (kind) {
        case real32:
            return std::bit_cast<float>((uint32_t)bits);
        case real64:
            return std::bit_cast<double>(bits);
        case unsigned_integer:
            return (double)bits;
        default:
            return (double)(int64_t)bits;
    }
}

namespace {

Constant integer(int64_t value) { return {Constant::integer, (uint64_t)value}; }
Constant real(double value) { return {Constant::real64, std::bit_cast<uint64_t>(value)}; }

// Binary operators, from the loosest to the tightest.
const std::vector<std::vector<std::string>> LEVELS = {
    {"||"},       {"&&"},     {"|"},          {"^"}, {"&"}, {"==", "!="}, {"<", ">", "<=", ">="},
    {"<<", ">>"}, {"+", "-"}, {"*", "/", "%"}};

// The integer that digits of a base say, or nothing if some are not of that base.
std::optional<uint64_t> digits(const std::string &text, int base) {
    char *end = nullptr;
    if (text.empty()) return {};
    const uint64_t value = std::strtoull(text.c_str(), &end, base);
    if (*end != '\0') return {};
    return value;
}

std::optional<Constant> apply_real(const std::string &mark, double a, double b) {
    if (mark == "+") return real(a + b);
    if (mark == "-") return real(a - b);
    if (mark == "*") return real(a * b);
    if (mark == "/") return real(a / b);
    if (mark == "<") return integer(a < b);
    if (mark == ">") return integer(a > b);
    if (mark == "<=") return integer(a <= b);
    if (mark == ">=") return integer(a >= b);
    if (mark == "==") return integer(a == b);
    if (mark == "!=") return integer(a != b);
    return {};
}

uint64_t divide(uint64_t a, uint64_t b, bool is_unsigned) {
    if (is_unsigned) return a / b;
    return (int64_t)b == -1 ? 0 - a : (uint64_t)((int64_t)a / (int64_t)b);
}

uint64_t shift_right(uint64_t a, uint64_t by, bool is_unsigned) {
    if (is_unsigned) return by > 63 ? 0 : a >> by;
    return (uint64_t)((int64_t)a >> (by > 63 ? 63 : by));
}

bool less(uint64_t a, uint64_t b, bool is_unsigned) {
    return is_unsigned ? a < b : (int64_t)a < (int64_t)b;
}

}  // namespace

Constant Parser::apply(const std::string &mark, const Constant &a, const Constant &b) const {
    if (a.is_real() || b.is_real()) {
        if (const auto value = apply_real(mark, a.real(), b.real())) return *value;
        fail("'" + mark + "' of numbers that are no integers");
    }
    const bool u = a.kind == Constant::unsigned_integer || b.kind == Constant::unsigned_integer;
    const auto same_kind = [&](uint64_t bits) {
        return Constant{u ? Constant::unsigned_integer : Constant::integer, bits};
    };
    const uint64_t x = a.bits, y = b.bits;
    if (mark == "+") return same_kind(x + y);
    if (mark == "-") return same_kind(x - y);
    if (mark == "*") return same_kind(x * y);
    if (mark == "/" || mark == "%") {
        if (y == 0) fail("a division by zero");
        return same_kind(mark == "/" ? divide(x, y, u) : x - divide(x, y, u) * y);
    }
    if (mark == "&") return same_kind(x & y);
    if (mark == "|") return same_kind(x | y);
    if (mark == "^") return same_kind(x ^ y);
    if (mark == "<<") return {a.kind, y > 63 ? 0 : x << y};
    if (mark == ">>") return {a.kind, shift_right(x, y, a.kind == Constant::unsigned_integer)};
    if (mark == "&&") return integer(x != 0 && y != 0);
    if (mark == "||") return integer(x != 0 || y != 0);
    if (mark == "==") return integer(x == y);
    if (mark == "!=") return integer(x != y);
    if (mark == "<") return integer(less(x, y, u));
    if (mark == ">") return integer(less(y, x, u));
    if (mark == "<=") return integer(!less(y, x, u));
    return integer(!less(x, y, u));  // >=
}

Constant Parser::parse_number(const std::string &text) const {
    const char prefix = text.size() > 1 && text[0] == '0' ? text[1] : '\0';
    if (prefix == 'f' || prefix == 'F' || prefix == 'd' || prefix == 'D') {
        const bool narrow = prefix == 'f' || prefix == 'F';
        const auto bits = digits(text.substr(2), 16);
        if (!bits || text.size() != (narrow ? 10 : 18)) fail("'" + text + "' is no number");
        return {narrow ? Constant::real32 : Constant::real64, *bits};
    }
    const bool hexadecimal = prefix == 'x' || prefix == 'X';
    if (!hexadecimal && text.find_first_of(".eE") != std::string::npos) {
        char *end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        if (*end != '\0') fail("'" + text + "' is no number");
        return real(value);
    }
    const bool is_unsigned = text.back() == 'U';
    const std::string plain = is_unsigned ? text.substr(0, text.size() - 1) : text;
    const bool binary = prefix == 'b' || prefix == 'B';
    const auto bits = hexadecimal ? digits(plain.substr(2), 16)
                      : binary    ? digits(plain.substr(2), 2)
                                  : digits(plain, plain.size() > 1 && plain[0] == '0' ? 8 : 10);
    if (!bits) fail("'" + text + "' is no number");
    return {is_unsigned || (int64_t)*bits < 0 ? Constant::unsigned_integer : Constant::integer, *bits};
}

Constant Parser::parse_primary() {
    if (accept("(")) {
        if (peek().kind == Token::dotted) {  // a cast
            const std::string to(next().text);
            expect(")");
            Constant value = parse_unary();
            if (to == "f64") return real(value.real());
            if ((to != "s64" && to != "u64") || value.is_real()) fail("a cast to ." + to);
            value.kind = to == "s64" ? Constant::integer : Constant::unsigned_integer;
            return value;
        }
        const Constant value = parse_condition();
        expect(")");
        return value;
    }
    if (peek().kind == Token::number) {
        const std::string text(peek().text);
        const Constant value = parse_number(text);
        next();
        return value;
    }
    if (peek().kind == Token::word && peek().text == "WARP_SZ") {
        next();
        return integer(32);
    }
    fail("a number is expected before '" + std::string(peek().text) + "'");
}

Constant Parser::parse_unary() {
    const Nested nested(*this);
    if (accept("+")) return parse_unary();
    if (accept("-")) {
        Constant value = parse_unary();
        if (value.kind == Constant::real32) value.bits ^= 0x8000'0000u;
        if (value.kind == Constant::real64) value.bits ^= 0x8000'0000'0000'0000u;
        if (!value.is_real()) value.bits = 0 - value.bits;
        return value;
    }
    const bool inverts = peek().is("~"), negates = peek().is("!");
    if (!inverts && !negates) return parse_primary();
    next();
    const Constant value = parse_unary();
    if (value.is_real()) fail("a complement of a number that is no integer");
    return inverts ? Constant{value.kind, ~value.bits} : integer(value.bits == 0);
}

Constant Parser::parse_expression(int level) {
    if (level == (int)LEVELS.size()) return parse_unary();
    const Nested nested(*this);
    Constant value = parse_expression(level + 1);
    for (;;) {
        std::string found;
        for (const std::string &mark : LEVELS[level])
            if (peek().is(mark)) found = mark;
        if (found.empty()) return value;
        next();
        value = apply(found, value, parse_expression(level + 1));
    }
}

Constant Parser::parse_condition() {
    const Nested nested(*this);
    const Constant condition = parse_expression();
    if (!accept("?")) return condition;
    const Constant yes = parse_condition();
    expect(":");
    const Constant no = parse_condition();
    return (condition.is_real() ? condition.real() != 0 : condition.bits != 0) ? yes : no;
}

int64_t Parser::parse_integer() {
    const Constant value = parse_condition();
    if (value.is_real()) fail("an integer is expected");
    return (int64_t)value.bits;
}
