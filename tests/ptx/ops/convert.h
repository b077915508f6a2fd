// One conversion of cvt, and how any is made by way of exact numbers.
#pragma once

#include "number.h"

struct Conversion {
    Type to, from;
    const Format *to_format = nullptr, *from_format = nullptr;  // nullptr: an integer
    Narrow narrow = Narrow::nearest;
    ToInteger integer = ToInteger::zero;
    bool rounds_to_integer = false, flush_in = false, flush_out = false, sat = false, relu = false,
         clamps = false;
    int to_bits, from_bits;  // in a register
};

uint64_t convert(const Conversion &c, uint64_t bits);

bool take_narrow(Decoding &d, Conversion &c);  // .rn, .rz, .rm, .rp, .rna; false: there is none
// The forms of convert_pairs.cpp: two numbers at once.  False: the statement is none of them.
bool decode_convert_pairs(Decoding &d);

template <class Format, bool relu>
uint16_t narrowed(float a) {
    return Format::narrow(relu && a <= 0 ? 0.0f : a);
}
