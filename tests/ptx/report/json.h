// Writes JSON, a value at a time.
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

class Json {
public:
    explicit Json(std::FILE *file) : file_(file) {}

    void open(char bracket) { separate(), std::fputc(bracket, file_), first_ = true; }
    void close(char bracket) { std::fputc(bracket, file_), first_ = false; }
    void key(const char *name) { text(name), std::fputc(':', file_), first_ = true; }
    void number(uint64_t value) { separate(), std::fprintf(file_, "%" PRIu64, value); }
    void real(double value) { separate(), std::fprintf(file_, "%.6g", value); }
    void text(const std::string &value) {
        separate();
        std::fputc('"', file_);
        for (const char c : value) {
            if (c == '"' || c == '\\')
                std::fprintf(file_, "\\%c", c);
            else if ((unsigned char)c < ' ')
                std::fprintf(file_, "\\u%04x", c);
            else
                std::fputc(c, file_);
        }
        std::fputc('"', file_);
    }
    void field(const char *name, uint64_t value) { key(name), number(value); }
    void field(const char *name, int value) { key(name), number((uint64_t)value); }
    void field(const char *name, double value) { key(name), real(value); }
    void field(const char *name, const std::string &value) { key(name), text(value); }
    void line() { std::fputc('\n', file_); }

private:
    void separate() {
        if (!first_) std::fputc(',', file_);
        first_ = false;
    }
    std::FILE *file_;
    bool first_ = true;
};
