// What the checks find: one line each, once for each kind and place.  A program that has findings ends
// with status 1.
#pragma once

#include "../machine/program.h"

enum class Check {
    bounds,
    freed,
    misaligned,
    uninitialised,
    race,
    asynchronous,
    barrier,
    deadlock,
    launch,
    wrong_use
};

struct Warp;
struct Size3;
std::string text_of(const Size3 &at);  // "(x,y,z)"
// lane: -1 = the whole warp.  Prints "file.cu:line: kernel NAME, block (x,y,z), thread (x,y,z): WHAT
// (PTX line N)".
void finding(const Warp &warp, const Insn &insn, int lane, Check check, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
// The finding is about a launch or a call of the host.
void host_finding(Check check, const char *format, ...) __attribute__((format(printf, 2, 3)));
long findings();

// "file.cu:12" of an instruction, inlined code by where it was written (the toolkit's by where it was
// called);
// "" if the PTX has no lines.
std::string place_of(const Program &program, const Insn &insn);
