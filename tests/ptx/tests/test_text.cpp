// The parser: each construct of PTX.
#include "../text/module.h"
#include "check.h"

namespace {

const std::string HEAD = ".version 9.0\n.target sm_90a, debug\n.address_size 64\n";

Module parse(const std::string &text) {
    try {
        return parse_module(HEAD + text);
    } catch (const PtxError &error) {
        std::cout << "FAILED to parse: " << error.what() << "\n" << text << "\n";
        ++failures();
        return {};
    }
}

// The function of a module that has one.
Function parse_body(const std::string &body) {
    Module module = parse(".visible .entry k(.param .u64 a)\n{\n" + body + "\nret;\n}\n");
    return module.functions.size() == 1 ? module.functions[0] : Function{};
}

Statement parse_one(const std::string &statement) {
    const Function f = parse_body(
        ".reg .pred %p<4>; .reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .f32 %f<9>;\n" + statement);
    return f.statements.empty() ? Statement{} : f.statements[0];
}

// An operand as words, in which registers have their names.
std::string written(const Operand &o) {
    const auto list = [&](const char *open, const char *close) {
        std::string all = open;
        for (size_t i = 0; i < o.parts.size(); ++i) {
            if (i != 0) all += ' ';
            all += written(o.parts[i]);
        }
        return all + close;
    };
    std::string offset;
    if (o.offset != 0) offset.append("+").append(std::to_string(o.offset));
    switch (o.kind) {
        case Operand::reg:
            return (o.negated ? "!" : "") + o.text + "#" + std::to_string(o.id);
        case Operand::integer:
            return std::to_string((int64_t)o.bits);
        case Operand::real32:
            return std::string("f").append(std::to_string(o.bits));
        case Operand::real64:
            return std::string("d").append(std::to_string(o.bits));
        case Operand::name:
            return o.text + offset;
        case Operand::address:
            return list("[", "]") + offset;
        case Operand::vector:
            return list("{", "}");
        case Operand::list:
            return list("(", ")");
        case Operand::pair:
            return list("<", ">");
        default:
            return "_";
    }
}

std::string written(const Statement &s) {
    std::string all;
    if (s.guard >= 0)
        all.append(s.guard_negated ? "@!" : "@").append(std::to_string(s.guard)).append(" ");
    all += s.opcode;
    for (const std::string &modifier : s.modifiers) all.append("|").append(modifier);
    for (const Operand &o : s.operands) all.append(" ").append(written(o));
    return all;
}

// Registers: %p0..3 are 0..3, %r0..8 are 4..12, %rd 13..21, %f 22..30.
void test_statements() {
    const std::pair<const char *, const char *> cases[] = {
        {"add.s32 %r1, %r2, 1;", "add|s32 %r1#5 %r2#6 1"},
        {"@%p1 bra.uni L; L:", "@1 bra|uni L"},
        {"@!%p3 mov.u32 %r0, %tid.x;", "@!3 mov|u32 %r0#4 %tid.x"},
        {"mov.u32 %r0, %envreg3;", "mov|u32 %r0#4 %envreg3"},
        {"ld.global.nc.L1::no_allocate.L2::128B.v4.f32 {%f1, %f2, _, %f4}, [%rd1+-8];",
         "ld|global|nc|L1::no_allocate|L2::128B|v4|f32 {%f1#23 %f2#24 _ %f4#26} [%rd1#14]+-8"},
        {"st.shared::cluster.u32 [%r1 + 4*2], 0x10;", "st|shared::cluster|u32 [%r1#5]+8 16"},
        {"ld.param.u64 %rd1, [a];", "ld|param|u64 %rd1#14 [a]"},
        {"ld.param.u32 %r1, [a+4];", "ld|param|u32 %r1#5 [a]+4"},
        {"ld.shared.u32 %r1, [1024];", "ld|shared|u32 %r1#5 [1024]"},
        {"mov.u64 %rd1, sym+12;", "mov|u64 %rd1#14 sym+12"},
        {"shfl.sync.idx.b32 %r1|%p1, %r2, 3, 31, -1;", "shfl|sync|idx|b32 <%r1#5 %p1#1> %r2#6 3 31 -1"},
        {"elect.sync _|%p2, 0xffffffff;", "elect|sync <_ %p2#2> 4294967295"},
        {"setp.lt.and.s32 %p1|%p2, %r1, %r2, !%p3;",
         "setp|lt|and|s32 <%p1#1 %p2#2> %r1#5 %r2#6 !%p3#3"},
        {"call.uni (r), f, (a, b);", "call|uni (r) f (a b)"},
        {"call f;", "call f"},
        {"call (r), %rd2, (a), p;", "call (r) %rd2#15 (a) p"},
        {"mov.f32 %f1, 0f3F800000;", "mov|f32 %f1#23 f1065353216"},
        {"mov.f64 %rd1, 0d3FF0000000000000;", "mov|f64 %rd1#14 d4607182418800017408"},
        {"mov.f32 %f1, 1.5;", "mov|f32 %f1#23 d4609434218613702656"},
        {"mov.f32 %f1, -1.5e0;", "mov|f32 %f1#23 d13832806255468478464"},
        {"mov.f32 %f1, 15E-1;", "mov|f32 %f1#23 d4609434218613702656"},
        {"mov.f32 %f1, -0f3F800000;", "mov|f32 %f1#23 f3212836864"},
        {"mov.u32 %r1, 4294967295U;", "mov|u32 %r1#5 4294967295"},
        {"mov.u32 %r1, 0b1011;", "mov|u32 %r1#5 11"},
        {"mov.u32 %r1, 017;", "mov|u32 %r1#5 15"},
        {"mov.u64 %rd1, 0xFFFFFFFFFFFFFFFF;", "mov|u64 %rd1#14 -1"},
        {"mov.u32 %r1, WARP_SZ;", "mov|u32 %r1#5 32"},
        {"mov.u32 %r1, (1 + 2) * 3 - 10 / 3 % 2;", "mov|u32 %r1#5 8"},
        {"mov.u32 %r1, (1 << 4 | 3) ^ 0xF & ~0;", "mov|u32 %r1#5 28"},
        {"mov.u32 %r1, 3 > 2 ? 7 : 9;", "mov|u32 %r1#5 7"},
        {"mov.u32 %r1, !0 + (-1 < 0U) + (-1 < 0) + (1 == 1 && 0 || 2 >= 2);", "mov|u32 %r1#5 3"},
        {"mov.u32 %r1, (.u64)-1 >> 60;", "mov|u32 %r1#5 15"},
        {"mov.u32 %r1, (.s64)-16 >> 2;", "mov|u32 %r1#5 -4"},
        {"cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%r1], [%rd1, "
         "{%r2, %r3}], [%r4];",
         "cp|async|bulk|tensor|2d|shared::cluster|global|mbarrier::complete_tx::bytes [%r1#5] "
         "[%rd1#14 {%r2#6 %r3#7}] [%r4#8]"},
        {"wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%f1,%f2}, %rd1, %rd2, %p1, 1, -1, 0, 1;",
         "wgmma|mma_async|sync|aligned|m64n8k16|f32|f16|f16 {%f1#23 %f2#24} %rd1#14 %rd2#15 %p1#1 1 -1 "
         "0 1"},
        {"ret;", "ret"},
        {"mov.b64 {%r1, %r2}, %rd1; // a comment", "mov|b64 {%r1#5 %r2#6} %rd1#14"},
        {"/* one\n more */ bar.sync 0;", "bar|sync 0"},
    };
    for (const auto &[text, expected] : cases) expect_equal(text, written(parse_one(text)), expected);
}

void test_scopes() {
    const Function f = parse_body(R"(
        .reg .b32 %r<3>;
        .reg .pred p;
        .shared .align 8 .b8 s[16];
        mov.b32 %r1, 0;
    L:  {
        .reg .b32 %r<2>, x;
        .reg .pred p;
        .local .b32 s[4];
        mov.b32 %r1, x;
        mov.b32 %r2, s;
        @p bra L;
        bra M;
        L: { .reg .b32 x; mov.b32 x, 1; L: bra L; }
        }
        mov.b32 %r1, s;
        bra L;
    M:)");
    const char *expected[] = {
        "mov|b32 %r1#1 0", "mov|b32 %r1#5 x#6", "mov|b32 %r2#2 s@1", "@7 bra L@1", "bra M",
        "mov|b32 x#8 1",   "bra L@2",           "mov|b32 %r1#1 s",   "bra L",      "ret"};
    expect_equal("statements", f.statements.size(), std::size(expected));
    for (size_t i = 0; i < f.statements.size() && i < std::size(expected); ++i)
        expect_equal("statement " + std::to_string(i), written(f.statements[i]), expected[i]);
    const auto label = [&](const char *name) {
        return f.labels.count(name) != 0 ? f.labels.at(name) : -1;
    };
    expect_equal("L", label("L"), 1);
    expect_equal("L@1", label("L@1"), 5);
    expect_equal("L@2", label("L@2"), 6);
    expect_equal("M", label("M"), 9);
    expect_equal("locals", f.locals.size(), 2u);
}

void test_registers() {
    const Function f = parse_body(
        ".reg .v4 .f32 %v; .reg .v2 .b32 %w<2>; .reg .b16 %h1<3>; .reg .b128 %q; .reg .f64 plain;\n"
        "add.f32 %v.x, %v.w, %v.b; mov.v4.f32 %v, {%v.r, %v.g, 1, 1}; mov.b32 %w1.y, 0; mov.b16 %h12, "
        "%h10;\n"
        "mov.b128 %q, plain;");
    const char *expected[] = {"add|f32 %v.x#0 %v.w#3 %v.b#2",
                              "mov|v4|f32 {%v#0 %v#1 %v#2 %v#3} {%v.r#0 %v.g#1 1 1}",
                              "mov|b32 %w1.y#7 0", "mov|b16 %h12#10 %h10#8", "mov|b128 %q#11 plain#12"};
    for (size_t i = 0; i < std::size(expected) && i < f.statements.size(); ++i)
        expect_equal("statement " + std::to_string(i), written(f.statements[i]), expected[i]);
    expect_equal("registers", f.registers.size(), 13u);
    if (f.registers.size() != 13) return;
    const Type types[] = {Type::f32, Type::f32, Type::f32, Type::f32, Type::b32,  Type::b32, Type::b32,
                          Type::b32, Type::b16, Type::b16, Type::b16, Type::b128, Type::f64};
    for (int i = 0; i < 13; ++i)
        expect_equal("type " + std::to_string(i), std::string(name_of(f.registers[i].type)),
                     name_of(types[i]));
}

void test_functions() {
    const Module m = parse(R"(
        .extern .func (.param .b32 r) vprintf(.param .b64 f, .param .b64 a);
        .extern .func __assertfail(.param .b64 a) .noreturn;
        .func (.param .align 16 .b8 r[24]) helper(.param .b32 x) .abi_preserve 4;
        .weak .func (.param .align 16 .b8 r[24]) helper(.param .b32 x)
        { ret; }
        .func alias_of(.param .b32 x);
        .alias other, helper;
        .visible .entry k(
            .param .align 8 .b8 struct_param[40],
            .param .u64 .ptr .global .align 16 p,
            .param .b64 .ptr .align 1 q,
            .param .f32 z
        )
        .maxntid 16, 8
        .minnctapersm 2
        .maxnreg 64
        .reqntid 4, 2, 1
        .reqnctapercluster 2
        .explicitcluster
        .maxclusterrank 8
        .pragma "nounroll";
        {
            .pragma "nounroll";
            .reg .b32 %r<4>;
            ts: .branchtargets A, B;
            tf: .calltargets helper, other;
            proto: .callprototype (.param .b32 _) _ (.param .b64 _);
        A:  brx.idx %r1, ts;
        B:  exit;
        })");
    expect_equal("functions", m.functions.size(), 6u);
    if (m.functions.size() != 6) return;
    expect_equal("vprintf is external", m.functions[0].external, true);
    expect_equal("helper has a body", m.functions[2].external, false);
    expect_equal("bytes of its result", m.functions[2].returns.at(0).bytes, 24u);
    expect_equal("alignment of its result", m.functions[2].returns.at(0).align, 16);
    expect_equal("an alias", m.functions[5].name, "other");
    expect_equal("has statements", m.functions[5].statements.size(), 1u);
    const Function &k = m.functions[4];
    expect_equal("entry", k.entry, true);
    expect_equal("parameters", k.params.size(), 4u);
    expect_equal("alignment of a pointer", k.params[1].align, 8);
    expect_equal("bytes of a structure", k.params[0].bytes, 40u);
    expect_equal(".maxntid", k.max_threads, 128);
    expect_equal(".minnctapersm", k.min_blocks, 2);
    expect_equal(".reqntid", k.required_threads[1], 2);
    expect_equal(".reqnctapercluster", k.required_cluster[0] * 100 + k.required_cluster[2], 201);
    expect_equal(".explicitcluster", k.explicit_cluster, true);
    expect_equal("targets", k.targets.at("ts").size() + k.targets.at("tf").size(), 4u);
    expect_equal("second target", k.targets.at("ts")[1], "B");
}

std::string hex(const std::vector<uint8_t> &bytes) {
    std::string all;
    char text[4];
    for (const uint8_t byte : bytes) {
        std::snprintf(text, sizeof text, "%02x", byte);
        all += text;
    }
    return all;
}

void test_variables() {
    const Module m = parse(R"(
        .global .align 4 .b8 a[5] = {1, 2, 0xFF};
        .const .align 16 .f32 f[3] = {1.0, 0f40000000, -3};
        .global .v4 .f32 v;
        .global .u64 p[3] = {a, generic(a)+4, 7};
        .global .b8 bytes[4] = {0xFF(a), 0xFF00(a), 0xFF0000(generic(a)), 1};
        .global .s32 matrix[2][3] = {{1, 2, 3}, {-1}};
        .extern .shared .align 128 .b8 dynamic[];
        .shared .align 8 .b64 one, two[2];
        .visible .global .attribute(.managed) .b32 managed = 5;
        .global .b8 text[] = {72, 105, 0};
        .global .texref texture;
        .common .global .f64 d = 0d3FF8000000000000;
        .global .f16 h = 0x3C00;
        .weak .const .b16 s = -2;)");
    struct Expected {
        const char *name;
        int space;
        uint64_t bytes;
        int align;
        const char *init;
    } expected[] = {
        {"a", Variable::global, 5, 4, "0102ff0000"},
        {"f", Variable::constant, 12, 16, "0000803f00000040000040c0"},
        {"v", Variable::global, 16, 16, ""},
        {"p", Variable::global, 24, 8, "000000000000000000000000000000000700000000000000"},
        {"bytes", Variable::global, 4, 1, "00000001"},
        {"matrix", Variable::global, 24, 4, "010000000200000003000000ffffffff0000000000000000"},
        {"dynamic", Variable::shared, 0, 128, ""},
        {"one", Variable::shared, 8, 8, ""},
        {"two", Variable::shared, 16, 8, ""},
        {"managed", Variable::global, 4, 4, "05000000"},
        {"text", Variable::global, 3, 1, "486900"},
        {"d", Variable::global, 8, 8, "000000000000f83f"},
        {"h", Variable::global, 2, 2, "003c"},
        {"s", Variable::constant, 2, 2, "feff"},
    };
    expect_equal("variables", m.variables.size(), std::size(expected));
    for (size_t i = 0; i < std::size(expected) && i < m.variables.size(); ++i) {
        const Variable &v = m.variables[i];
        expect_equal("name", v.name, expected[i].name);
        expect_equal(v.name + ": space", (int)v.space, expected[i].space);
        expect_equal(v.name + ": bytes", v.bytes, expected[i].bytes);
        expect_equal(v.name + ": align", v.align, expected[i].align);
        expect_equal(v.name + ": init", hex(v.init), expected[i].init);
    }
    if (failures() != 0) return;
    const auto &p = m.variables[3].references;
    expect_equal("references", p.size(), 2u);
    expect_equal("generic", p[1].generic, true);
    expect_equal("offset", p[1].offset, 4);
    expect_equal("at", p[1].at, 8u);
    const auto &b = m.variables[4].references;
    expect_equal("references to bytes", b.size(), 3u);
    expect_equal("bytes of one", b[1].bytes, 1);
    expect_equal("shift of one", b[1].shift, 8u);
    expect_equal("shift of a generic one", b[2].shift, 16u);
}

void test_locations() {
    const Module m = parse(R"(
        .visible .entry k()
        {
            mov.b32 _, 0;
            .loc 1 10 3
            mov.b32 _, 1;
            .loc 2 20 5, function_name $L__info_string0, inlined_at 1 10 3
            mov.b32 _, 2;
            .loc 3 30 7, function_name $L__info_string0+18, inlined_at 2 20 5
            mov.b32 _, 3;
            .loc 1 10 9
            mov.b32 _, 4;
            ret;
        }
        .file 1 "/a/k.cu", 1700000000, 12
        .file 2 "/a/inner.cuh"
        .file 3 "/a/innermost.cuh"
        .section .debug_str
        {
        $L__info_string0:
            .b8 95,90
        .b64 0
        })");
    const auto chain = [&](size_t statement) {
        std::string all;
        const int first = m.functions.at(0).statements.at(statement).location;
        for (int i = first; i != 0; i = m.locations[i].outer)
            all += m.files.at(m.locations[i].file) + ":" + std::to_string(m.locations[i].line) + " ";
        return all;
    };
    expect_equal("no location", chain(0), "");
    expect_equal("a location", chain(1), "/a/k.cu:10 ");
    expect_equal("an inlined one", chain(2), "/a/inner.cuh:20 /a/k.cu:10 ");
    expect_equal("inlined twice", chain(3), "/a/innermost.cuh:30 /a/inner.cuh:20 /a/k.cu:10 ");
    expect_equal("back again", chain(4), "/a/k.cu:10 ");
    expect_equal("the same line has one location", m.functions[0].statements[4].location,
                 m.functions[0].statements[1].location);
}

}  // namespace

int main() {
    test_statements();
    test_scopes();
    test_registers();
    test_functions();
    test_variables();
    test_locations();
    return report();
}
