// Splits a PTX text into words, numbers and marks; comments and blanks are skipped.
#include "lexer.h"

#include "module.h"

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}
bool is_word(char c) { return is_letter(c) || is_digit(c); }

const std::string_view DOUBLE_MARKS[] = {"<<", ">>", "<=", ">=", "==", "!=", "&&", "||"};
const std::string_view MARKS = "{}()[]<>,;:=+-*/%&|^~!?@";

}  // namespace

void Lexer::skip_long_comment() {
    const int begin = line_;
    for (at_ += 2; !(ahead(0) == '*' && ahead(1) == '/'); ++at_) {
        if (at_ >= end_)
            throw PtxError(begin, "PTX line " + std::to_string(begin) + ": a comment has no end");
        if (*at_ == '\n') ++line_;
    }
    at_ += 2;
}

void Lexer::skip_blanks() {
    while (at_ < end_) {
        if (*at_ == '\n') {
            ++line_, ++at_;
        } else if (*at_ == ' ' || (*at_ >= '\t' && *at_ <= '\r')) {
            ++at_;
        } else if (*at_ == '/' && ahead(1) == '/') {
            while (at_ < end_ && *at_ != '\n') ++at_;
        } else if (*at_ == '/' && ahead(1) == '*') {
            skip_long_comment();
        } else {
            return;
        }
    }
}

// 12, 0x1F, 0b101, 017, 12U, 0f3F800000, 1.5e-3.
size_t Lexer::number_length() const {
    size_t n = 1;
    const bool prefixed = *at_ == '0' && is_letter(ahead(1)) && ahead(1) != 'e' && ahead(1) != 'E';
    if (!prefixed) {
        while (is_digit(ahead(n))) ++n;
        if (ahead(n) == '.' && !is_letter(ahead(n + 1))) {
            for (++n; is_digit(ahead(n));) ++n;
        }
        const size_t sign = ahead(n + 1) == '-' || ahead(n + 1) == '+' ? 1 : 0;
        if ((ahead(n) == 'e' || ahead(n) == 'E') && is_digit(ahead(n + 1 + sign))) n += 1 + sign;
    }
    while (is_word(ahead(n))) ++n;
    return n;
}

void Lexer::produce(Token::Kind kind, size_t length) {
    token_ = {kind, std::string_view(at_, length), line_};
    at_ += length;
}

void Lexer::advance() {
    skip_blanks();
    if (at_ >= end_) return produce(Token::end, 0);
    const char c = *at_;
    size_t n = 1;
    if (is_letter(c) || (c == '%' && is_letter(ahead(1)))) {
        while (is_word(ahead(n))) ++n;
        return produce(Token::word, n);
    }
    if (is_digit(c)) return produce(Token::number, number_length());
    if (c == '.' && is_word(ahead(1))) {
        for (++at_;
             is_word(ahead(n)) || (ahead(n) == ':' && ahead(n + 1) == ':' && is_word(ahead(n + 2)));)
            n += ahead(n) == ':' ? 2 : 1;
        return produce(Token::dotted, n);
    }
    if (c == '"') {
        for (++at_, n = 0; at_ + n < end_ && at_[n] != '"' && at_[n] != '\n'; ++n)
            if (at_[n] == '\\' && at_ + n + 1 < end_) ++n;
        if (ahead(n) != '"')
            throw PtxError(line_, "PTX line " + std::to_string(line_) + ": a string has no end");
        produce(Token::quoted, n);
        ++at_;
        return;
    }
    for (const std::string_view mark : DOUBLE_MARKS)
        if (c == mark[0] && ahead(1) == mark[1]) return produce(Token::mark, 2);
    if (MARKS.find(c) == std::string_view::npos)
        throw PtxError(line_,
                       "PTX line " + std::to_string(line_) + ": unexpected character '" + c + "'");
    produce(Token::mark, 1);
}
