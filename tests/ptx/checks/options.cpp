// Reads KAIROS_PTX_CHECKS, and numbers from the environment.
#include "options.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

Checks read_checks() {
    const char *value = std::getenv("KAIROS_PTX_CHECKS");
    const std::string text = value != nullptr ? value : "all";
    if (text == "all" || text.empty()) return {true, true, true, true};
    Checks chosen{};
    if (text == "none") return chosen;
    for (size_t at = 0; at <= text.size();) {
        const size_t end = std::min(text.find(',', at), text.size());
        const std::string word = text.substr(at, end - at);
        if (word == "bounds")
            chosen.bounds = true;
        else if (word == "init")
            chosen.init = true;
        else if (word == "race")
            chosen.race = true;
        else if (word == "async")
            chosen.async = true;
        else {
            std::fprintf(stderr,
                         "KAIROS_PTX_CHECKS: '%s' is none of all, none, bounds, init, race, async\n",
                         word.c_str());
            std::exit(2);
        }
        at = end + 1;
    }
    return chosen;
}

}  // namespace

const Checks chosen_checks = read_checks();

unsigned long long number_option(const char *variable, unsigned long long least,
                                 unsigned long long most, unsigned long long otherwise) {
    const char *text = std::getenv(variable);
    if (text == nullptr) return otherwise;
    char *end;
    errno = 0;
    const unsigned long long value = std::strtoull(text, &end, 10);
    const bool whole = *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
    if (whole && value >= least && value <= most) return value;
    std::fprintf(stderr, "ptx: %s is '%s', expected a number from %llu to %llu\n", variable, text,
                 least, most);
    std::exit(2);
}
