// Reads KAIROS_PTX_CHECKS.
#include "options.h"

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
