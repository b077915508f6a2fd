// Random numbers of KAIROS_PTX_SEED, for whatever a GPU leaves open.
#pragma once

#include <cstdint>

// SplitMix64 (Steele, Lea and Flood 2014).
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 1) {}
    uint64_t next() {
        uint64_t z = state_ += 0x9E3779B97F4A7C15ull;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ z >> 27) * 0x94D049BB133111EBull;
        return z ^ z >> 31;
    }
    uint64_t below(uint64_t n) { return next() % n; }  // n > 0

private:
    uint64_t state_;
};

uint64_t ptx_seed();  // KAIROS_PTX_SEED, 0 by default
