// The parser: texts that are wrong, and texts that are cut off.
#include <cstring>
#include <random>

#include "../text/module.h"
#include "check.h"

namespace {

// A text that must be refused, and the line that must be named; 4 is the first line after the head.
void refuse(const std::string &text, int line) {
    try {
        parse_module(".version 9.0\n.target sm_90a\n.address_size 64\n" + text);
        std::cout << "FAILED: was parsed: " << text << "\n";
        ++failures();
    } catch (const PtxError &error) {
        expect_equal("line of the error in: " + text + " (" + error.what() + ")", error.line, line);
        if (std::strstr(error.what(), ("line " + std::to_string(line)).c_str()) == nullptr)
            expect_equal("message", error.what(), "one with its line");
    }
}

void test_errors() {
    refuse("nonsense", 4);
    refuse("\n.unknown x;", 5);
    refuse("\n\n.visible .entry k()\n{\n add.s32 %r1 %r2;\n}", 8);
    refuse(".entry k()\n{\n.reg .b32 %r<2>;\n.reg .b32 %r<3>;\n}", 7);
    refuse(".entry k()\n{\nL:\nL:\n}", 7);
    refuse(".entry k()\n{\n.reg .nothing %r;\n}", 6);
    refuse(".entry k()\n{\n@p bra L;\n}", 6);
    refuse(".entry k() { .reg .b32 %r<99999999>; }", 4);
    refuse(".entry k() { mov.b32 x, 1 / 0; }", 4);
    refuse(".entry k() { mov.b32 x, 12z; }", 4);
    refuse(".entry k() { mov.b32 x, 0f12; }", 4);
    refuse(".entry k() { .reg .v4 .f32 %v; mov.f32 %v.q, 0; }", 4);
    refuse(".entry k() { ld.b32 x, [a; }", 4);
    refuse(".entry k() {", 4);
    refuse(".entry k() { ret; }\n.entry k() { ret; }", 5);
    refuse(".func f(.reg .b32 x) { ret; }", 4);
    refuse(".global .b8 a[2] = {1, 2, 3};", 4);
    refuse(".global .align 3 .b8 a;", 4);
    refuse(".global .b8 a[99999999999999];\n.global .b8 b[99999999999][99999999999];", 5);
    refuse(".global .b8 a[999999999] = {1};", 4);
    refuse(".address_size 32", 4);
    refuse("/* no end", 4);
    refuse(".file 1 \"no end\n", 4);
    refuse("\x01", 4);
    refuse(".entry k() { mov.b32 x, " + std::string(100000, '(') + "; }", 4);
    refuse(".entry k() { mov.b32 x, " + std::string(100000, '-') + "1; }", 4);
    refuse(".entry k() " + std::string(100000, '{'), 4);
    std::string nested;
    for (int i = 0; i < 100000; ++i) nested += "[a,";
    refuse(".entry k() { ld.b32 x, " + nested + "; }", 4);
}

const char *const WHOLE = R"(.version 9.0
.target sm_90a
.address_size 64
.extern .func (.param .b32 r) vprintf(.param .b64 f, .param .b64 a);
.global .align 8 .b8 a[16] = {1, 2, 0xFF(a), 0f00000000};
.const .f32 c[2][2] = {{1.5, 2e3}, {0f3F800000}};
.extern .shared .align 128 .b8 smem[];
.visible .entry k(.param .align 8 .b8 s[40], .param .u64 .ptr .global .align 16 p)
.maxntid 16, 8
{
    .reg .pred %p<3>;
    .reg .v4 .f32 %v;
    .reg .b32 %r<5>;
    .loc 1 10 3, function_name $L__x+4, inlined_at 1 2 3
$L: mov.u32 %r1, %tid.x; /* why */
    @!%p1 ld.shared::cta.v2.u32 {%r1, _}, [smem+-8]; // here
    { .reg .b32 x; .param .b32 q; call.uni (q), vprintf, (q, q); L: bra L; }
    setp.lt.s32 %p1|%p2, %r1, (1 << 2) + -3;
    cp.async.bulk.tensor.1d.mbarrier::complete_tx::bytes [%r1], [%r2, {%r3}], [%r4];
    t: .branchtargets $L;
    brx.idx %r1, t;
}
.file 1 "k.cu", 12, 34
.section .debug_str { $L__x: .b8 1 }
.alias other, k;
)";

// A text that is wrong somehow must end in PtxError or in a module, whatever it says.
void survive(const std::string &text) {
    try {
        parse_module(text);
    } catch (const PtxError &) {
    }
}

void test_broken() {
    const std::string whole = WHOLE;
    try {
        parse_module(whole);
    } catch (const PtxError &error) {
        expect_equal("the whole text", error.what(), "no error");
    }
    for (size_t length = 0; length < whole.size(); ++length) survive(whole.substr(0, length));
    for (size_t i = 0; i < whole.size(); ++i) {
        std::string text = whole;
        text.erase(i, 1);
        survive(text);
    }
    std::mt19937 random(1);
    const std::string letters = "{}()[]<>,;:=+-*/%|!@.\"0x1fU_a \n";
    for (int i = 0; i < 3000; ++i) {
        std::string text = whole;
        for (int k = 0; k < 3; ++k) text[random() % text.size()] = letters[random() % letters.size()];
        survive(text);
    }
}

}  // namespace

int main() {
    test_errors();
    test_broken();
    return report();
}
