// Declarations of a module: what it is for, its variables and functions, and where its code was
// written.
#include "parser.h"

#include <algorithm>
#include <cstdlib>

bool Parser::accept(std::string_view mark) {
    if (!peek().is(mark)) return false;
    next();
    return true;
}

bool Parser::accept_dotted(std::string_view name) {
    if (!peek().is_dotted(name)) return false;
    next();
    return true;
}

void Parser::expect(std::string_view mark) {
    if (accept(mark)) return;
    const std::string found =
        peek().kind == Token::end ? "the end" : "'" + std::string(peek().text) + "'";
    fail("'" + std::string(mark) + "' is expected before " + found);
}

std::string Parser::expect_word() {
    if (peek().kind != Token::word) {
        const std::string found =
            peek().kind == Token::end ? "the end" : "'" + std::string(peek().text) + "'";
        fail("a name is expected before " + found);
    }
    return std::string(next().text);
}

void Parser::fail(const std::string &what) const {
    const int line = peek().line;
    const std::string where = function_.name.empty() ? "" : function_.name + ": ";
    throw PtxError(line, where + what + " (PTX line " + std::to_string(line) + ")");
}

void Parser::skip_braces() {
    expect("{");
    for (int depth = 1; depth > 0;) {
        if (peek().kind == Token::end) fail("'}' is missing");
        const Token token = next();
        depth += token.is("{") ? 1 : token.is("}") ? -1 : 0;
    }
}

void Parser::skip_parentheses() {
    expect("(");
    for (int depth = 1; depth > 0;) {
        if (peek().kind == Token::end) fail("')' is missing");
        const Token token = next();
        depth += token.is("(") ? 1 : token.is(")") ? -1 : 0;
    }
}

int Parser::parse_count() {
    const int64_t count = parse_integer();
    if (count < 0 || count > 1 << 24) fail("a count of " + std::to_string(count));
    return (int)count;
}

void Parser::parse_version() {
    if (peek().kind != Token::number) fail(".version without a number");
    module_.version = next().text;
}

void Parser::parse_target() {
    module_.target = expect_word();
    while (accept(",")) {
        const std::string option = expect_word();
        if (option != "debug" && option.compare(0, 8, "texmode_") != 0) fail(".target with " + option);
    }
}

// .file 1 "name", time, size
void Parser::parse_file() {
    const int index = parse_count();
    if (index > 1 << 16) fail("too many files");
    if (peek().kind != Token::quoted) fail(".file without a name");
    if (module_.files.size() <= (size_t)index) module_.files.resize(index + 1);
    module_.files[index] = next().text;
    while (accept(",")) parse_integer();
}

// Debugging information.
void Parser::parse_section() {
    if (peek().kind != Token::dotted) fail(".section without a name");
    next();
    skip_braces();
}

// .loc file line column, function_name LABEL+n, inlined_at file line column
void Parser::parse_location() {
    int at[3], outer = 0;
    for (int &number : at) number = parse_count();
    while (accept(",")) {
        const std::string what = expect_word();
        if (what == "function_name") {
            expect_word();
            if (accept("+")) parse_integer();
        } else if (what == "inlined_at") {
            int caller[3];
            for (int &number : caller) number = parse_count();
            const auto known = location_of_.find({caller[0], caller[1], caller[2]});
            if (known != location_of_.end()) {
                outer = known->second;
            } else {
                outer = (int)module_.locations.size();
                module_.locations.push_back({caller[0], caller[1], 0});
                location_of_[{caller[0], caller[1], caller[2]}] = outer;
            }
        } else {
            fail(".loc with " + what);
        }
    }
    const auto [known, fresh] =
        locations_.try_emplace({at[0], at[1], outer}, (int)module_.locations.size());
    if (fresh) module_.locations.push_back({at[0], at[1], outer});
    location_ = known->second;
    location_of_[{at[0], at[1], at[2]}] = location_;
}

// Hints are for ptxas; one counts here: which bytes are meant of a load that is wider than it need be.
void Parser::parse_pragma() {
    do {
        const Token hint = next();
        if (hint.kind != Token::quoted) fail(".pragma without a string");
        const std::string text(hint.text);
        if (const size_t at = text.find("used_bytes_mask "); at != std::string::npos)
            used_bytes_ = (uint32_t)std::strtoul(text.c_str() + at + 16, nullptr, 0);
    } while (accept(","));
    expect(";");
}

// An alias is a function of its own name with the body of the other.
void Parser::parse_alias() {
    std::string name = expect_word();
    expect(",");
    aliases_.emplace_back(std::move(name), expect_word());
    expect(";");
}

void Parser::resolve_aliases() {
    for (const auto &[name, of] : aliases_) {
        const auto found =
            std::find_if(module_.functions.begin(), module_.functions.end(),
                         [&of = of](const Function &f) { return f.name == of && !f.external; });
        if (found == module_.functions.end())
            fail("'" + of + "', which '" + name + "' stands for, has no body");
        Function copy = *found;
        copy.name = name;
        keep_function(std::move(copy));
    }
}

Variable Parser::parse_parameter() {
    Variable variable;
    variable.space = Variable::param;
    if (accept_dotted("reg")) fail("a parameter in a register");
    if (!accept_dotted("param")) fail(".param is expected before '" + std::string(peek().text) + "'");
    int align = 0;
    if (accept_dotted("align")) align = parse_alignment();
    variable.type = parse_type();
    if (accept_dotted("ptr")) {  // what a pointer points to
        static const char *SPACES[] = {"global", "shared", "local", "const"};
        for (const char *space : SPACES) accept_dotted(space);
        if (accept_dotted("align")) parse_alignment();
    } else if (accept_dotted("align")) {
        align = parse_alignment();
    }
    const int element = (bits_of(variable.type) + 7) / 8;
    variable.align = align != 0 ? align : element;
    variable.name = expect_word();
    parse_array(variable, element);
    if (variable.bytes > 1 << 20) fail("parameter '" + variable.name + "' is too large");
    return variable;
}

// In parentheses; none if there is no '('.
std::vector<Variable> Parser::parse_parameters() {
    std::vector<Variable> all;
    if (!accept("(") || accept(")")) return all;
    do all.push_back(parse_parameter());
    while (accept(","));
    expect(")");
    return all;
}

void Parser::parse_sizes(int sizes[3]) {
    sizes[0] = sizes[1] = sizes[2] = 1;
    int i = 0;
    do {
        if (i == 3) fail("more than three sizes");
        sizes[i++] = parse_count();
    } while (accept(","));
}

bool Parser::parse_function_directive() {
    if (accept_dotted("maxntid")) {
        int sizes[3];
        parse_sizes(sizes);
        const int64_t product = (int64_t)sizes[0] * sizes[1] % (1 << 30) * sizes[2];
        function_.max_threads = (int)std::min<int64_t>(product, 1 << 30);
    } else if (accept_dotted("reqntid")) {
        parse_sizes(function_.required_threads);
    } else if (accept_dotted("minnctapersm")) {
        function_.min_blocks = parse_count();
    } else if (accept_dotted("reqnctapercluster")) {
        parse_sizes(function_.required_cluster);
    } else if (accept_dotted("explicitcluster")) {
        function_.explicit_cluster = true;
    } else if (accept_dotted("maxnctapersm") || accept_dotted("maxnreg") ||
               accept_dotted("maxclusterrank") || accept_dotted("abi_preserve") ||
               accept_dotted("abi_preserve_control")) {
        parse_count();
    } else if (accept_dotted("attribute")) {
        skip_parentheses();
    } else if (accept_dotted("pragma")) {
        parse_pragma();
    } else {
        return accept_dotted("noreturn");
    }
    return true;
}

void Parser::parse_function(bool entry, bool external) {
    function_ = {};
    function_.entry = entry;
    function_.line = peek().line;
    while (accept_dotted("attribute")) skip_parentheses();
    if (!entry) function_.returns = parse_parameters();
    function_.name = expect_word();
    function_.params = parse_parameters();
    while (parse_function_directive()) {
    }
    function_.external = external || !peek().is("{");
    if (accept("{")) {
        function_.external = false;
        parse_body();
    } else {
        expect(";");
    }
    keep_function(std::move(function_));
    function_ = {};
}

// A body wins over declarations.
void Parser::keep_function(Function &&function) {
    for (Function &known : module_.functions) {
        if (known.name != function.name) continue;
        if (!known.external && !function.external)
            fail("function '" + function.name + "' has two bodies");
        if (known.external) known = std::move(function);
        return;
    }
    module_.functions.push_back(std::move(function));
}

void Parser::parse_declaration() {
    static const char *LINKING[] = {"visible", "weak", "common"};
    bool external = accept_dotted("extern");
    for (const char *word : LINKING) accept_dotted(word);
    if (peek().kind != Token::dotted)
        fail("a declaration is expected before '" + std::string(peek().text) + "'");
    const auto keep = [&](Variable::Space space) {
        for (Variable &variable : parse_variables(space, external))
            module_.variables.push_back(std::move(variable));
    };
    if (accept_dotted("version")) return parse_version();
    if (accept_dotted("target")) return parse_target();
    if (accept_dotted("file")) return parse_file();
    if (accept_dotted("loc")) return parse_location();
    if (accept_dotted("section")) return parse_section();
    if (accept_dotted("pragma")) return parse_pragma();
    if (accept_dotted("alias")) return parse_alias();
    if (accept_dotted("entry")) return parse_function(true, external);
    if (accept_dotted("func")) return parse_function(false, external);
    if (accept_dotted("global") || accept_dotted("tex")) return keep(Variable::global);
    if (accept_dotted("const")) return keep(Variable::constant);
    if (accept_dotted("shared") || accept_dotted("shared::cta")) return keep(Variable::shared);
    if (accept_dotted("local")) return keep(Variable::local);
    if (accept_dotted("address_size")) {
        if (parse_count() != 64) fail("addresses of other than 64 bits");
        return;
    }
    fail("unknown directive ." + std::string(peek().text));
}

Module Parser::parse() {
    while (peek().kind != Token::end)
        if (!accept(";")) parse_declaration();
    resolve_aliases();
    if (module_.version.empty() || module_.target.empty()) fail("no .version or no .target");
    return std::move(module_);
}

Module parse_module(const std::string &text) { return Parser(text).parse(); }
