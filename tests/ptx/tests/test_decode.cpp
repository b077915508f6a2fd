// The decoder: leaders, constants, addresses, calls, and what it refuses.
#include <cstring>
#include <set>

#include "decoded.h"

namespace {

// ---- leaders, constants, widths ----

void test_leaders() {
    const auto decoded = decode_body(R"(
        .reg .b32 %r<4>; .reg .pred %p;
        t_op %p;                 // 0: the first
        t_op %r1;
    A:  t_op %r2;                // 2: a target
        t_op.meets %r3;          // 3: where lanes meet
        @%p bra A;
        t_op %r1;                // 5: after a branch
    B:  t_op %r1;                // no target
        @%p exit;
        t_op %r2;                // 8: after an exit
        tab: .branchtargets C, D;
        brx.idx %r1, tab;
    C:  t_op %r1;                // 10
        t_op %r1;
    D:  exit;                    // 12; what follows is the end of the body
    )");
    std::string leaders;
    for (size_t i = 0; i < decoded->program->code.size(); ++i)
        if (decoded->program->code[i].leader) leaders += std::to_string(i) + " ";
    expect_equal("leaders", leaders, "0 2 3 5 8 10 12 13 ");
    expect_equal("target", decoded->program->code[4].target, 2);
    const auto *table = (const std::vector<int32_t> *)decoded->program->code[9].extra;
    expect_equal("table", table->at(0) * 100 + table->at(1), 1012);
}

uint64_t constant_of(const Program &program, int32_t op, bool wide) {
    const uint32_t *at = program.constants.data() + (size_t)~op * LANES;
    uint64_t value = 0;
    std::memcpy(&value, at, wide ? 8 : 4);
    for (int lane = 0; lane < LANES; ++lane)
        if (std::memcmp((const char *)at + lane * (wide ? 8 : 4), &value, wide ? 8 : 4) != 0)
            expect_equal("copies of a constant", lane, -1);
    return value;
}

void test_constants() {
    const auto decoded = decode_body(R"(
        .reg .b32 %r; .reg .b64 %d; .reg .b16 %h; .reg .f32 %f;
        t_copy.b32 %r, -1;
        t_copy.u16 %h, -2;
        t_copy.u64 %d, -1;
        t_copy.b32 %r, 0xFFFFFFFF;
        t_copy.f32 %f, 1.5;
        t_copy.f32 %f, 0f3FC00000;
        t_copy.f64 %d, 1.5;
        t_copy.f64 %d, 0d3FF8000000000000;
        t_copy.s32 %r, (1 << 3) + 1;
        t_copy.u8 %h, 0x1FF;
        t_copy.b32 %r, 0f3FC00000;)");
    const std::vector<Insn> &code = decoded->program->code;
    const std::pair<uint64_t, bool> expected[] = {{0xFFFFFFFF, false},
                                                  {0xFFFE, false},
                                                  {~0ull, true},
                                                  {0xFFFFFFFF, false},
                                                  {0x3FC00000, false},
                                                  {0x3FC00000, false},
                                                  {0x3FF8000000000000, true},
                                                  {0x3FF8000000000000, true},
                                                  {9, false},
                                                  {0xFF, false},
                                                  {0x3FC00000, false}};
    for (size_t i = 0; i < std::size(expected); ++i)
        expect_equal("constant " + std::to_string(i),
                     constant_of(*decoded->program, code[i].ops[1], expected[i].second),
                     expected[i].first);
    expect_equal("equal constants are one", code[0].ops[1], code[3].ops[1]);
    expect_equal("constants", decoded->program->constants.size(), (5 + 2 * 2u) * LANES);
}

// Runs straight code in lanes `mask` of a warp whose slots begin as `fill`.
std::vector<uint32_t> run(const Program &program, Mask mask, uint32_t fill, int rank = 0) {
    Block block;
    block.rank = rank;
    Warp w;
    w.block = &block;
    w.program = &program;
    std::vector<uint32_t> frame(program.slots * LANES + LANES, fill);
    w.frame = frame.data();
    w.preds.assign(program.preds + 1, 0);
    w.exec = mask;
    for (const Insn &insn : program.code)
        if (insn.target < 0 && &insn != &program.code.back()) insn.run(w, insn);
    return frame;
}

// Registers wider than the type: they are cut off when read, and extended when written.
void test_widths() {
    struct {
        const char *type, *to, *from;
        uint64_t value, expected;
    } cases[] = {
        {"s8", "%h", "%h0", 0x1280, 0xFF80},
        {"u8", "%h", "%h0", 0x1280, 0x80},
        {"s8", "%r", "%h0", 0x80, 0xFFFFFF80},
        {"s16", "%r", "%r0", 0x18000, 0xFFFF8000},
        {"u16", "%r", "%r0", 0x18000, 0x8000},
        {"s32", "%d", "%r0", 0x80000000, 0xFFFFFFFF80000000},
        {"u32", "%d", "%r0", 0x80000000, 0x80000000},
        {"s8", "%d", "%h0", 0x80, 0xFFFFFFFFFFFFFF80},
        {"s16", "%d", "%h0", 0x7FFF, 0x7FFF},
        {"b32", "%r", "%d0", 0x123456789, 0x23456789},
        {"s16", "%r", "%d0", 0x12345F789, 0xFFFFF789},
        {"u64", "%d", "%d0", 0x123456789, 0x123456789},
    };
    for (const auto &c : cases) {
        const std::string name = std::string("t_copy.") + c.type + " " + c.to + ", " + c.from;
        const char kind = c.from[1];
        const std::string set = std::string(kind == 'h'   ? "t_copy.b16 "
                                            : kind == 'r' ? "t_copy.b32 "
                                                          : "t_copy.b64 ") +
                                c.from + ", " + std::to_string(c.value) + ";\n";
        const auto decoded = decode_body(".reg .b16 %h, %h0; .reg .b32 %r, %r0; .reg .b64 %d, %d0;\n" +
                                         set + name + ";\nt_op.keep _, " + c.to + ";");
        const std::vector<uint32_t> frame = run(*decoded->program, 0xFFFF0001, 0xDEAD);
        const Insn &last = decoded->program->code[decoded->program->code.size() - 2];
        const int slot = last.ops[1];
        const bool wide = c.to[1] == 'd';
        for (const int lane : {0, 1, 31}) {
            uint64_t value = 0;
            std::memcpy(&value, (const char *)(frame.data() + slot * LANES) + lane * (wide ? 8 : 4),
                        wide ? 8 : 4);
            const uint64_t untouched = wide ? 0xDEAD0000DEAD : 0xDEAD;
            expect_equal(name + ", lane " + std::to_string(lane), value,
                         lane == 1 ? untouched : c.expected);
        }
    }
}

// ---- memory ----

void test_addresses() {
    const auto decoded = decode(R"(
        .global .b32 g; .const .b32 c;
        .shared .align 4 .b8 unused[64]; .shared .align 4 .b8 first[6]; .extern .shared .align 32 .b8 dynamic[];
        .shared .align 16 .b8 second[4];
        .entry k(.param .b8 a, .param .align 16 .b8 b[20], .param .u64 p) {
        .local .align 8 .b8 x[12]; .local .align 8 .b8 y[8]; .shared .align 8 .b8 demoted[8]; .param .b32 q;
        .reg .b64 %d; .reg .b32 %r;
        t_address [g+4];
        t_address [c];
        t_address [a];
        t_address [b+16];
        t_address [p];
        t_address [x];
        t_address [y+-4];
        t_address [q];
        t_address [%d+8];
        t_address [%r+-8];
        t_address [4096];
        t_address [first+2];
        t_address [second];
        t_address [demoted];
        t_address [dynamic];
        t_copy.u64 %d, second;
        t_copy.u64 %d, g;
        t_op.keep _, %d;
        })");
    const Program &program = *decoded->program;
    const uint64_t g = (uint64_t)decoded->loaded.variables["g"],
                   c = (uint64_t)decoded->loaded.variables["c"];
    const int shared = 5;  // instructions before the statements put addresses into registers
    struct {
        Space space;
        bool wide, constant;
        uint64_t base;
        int64_t offset;
    } expected[] = {
        {Space::global, true, true, g, 4},      {Space::constant, true, true, c, 0},
        {Space::param, false, true, 0, 0},      {Space::param, false, true, 16, 16},
        {Space::param, false, true, 40, 0},     {Space::local, false, true, 0, 0},
        {Space::local, false, true, 16, -4},    {Space::local, false, true, 24, 0},
        {Space::generic, true, false, 0, 8},    {Space::generic, false, false, 0, -8},
        {Space::generic, true, true, 4096, 0},  {Space::shared, false, false, 1024, 2},
        {Space::shared, false, false, 1040, 0}, {Space::shared, false, false, 1048, 0},
        {Space::shared, false, false, 1056, 0},
    };
    for (size_t i = 0; i < std::size(expected); ++i) {
        const Insn &insn = program.code[shared + i];
        const std::string name = "address " + std::to_string(i);
        expect_equal(name + ": space", (int)insn.imm2, (int)expected[i].space);
        expect_equal(name + ": wide", insn.wide_address, expected[i].wide);
        expect_equal(name + ": offset", insn.imm, expected[i].offset);
        expect_equal(name + ": constant", insn.ops[0] < 0, expected[i].constant);
        if (expected[i].constant)
            expect_equal(name, constant_of(program, insn.ops[0], expected[i].wide), expected[i].base);
    }
    const Insn &copied = program.code[program.code.size() - 3];
    expect_equal("address of g", constant_of(program, copied.ops[1], true), g);
    std::set<int64_t> places;
    for (int i = 0; i < shared; ++i) places.insert(program.code[i].imm);
    expect_equal("places of shared variables", places == std::set<int64_t>{1024, 1040, 1048, 1056},
                 true);
    expect_equal("bytes of shared memory", program.shared_bytes, 1056 - 1024);
    expect_equal("alignment of dynamic shared memory", program.shared_align, 32);
    expect_equal("bytes of parameters", program.param_bytes, 48);
    expect_equal("bytes of local memory", program.local_bytes, 28);
    expect_equal("offset of a parameter", program.params.at(1).offset, 16);
}

// The block's rank is part of a shared address.
void test_shared_address() {
    const auto decoded = decode(R"(
        .shared .b8 a[8]; .shared .b8 b[8];
        .entry k() { .reg .b32 %r; .reg .b64 %d;
        t_copy.u32 %r, a; t_copy.u64 %d, b; t_op.keep _, %r; t_op.keep _, %d; })");
    const std::vector<uint32_t> frame = run(*decoded->program, ALL, 0, 3);
    const std::vector<Insn> &code = decoded->program->code;
    Block block;
    block.rank = 3;
    expect_equal("32 bits", frame[code[code.size() - 3].ops[1] * LANES + 5],
                 block.shared_base() + 1024);
    const uint32_t *wide = &frame[code[code.size() - 2].ops[1] * LANES + 5 * 2];
    expect_equal("64 bits", wide[0], block.shared_base() + 1032);
    expect_equal("upper half", wide[1], 0u);
}

// ---- calls ----

void test_calls() {
    const auto decoded = decode(R"(
        .extern .func (.param .b32 r) vprintf(.param .b64 f, .param .b64 a);
        .func (.param .b32 r) inner(.param .b32 x, .param .b64 y) { .reg .b32 %r; t_op %r; ret; }
        .func outer() {
          .param .b32 a, r; .param .b64 b; .reg .b32 %r; t_op %r;
          call (r), inner, (a, b);
          t_op _, %r; }
        .entry k() {
          .param .b32 a, r; .param .b64 b, c; .reg .b32 %r; t_op %r;
          call outer, ();
          call.uni (r), inner, (a, b);
          call (r), vprintf, (b, c);
          t_op _, %r;
        })");
    const Program &program = *decoded->program;
    const std::vector<Insn> &code = program.code;
    expect_equal("instructions", code.size(), 6u + 4 + 3);
    if (code.size() != 13) return;
    expect_equal("target outer", code[1].target, 6);
    expect_equal("target inner", code[2].target, 10);
    expect_equal("the same function", code[7].target, 10);
    expect_equal("an entry leads", code[6].leader && code[10].leader, true);
    const Call &call = *(const Call *)code[2].extra;
    expect_equal("copies before", call.before.size(), 2u);
    expect_equal("copies after", call.after.size(), 1u);
    const Call &other = *(const Call *)code[7].extra;
    expect_equal("one place of a parameter", call.before[0].to, other.before[0].to);
    expect_equal("arguments of their own", call.before[0].from != other.before[0].from, true);
    expect_equal("bytes", call.before[0].bytes * 100 + call.before[1].bytes, 408);
    expect_equal("the place of return", code[2].ops[0], code[7].ops[0]);
    expect_equal("of another function", code[1].ops[0] != code[2].ops[0], true);
    expect_equal("where inner finds it", code[11].ops[0], code[2].ops[0]);
    std::set<int> slots = {code[0].ops[0], code[6].ops[0], code[10].ops[0], code[1].ops[0],
                           code[2].ops[0]};
    expect_equal("slots of three functions and two returns", slots.size(), 5u);
    for (const int slot : slots) expect_equal("slot in the frame", slot < program.slots, true);
    const Call &external = *(const Call *)code[3].extra;
    expect_equal("external", external.external, "vprintf");
    expect_equal("its arguments", external.arguments.size(), 2u);
    expect_equal("bytes of its result", external.results.at(0).bytes, 4);
    expect_equal("no target", code[3].target, -1);
}

// ---- special registers, errors ----

void test_special_registers() {
    const auto decoded = decode_body(".reg .b32 %r; t_copy.u32 %r, %tid.x; t_op _, %r;");
    expect_equal("instructions", decoded->program->code.size(), 4u);
    expect_equal("a register is read", decoded->program->code[0].ops[0],
                 decoded->program->code[1].ops[1]);
}

void refuse(const std::string &declarations, const std::string &expected) {
    try {
        decode(declarations);
        std::cout << "FAILED: was decoded: " << declarations << "\n";
        ++failures();
    } catch (const PtxError &error) {
        expect_equal("message", std::string(error.what()), expected);
    }
}

void test_errors() {
    const auto in = [](const std::string &statement) {
        return ".entry k() { .reg .b32 %r; .reg .b64 %d; .reg .pred %p;\n" + statement + " }";
    };
    const std::string end = " (PTX line 4)";
    refuse(in("frobnicate.rn.u32 %r;"), "kernel k: frobnicate.rn.u32: unknown instruction" + end);
    refuse(in("t_copy.rn.u32 %r, %r;"),
           "kernel k: t_copy.rn.u32: modifier .rn is not understood" + end);
    refuse(in("t_copy %r, %r;"), "kernel k: t_copy: a type is missing" + end);
    refuse(in("t_copy.u32 %r;"), "kernel k: t_copy.u32: operand 2 is missing" + end);
    refuse(in("t_copy.u32 %r, nobody;"), "kernel k: t_copy.u32: unknown name 'nobody'" + end);
    refuse(in("t_copy.u64 %d, %r;"),
           "kernel k: t_copy.u64: operand %r has 32 bits instead of 64" + end);
    refuse(in("t_copy.u32 %p, %r;"),
           "kernel k: t_copy.u32: predicate %p as an operand of another type" + end);
    refuse(in("t_copy.u32 1, %r;"), "kernel k: t_copy.u32: a register must be written to" + end);
    refuse(in("t_copy.f32 %r, 1;"),
           "kernel k: t_copy.f32: an integer constant where f32 is expected" + end);
    refuse(in("bra nowhere;"), "kernel k: bra: unknown label 'nowhere'" + end);
    refuse(in("@%r exit;"), "kernel k: exit: the guard is no predicate" + end);
    refuse(in("call nobody;"), "kernel k: call: unknown function 'nobody'" + end);
    refuse(
        ".func f(.param .b32 x) { .param .b32 a; call f, (a); }\n.entry k() { .param .b32 a; call f, "
        "(a); }",
        "kernel k, function f: call: recursion of 'f' (PTX line 3)");
    refuse(".func f(.param .b32 x) { ret; }\n.entry k() { call f, (); }",
           "kernel k: call: 'f' has another number of parameters (PTX line 4)");

    // All errors at once; a branch that is left out has no target.
    LoadedModule loaded;
    loaded.module = parse_module(".version 9.0\n.target sm_90\n" +
                                 in("one; L: t_op %r; @%p two; bra.odd L; bra L;"));
    std::vector<PtxError> errors;
    const std::unique_ptr<Program> program(decode_entry(loaded, loaded.module.functions[0], &errors));
    expect_equal("errors", errors.size(), 3u);
    expect_equal("instructions that are left", program->code.size(), 3u);
}

}  // namespace

int main() {
    test_leaders();
    test_constants();
    test_widths();
    test_addresses();
    test_shared_address();
    test_calls();
    test_special_registers();
    test_errors();
    return report();
}
