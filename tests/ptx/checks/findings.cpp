// Prints findings, keeps count of repetitions, and decides the status with which the process ends.
#include "findings.h"

#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <tuple>

#include "../machine/block.h"
#include "../machine/warp.h"

namespace {

constexpr size_t MOST_LINES = 200;

struct Known {
    std::string line;
    long more = 0;
};

struct Findings {
    std::mutex lock;
    std::map<std::tuple<std::string, std::string, Check>, Known> known;  // by kernel, place, kind
    std::map<std::pair<const Insn *, Check>, Known *> places;  // the same, for those that come again
    long count = 0;
};

// Never destroyed: the process may find something until its very end.
Findings &all() {
    static Findings *findings = new Findings;
    return *findings;
}

const char *name_of(Check check) {
    switch (check) {
        case Check::bounds:
            return "bounds";
        case Check::freed:
            return "freed";
        case Check::misaligned:
            return "misaligned";
        case Check::uninitialised:
            return "uninitialised";
        case Check::race:
            return "race";
        case Check::asynchronous:
            return "asynchronous";
        case Check::barrier:
            return "barrier";
        case Check::deadlock:
            return "deadlock";
        case Check::launch:
            return "launch";
        case Check::wrong_use:
            return "wrong_use";
    }
    return "?";
}

std::string format_list(const char *format, va_list list) {
    char text[2048];
    std::vsnprintf(text, sizeof text, format, list);
    return text;
}

std::string quoted(const std::string &text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if ((unsigned char)c < 0x20)
            out += ' ';
        else
            out += c;
    }
    return out + "\"";
}

// What a script wants to know of a finding.
struct Facts {
    std::string kernel, place, block, thread, what;
    int ptx_line = 0;
};

void append_json(Check check, const Facts &facts) {
    static const char *path = std::getenv("KAIROS_PTX_FINDINGS");
    if (path == nullptr) return;
    std::FILE *file = std::fopen(path, "a");
    if (file == nullptr) {
        std::fprintf(stderr, "ptx: cannot write %s: %s\n", path, std::strerror(errno));
        path = nullptr;
        return;
    }
    std::fprintf(file,
                 "{\"kind\": \"%s\", \"kernel\": %s, \"place\": %s, \"block\": %s, \"thread\": %s, "
                 "\"ptx_line\": %d, "
                 "\"what\": %s}\n",
                 name_of(check), quoted(facts.kernel).c_str(), quoted(facts.place).c_str(),
                 quoted(facts.block).c_str(), quoted(facts.thread).c_str(), facts.ptx_line,
                 quoted(facts.what).c_str());
    std::fclose(file);
}

// Counts what was found at this instruction before.
bool again(const Insn &insn, Check check) {
    Findings &f = all();
    const std::lock_guard<std::mutex> guard(f.lock);
    const auto at = f.places.find({&insn, check});
    if (at == f.places.end()) return false;
    ++f.count, ++at->second->more;
    return true;
}

// Prints `line`, unless the same was found at this place before.
void add(const Insn *insn, Check check, const Facts &facts, const std::string &line) {
    Findings &f = all();
    const std::lock_guard<std::mutex> guard(f.lock);
    ++f.count;
    const std::string where =
        facts.place.empty() ? "PTX line " + std::to_string(facts.ptx_line) : facts.place;
    const auto [at, fresh] = f.known.try_emplace({facts.kernel, where, check}, Known{line, 0});
    if (insn != nullptr) f.places[{insn, check}] = &at->second;
    if (!fresh) {
        ++at->second.more;
        return;
    }
    append_json(check, facts);
    if (f.known.size() <= MOST_LINES) std::fprintf(stderr, "%s\n", line.c_str());
    if (f.known.size() == MOST_LINES)
        std::fprintf(stderr, "(further findings are counted, and not shown)\n");
}

// Runs after the program's own handlers of its end, and decides the status.
__attribute__((destructor(101))) void end_process() {
    Findings &f = all();
    if (f.count == 0) return;
    std::fflush(nullptr);
    for (const auto &[key, known] : f.known)
        if (known.more > 0)
            std::fprintf(stderr, "%s: and %ld more like it\n", known.line.c_str(), known.more);
    std::fprintf(stderr, "%ld findings at %zu places\n", f.count, f.known.size());
    std::fflush(nullptr);
    _exit(1);
}

std::string short_path(const std::string &path) {
    static const std::string here = [] {
        char *folder = getcwd(nullptr, 0);
        const std::string text = folder != nullptr ? std::string(folder) + "/" : "";
        std::free(folder);
        return text;
    }();
    return !here.empty() && path.starts_with(here) ? path.substr(here.size()) : path;
}

}  // namespace

std::string place_of(const Program &program, const Insn &insn) {
    const Module &module = *program.module;
    const auto known = [&](int number) {
        return number > 0 && (size_t)number < module.locations.size() &&
               module.locations[number].file >= 0 &&
               (size_t)module.locations[number].file < module.files.size();
    };
    if (!known(insn.location)) return "";
    // Where a header of the toolkit was inlined, the place that called it says more.
    int number = insn.location;
    while (module.files[module.locations[number].file].starts_with("/usr/") &&
           known(module.locations[number].outer))
        number = module.locations[number].outer;
    const Location &location = module.locations[number];
    return short_path(module.files[location.file]) + ":" + std::to_string(location.line);
}

void finding(const Warp &warp, const Insn &insn, int lane, Check check, const char *format, ...) {
    if (again(insn, check)) return;
    va_list list;
    va_start(list, format);
    Facts facts;
    facts.what = format_list(format, list);
    va_end(list);
    const Block &block = *warp.block;
    facts.kernel = warp.program->readable;
    facts.place = place_of(*warp.program, insn);
    facts.ptx_line = insn.line;
    facts.block = text_of(block.id);
    if (lane >= 0) facts.thread = text_of(block.thread_id(block.thread(warp, lane)));
    std::string line = facts.place.empty() ? "" : facts.place + ": ";
    line += "kernel " + facts.kernel + ", block " + facts.block;
    line += lane >= 0 ? ", thread " + facts.thread : ", warp " + std::to_string(warp.index);
    line +=
        ": " + facts.what + " (PTX line " + std::to_string(insn.line) + ") [" + name_of(check) + "]";
    add(&insn, check, facts, line);
}

void host_finding(Check check, const char *format, ...) {
    va_list list;
    va_start(list, format);
    Facts facts;
    facts.what = format_list(format, list);
    va_end(list);
    facts.place = facts.what;  // calls of the host have no line: each text is a place
    add(nullptr, check, facts, facts.what + " [" + name_of(check) + "]");
}

std::string text_of(const Size3 &at) {
    char text[64];
    std::snprintf(text, sizeof text, "(%u,%u,%u)", at.x, at.y, at.z);
    return text;
}

long findings() { return all().count; }
