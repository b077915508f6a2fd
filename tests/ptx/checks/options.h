// KAIROS_PTX_CHECKS: which checks of memory are made ("all", the default; "none"; or some of
// bounds,init,race,async).
#pragma once

struct Checks {
    bool bounds, init, race, async;
};
extern const Checks chosen_checks;
inline const Checks &checks() { return chosen_checks; }
