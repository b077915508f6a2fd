// The words of a PTX text, one at a time.
#pragma once

#include <string>
#include <string_view>

struct Token {
    enum Kind { end, word, dotted, number, quoted, mark } kind = end;
    std::string_view text;  // dotted: without the dot; quoted: without the quotes
    int line = 1;

    bool is(std::string_view mark_text) const { return kind == mark && text == mark_text; }
    bool is_dotted(std::string_view name) const { return kind == dotted && text == name; }
};

class Lexer {
public:
    explicit Lexer(const std::string &text) : at_(text.data()), end_(at_ + text.size()) { advance(); }
    const Token &peek() const { return token_; }
    Token next() {
        const Token token = token_;
        advance();
        return token;
    }

private:
    void advance();
    void skip_blanks();
    void skip_long_comment();
    size_t number_length() const;
    char ahead(size_t n) const { return at_ + n < end_ ? at_[n] : '\0'; }
    void produce(Token::Kind kind, size_t length);

    const char *at_, *end_;
    int line_ = 1;
    Token token_;
};
