// KAIROS_PTX_CHECKS: which checks of memory are made ("all", the default; "none"; or some of
// bounds,init,race,async).
#pragma once

struct Checks {
    bool bounds, init, race, async;
};
extern const Checks chosen_checks;
inline const Checks &checks() { return chosen_checks; }

// A number from `least` to `most` that the environment gives.  Anything else there ends the process.
unsigned long long number_option(const char *variable, unsigned long long least,
                                 unsigned long long most, unsigned long long otherwise);
