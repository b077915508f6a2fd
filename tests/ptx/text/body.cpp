// The bodies of functions: scopes with their registers, variables and labels, and statements.
#include "parser.h"

#include <utility>

namespace {

constexpr size_t MOST_REGISTERS = 1 << 20;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Splits "%r12" into "%r" and 12; false if no plain number stands at the end.
bool split_number(const std::string &name, std::string *prefix, int *number) {
    size_t at = name.size();
    while (at > 0 && is_digit(name[at - 1])) --at;
    if (at == name.size() || name.size() - at > 7 || (name[at] == '0' && at + 1 < name.size()))
        return false;
    *prefix = name.substr(0, at);
    *number = std::stoi(name.substr(at));
    return true;
}

}  // namespace

void Parser::open_scope() {
    if (scopes_.size() > 200) fail("too deeply nested");
    scopes_.push_back({scopes_opened_++, function_.statements.size(), {}, {}, {}});
}

// Labels of a scope may be used before they stand there: their names are made unique now.
void Parser::close_scope() {
    const Scope &scope = scopes_.back();
    if (scope.number != 0 && !scope.labels.empty()) {
        for (size_t i = scope.first_statement; i < function_.statements.size(); ++i)
            for (Operand &o : function_.statements[i].operands)
                if (const auto found = scope.labels.find(o.text);
                    o.kind == Operand::name && found != scope.labels.end())
                    o.text = found->second;
        for (const auto &[label, name] : scope.labels)
            if (const auto list = function_.targets.find(name); list != function_.targets.end())
                for (std::string &target : list->second)
                    if (const auto found = scope.labels.find(target); found != scope.labels.end())
                        target = found->second;
    }
    scopes_.pop_back();
}

std::string Parser::unique(const std::string &name) const {
    const int number = scopes_.back().number;
    return number == 0 ? name : name + "@" + std::to_string(number);
}

const Parser::Named *Parser::find(const std::string &name, int *id) const {
    std::string prefix;
    int number = 0;
    const bool numbered = split_number(name, &prefix, &number);
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
        if (const auto found = scope->names.find(name); found != scope->names.end()) {
            *id = found->second.id;
            return &found->second;
        }
        if (!numbered) continue;
        const auto range = scope->ranges.find(prefix);
        if (range != scope->ranges.end() && number < range->second.count) {
            *id = range->second.id + number;
            return &range->second;
        }
    }
    return nullptr;
}

void Parser::name_once(const std::string &name) {
    if (scopes_.back().names.count(name) != 0) fail("'" + name + "' is declared twice");
}

void Parser::declare_registers(const std::string &name, Type type, int vector, int range) {
    std::vector<Register> &all = function_.registers;
    const int first = (int)all.size();
    if (all.size() + (size_t)std::max(range, 1) * vector > MOST_REGISTERS) fail("too many registers");
    if (range < 0) {
        name_once(name);
        for (int i = 0; i < vector; ++i) all.push_back({name, type});
        const Named::Kind kind = vector > 1 ? Named::vector_register : Named::registers;
        scopes_.back().names[name] = {kind, first, vector, name};
        return;
    }
    // A prefix that ends in a digit, or a range of vectors: each name by itself.
    if (vector > 1 || is_digit(name.back())) {
        for (int i = 0; i < range; ++i) declare_registers(name + std::to_string(i), type, vector, -1);
        return;
    }
    if (scopes_.back().ranges.count(name) != 0) fail("'" + name + "<>' is declared twice");
    for (int i = 0; i < range; ++i) all.push_back({name + std::to_string(i), type});
    scopes_.back().ranges[name] = {Named::registers, first, range, name};
}

// .reg .v4 .f32 %a, %b<9>;
void Parser::parse_registers() {
    const int vector = accept_dotted("v2") ? 2 : accept_dotted("v4") ? 4 : 1;
    const Type type = parse_type();
    do {
        const std::string name = expect_word();
        int range = -1;
        if (accept("<")) {
            const Constant count = parse_unary();  // not a whole expression, in which '>' compares
            if (count.is_real() || count.bits > MOST_REGISTERS)
                fail("a range of registers that is none");
            range = (int)count.bits;
            expect(">");
        }
        declare_registers(name, type, vector, range);
    } while (accept(","));
    expect(";");
}

void Parser::declare_variables(Variable::Space space) {
    for (Variable &variable : parse_variables(space, false)) {
        name_once(variable.name);
        const std::string name = unique(variable.name);
        scopes_.back().names[variable.name] = {Named::variable, -1, 0, name};
        variable.name = name;
        function_.locals.push_back(std::move(variable));
    }
}

void Parser::parse_body_directive() {
    if (accept_dotted("loc")) return parse_location();
    if (accept_dotted("pragma")) return parse_pragma();
    if (accept_dotted("section")) return parse_section();
    if (accept_dotted("reg")) return parse_registers();
    if (accept_dotted("local")) return declare_variables(Variable::local);
    if (accept_dotted("shared") || accept_dotted("shared::cta"))
        return declare_variables(Variable::shared);
    if (accept_dotted("param")) return declare_variables(Variable::param);
    fail("unknown directive ." + std::string(peek().text) + " in a body");
}

// .branchtargets a, b;  .calltargets f, g;  .callprototype (..) _ (..);
void Parser::parse_label_targets(const std::string &label) {
    if (accept_dotted("callprototype")) {
        while (!peek().is(";") && peek().kind != Token::end) next();
    } else {
        next();
        std::vector<std::string> &list = function_.targets[label];
        do list.push_back(expect_word());
        while (accept(","));
    }
    expect(";");
}

void Parser::parse_labelled(const std::string &label, int line) {
    Scope &scope = scopes_.back();
    const std::string name = unique(label);
    if (!scope.labels.emplace(label, name).second)
        throw PtxError(line,
                       "PTX line " + std::to_string(line) + ": label '" + label + "' stands twice");
    if (peek().is_dotted("branchtargets") || peek().is_dotted("calltargets") ||
        peek().is_dotted("callprototype"))
        return parse_label_targets(name);
    function_.labels[name] = (int)function_.statements.size();
}

void Parser::parse_statement(std::string opcode, int guard, bool guard_negated, int line) {
    Statement &statement = function_.statements.emplace_back();
    statement.guard = guard;
    statement.guard_negated = guard_negated;
    statement.line = line;
    statement.location = location_;
    while (peek().kind == Token::dotted) statement.modifiers.emplace_back(next().text);
    const bool call = opcode == "call";
    if (opcode == "ld") statement.used_bytes = std::exchange(used_bytes_, ~0u);
    statement.opcode = std::move(opcode);
    if (accept(";")) return;
    do statement.operands.push_back(parse_operand(call));
    while (accept(","));
    expect(";");
}

void Parser::parse_guarded() {
    const bool negated = accept("!");
    const int guard = parse_predicate();
    const int line = peek().line;
    parse_statement(expect_word(), guard, negated, line);
}

// After '{'.
void Parser::parse_body() {
    scopes_.clear();
    scopes_opened_ = 0;
    location_ = 0;
    open_scope();
    while (!scopes_.empty()) {
        if (peek().kind == Token::dotted) {
            parse_body_directive();
        } else if (accept("{")) {
            open_scope();
        } else if (accept("}")) {
            close_scope();
        } else if (accept("@")) {
            parse_guarded();
        } else if (!accept(";")) {
            const int line = peek().line;
            std::string word = expect_word();
            if (accept(":"))
                parse_labelled(word, line);
            else
                parse_statement(std::move(word), -1, false, line);
        }
    }
}
