// The parser of modules.  One class; its parts stand in module.cpp (declarations), variables.cpp,
// body.cpp (statements and scopes), operands.cpp and expression.cpp.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "lexer.h"
#include "module.h"

// The value of a constant expression.
struct Constant {
    enum Kind { integer, unsigned_integer, real32, real64 } kind = integer;
    uint64_t bits = 0;  // of the integer or of the float
    bool is_real() const { return kind == real32 || kind == real64; }
    double real() const;
};

class Parser {
public:
    explicit Parser(const std::string &text) : lexer_(text) {}
    Module parse();

private:
    // ---- words ----
    const Token &peek() const { return lexer_.peek(); }
    Token next() { return lexer_.next(); }
    bool accept(std::string_view mark);
    bool accept_dotted(std::string_view name);
    void expect(std::string_view mark);
    std::string expect_word();
    [[noreturn]] void fail(const std::string &what) const;
    void skip_braces();
    void skip_parentheses();

    // ---- the module ----
    void parse_declaration();
    void parse_version();
    void parse_target();
    void parse_file();
    void parse_section();
    void parse_alias();
    void parse_location();
    void parse_pragma();
    void parse_function(bool entry, bool external);
    bool parse_function_directive();
    void parse_sizes(int sizes[3]);
    int parse_count();
    std::vector<Variable> parse_parameters();
    Variable parse_parameter();
    void keep_function(Function &&function);
    void resolve_aliases();

    // ---- variables ----
    // After the name of the space: `.align 4 .b8 name[12] = {..}, ...;`.
    std::vector<Variable> parse_variables(Variable::Space space, bool external);
    int parse_alignment();
    Type parse_type();
    void parse_array(Variable &variable, uint64_t element);
    void parse_initial_value(Variable &variable);
    void parse_initial_list(Variable &variable, int depth);
    void parse_initial_element(Variable &variable);
    void put(Variable &variable, uint64_t bits, int bytes);
    void put_reference(Variable &variable, bool generic, int bytes, unsigned shift, std::string symbol);

    // ---- bodies ----
    struct Named {
        enum Kind { registers, vector_register, variable } kind;
        int id;     // of the first register
        int count;  // of a range (0: no range) or vector
        std::string text;
    };
    struct Scope {
        int number;
        size_t first_statement;
        std::unordered_map<std::string, Named> names;
        std::unordered_map<std::string, Named> ranges;  // by what stands before the number
        std::unordered_map<std::string, std::string> labels;
    };
    void parse_body();
    void parse_body_directive();
    void parse_registers();
    void declare_registers(const std::string &name, Type type, int vector, int range);
    void declare_variables(Variable::Space space);
    void parse_labelled(const std::string &label, int line);
    void parse_label_targets(const std::string &label);
    void parse_statement(std::string opcode, int guard, bool guard_negated, int line);
    void parse_guarded();
    void open_scope();
    void close_scope();
    void name_once(const std::string &name);
    const Named *find(const std::string &name, int *id) const;
    std::string unique(const std::string &name) const;

    // ---- operands ----
    Operand parse_operand(bool of_call = false);
    Operand parse_simple_operand(bool of_call);
    Operand parse_named_operand();
    Operand parse_address();
    std::vector<Operand> parse_operands(std::string_view closing, bool of_call);
    int parse_predicate();

    // ---- constant expressions ----
    Constant parse_expression(int level = 0);
    Constant parse_condition();
    Constant parse_unary();
    Constant parse_primary();
    Constant parse_number(const std::string &text) const;
    int64_t parse_integer();
    Constant apply(const std::string &mark, const Constant &a, const Constant &b) const;
    struct Nested;  // counts depth, so that no text exhausts the stack
    int depth_ = 0;

    Lexer lexer_;
    Module module_;
    Function function_;  // the present one
    std::vector<Scope> scopes_;
    int scopes_opened_ = 0;
    int location_ = 0;
    uint32_t used_bytes_ = ~0u;                             // of the next ld
    std::map<std::tuple<int, int, int>, int> location_of_;  // file, line, column: the last one there
    std::map<std::tuple<int, int, int>, int> locations_;    // file, line, outer
    std::vector<std::pair<std::string, std::string>> aliases_;
};

struct Parser::Nested {
    explicit Nested(Parser &parser) : parser(parser) {
        if (++parser.depth_ > 200) parser.fail("too deeply nested");
    }
    ~Nested() { --parser.depth_; }
    Parser &parser;
};
