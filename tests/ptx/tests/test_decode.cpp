// The decoder: slots, leaders, constants, addresses, calls, and what it refuses.
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "../decode/decode.h"
#include "../decode/loaded.h"
#include "../machine/block.h"
#include "check.h"

namespace {

// ---- instructions of this test ----------------------------------------------------------------------

void run_nothing(Warp &, const Insn &) {}

Type type_of_width(int bits) {
    return bits == 128 ? Type::b128 : bits == 64 ? Type::b64 : bits == 16 ? Type::b16 : Type::b32;
}

// t_op TO, FROM...: registers of any width.
void decode_op(Decoding &d) {
    if (d.take("keep")) d.keep_slots();
    if (d.take("meets")) d.meets();
    for (size_t i = 0; i < d.operands(); ++i) {
        const Operand &o = d.operand(i);
        const int bits = d.width_of(o);
        if (bits == 1)
            i == 0 ? d.write_pred(o) : d.read_pred(o);
        else
            i == 0 ? d.write(o, type_of_width(bits)) : d.read(o, type_of_width(bits));
    }
    d.insn.run = run_nothing;
}

// t_add TO, A...: reads TO as well.
void decode_accumulate(Decoding &d) {
    d.read_write(d.operand(0), Type::b32);
    for (size_t i = 1; i < d.operands(); ++i) d.read(d.operand(i), Type::b32);
    d.insn.run = run_nothing;
}

void run_copy(Warp &w, const Insn &insn) {
    if (insn.count == 8)
        return w.set<uint64_t>(insn.ops[0], [&](int l) { return w.at<uint64_t>(insn.ops[1])[l]; });
    const uint32_t mask = insn.count == 4 ? ~0u : (1u << insn.count * 8) - 1;
    w.set<uint32_t>(insn.ops[0], [&](int l) { return w.at<uint32_t>(insn.ops[1])[l] & mask; });
}

// t_copy.TYPE TO, FROM
void decode_copy(Decoding &d) {
    const Type type = d.take_type();
    d.insn.count = (uint8_t)(bits_of(type) / 8);
    d.write(d.operand(0), type);
    d.read(d.operand(1), type);
    d.insn.run = run_copy;
}

// t_address [ADDRESS]
void decode_address(Decoding &d) {
    d.insn.imm2 = (int)d.address_space_of(d.operand(0));
    d.read_address(d.operand(0));
    d.insn.run = run_nothing;
}

RegisterDecoder op{"t_op", decode_op};
RegisterDecoder accumulate{"t_add", decode_accumulate};
RegisterDecoder copy{"t_copy", decode_copy};
RegisterDecoder address{"t_address", decode_address};

// ---- programs ---------------------------------------------------------------------------------------

struct Decoded {
    LoadedModule loaded;
    std::unique_ptr<Program> program;
};

std::unique_ptr<Decoded> decode(const std::string &declarations) {
    auto all = std::make_unique<Decoded>();
    all->loaded.module = parse_module(".version 9.0\n.target sm_90\n" + declarations);
    uint64_t at = 0x7123'0000'0000;
    for (const Variable &variable : all->loaded.module.variables)
        if (variable.space == Variable::global || variable.space == Variable::constant)
            all->loaded.variables[variable.name] = (void *)(at += 4096);
    for (const Function &f : all->loaded.module.functions)
        if (!f.external) all->loaded.functions[f.name] = &f;
    all->program.reset(decode_entry(all->loaded, *all->loaded.functions.at("k")));
    return all;
}

std::unique_ptr<Decoded> decode_body(const std::string &body) {
    return decode(".entry k(.param .b8 a, .param .align 16 .b8 b[20], .param .u64 c) {\n" + body +
                  "\n}");
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

// ---- slots ------------------------------------------------------------------------------------------

const char *const DECLARED =
    ".reg .b32 %r<12>; .reg .b64 %d<6>; .reg .b128 %q<2>; .reg .pred %p<4>; .reg .b16 %h<3>;\n";

struct Writer {  // of random programs, one statement a line
    explicit Writer(unsigned seed) : random(seed) {}
    int below(int n) { return (int)(random() % (unsigned)n); }

    std::string reg() {
        static const std::pair<const char *, int> KINDS[] = {{"%r", 12}, {"%r", 12}, {"%d", 6},
                                                             {"%q", 2},  {"%p", 4},  {"%h", 3}};
        const auto &[name, count] = KINDS[below(6)];
        return name + std::to_string(below(count));
    }
    std::string guard() {
        return below(4) != 0
                   ? ""
                   : std::string(below(2) != 0 ? "@" : "@!") + "%p" + std::to_string(below(4)) + " ";
    }
    std::string statement() {
        if (below(10) == 0)
            return guard() + "t_add %r" + std::to_string(below(12)) + ", %r" +
                   std::to_string(below(12)) + ";";
        std::string text = guard() + "t_op " + reg();
        for (int i = below(3); i > 0; --i) text += ", " + reg();
        return text + ";";
    }
    std::string program() {
        const int labels = 1 + below(5), length = 5 + below(40);
        std::string text = DECLARED;
        for (int i = 0; i < length; ++i) {
            for (int k = 0; k < labels; ++k)
                if (k * length / labels == i) text += "L" + std::to_string(k) + ": ";
            text += statement() + "\n" + (below(3) == 0 ? jump(labels) : "");
        }
        return text + "exit;\n";
    }
    std::string jump(int labels) {
        const std::string to = "bra L" + std::to_string(below(labels)) + ";\n";
        return below(6) == 0 ? to : "@%p" + std::to_string(below(4)) + " " + to;
    }
    std::mt19937 random;
};

// The warp's frame, a number for what stands in each of its words; predicates are bits.
struct Frame {
    // The words of a lane's register.
    static std::vector<int> words(Type type, int place, int lane) {
        if (type == Type::pred) return {-1 - place * LANES - lane};
        if (bits_of(type) < 64) return {place * LANES + lane};
        std::vector<int> all;
        for (int half = 0; half < bits_of(type) / 64; ++half)
            for (int word = 0; word < 2; ++word)
                all.push_back((place + 2 * half) * LANES + 2 * lane + word);
        return all;
    }
    std::map<int, int> values;
    int last = 0;
};

// Walks a program as one lane with any outcome of conditions; each register has its value twice, by
// name and in the frame, and both must agree wherever it is read.
struct Walk {
    Walk(const Decoded &decoded, Frame &frame, int lane, unsigned seed)
        : decoded(decoded), frame(frame), lane(lane), random(seed) {
        const Function &f = *decoded.loaded.functions.at("k");
        for (const Statement &s : f.statements) statement_at[s.line] = &s;
        for (const Register &reg : f.registers) types.push_back(reg.type);
    }

    void read(int reg, int place) {
        const auto value = by_name.find(reg);
        if (value == by_name.end()) return;  // never written: anything may stand there
        for (const int word : Frame::words(types[reg], place, lane))
            if (frame.values[word] != value->second)
                expect_equal("register " + std::to_string(reg) + " in slot " + std::to_string(place),
                             frame.values[word], value->second);
    }
    void write(int reg, int place) {
        by_name[reg] = ++frame.last;
        for (const int word : Frame::words(types[reg], place, lane)) frame.values[word] = frame.last;
    }

    void step(const Insn &insn, const Statement &s) {
        if (insn.guard >= 0) read(s.guard, insn.guard);
        const bool executes = insn.guard < 0 || random() % 2 != 0;
        if (!executes) return;
        if (s.opcode == "bra") pc = insn.target;
        if (s.opcode == "exit") pc = (int)decoded.program->code.size();
        if (s.opcode == "bra" || s.opcode == "exit") return;
        std::vector<int> place;  // of each operand
        for (size_t i = 0, at = 0; i < s.operands.size(); ++i) {
            place.push_back(insn.ops[at]);
            at += i > 0 && types[s.operands[i].id] == Type::pred ? 2 : 1;
        }
        const int to = s.operands[0].id;
        const std::vector<int> written = Frame::words(types[to], place[0], lane);
        for (size_t i = s.opcode == "t_add" ? 0 : 1; i < s.operands.size(); ++i) {
            const int from = s.operands[i].id;
            read(from, place[i]);
            // A handler may write before it has read everything.
            for (const int word : Frame::words(types[from], place[i], lane))
                if (from != to && std::find(written.begin(), written.end(), word) != written.end())
                    expect_equal(
                        "an output shares a slot with an input, line " + std::to_string(s.line), 1, 0);
        }
        write(to, place[0]);
    }

    void run(int steps) {
        for (; steps > 0 && pc < (int)decoded.program->code.size(); --steps) {
            const Insn &insn = decoded.program->code[pc++];
            const auto statement = statement_at.find(insn.line);
            if (statement != statement_at.end()) step(insn, *statement->second);
        }
    }

    const Decoded &decoded;
    Frame &frame;
    int lane;
    std::mt19937 random;
    std::map<int, const Statement *> statement_at;
    std::vector<Type> types;
    std::map<int, int> by_name;
    int pc = 0;
};

// Lanes that go their own ways, by turns: none may disturb what another has in its registers.
void walk(const Decoded &decoded, unsigned seed) {
    Frame frame;
    std::vector<Walk> lanes;
    for (int lane = 0; lane < 4; ++lane) lanes.emplace_back(decoded, frame, lane, seed * 4 + lane);
    std::mt19937 random(seed);
    for (int turn = 0; turn < 60 && failures() == 0; ++turn)
        lanes[random() % lanes.size()].run(1 + random() % 12);
}

void test_random_programs() {
    for (unsigned seed = 0; seed < 600 && failures() == 0; ++seed) {
        const std::string text = Writer(seed).program();
        const auto decoded = decode_body(text);
        for (unsigned i = 0; i < 10 && failures() == 0; ++i) walk(*decoded, i);
        if (failures() != 0) std::cout << text;
    }
}

// Registers that live one after the other take the slots of one.
void test_frames_are_small() {
    std::string chain = ".reg .b32 %r<2000>; .reg .b64 %d<2000>; t_op %r0;\n";
    for (int i = 1; i < 2000; ++i)
        chain += "t_op %r" + std::to_string(i) + ", %r" + std::to_string(i - 1) + ";\n";
    expect_equal("slots of a chain", decode_body(chain)->program->slots, 2);

    std::string loop = ".reg .b32 %r<2000>; .reg .pred %p; t_op %r0; t_op %r1;\nL:\n";
    for (int i = 2; i < 2000; ++i)
        loop += "t_op %r" + std::to_string(i) + ", %r1;\nt_op %r1, %r" + std::to_string(i) + ", %r0;\n";
    expect_equal("slots of a loop", decode_body(loop + "t_op %p, %r1; @%p bra L;")->program->slots, 4);

    // Written under guards only: taken from the first write on, and no longer.
    std::string guarded = ".reg .b32 %r<2000>; .reg .pred %p;\n";
    for (int i = 0; i < 2000; ++i) {
        const std::string reg = "%r" + std::to_string(i);
        guarded += "t_op %p; @%p t_op " + reg + "; @!%p t_op " + reg + "; t_op _, " + reg + ";\n";
    }
    expect_equal("slots of guarded writes", decode_body(guarded)->program->slots, 2);

    std::string wide = ".reg .b64 %d<400>; .reg .b128 %q<400>; t_op %d0; t_op %q0;\n";
    for (int i = 1; i < 400; ++i) {
        const std::string now = std::to_string(i), before = std::to_string(i - 1);
        wide += "t_op %d" + now + ", %d" + before + "; t_op %q" + now + ", %q" + before + ";\n";
    }
    // Four, eight, and one that the last two write to, whose slot no wide register shares.
    expect_equal("slots of wide registers",
                 decode_body(wide + "t_op _, %d399; t_op _, %q399;")->program->slots, 14);
}

void test_kept_slots() {
    const auto decoded = decode_body(".reg .b32 %r<200>; t_op %r0; t_op.keep %r1, %r2;\n" + [] {
        std::string all;
        for (int i = 3; i < 200; ++i)
            all += "t_op %r" + std::to_string(i) + ", %r" + std::to_string(i - 1) + ";\n";
        return all;
    }());
    const std::vector<Insn> &code = decoded->program->code;
    const int kept = code[1].ops[0];
    for (size_t i = 0; i < code.size(); ++i)
        if (i != 1 && code[i].ops != nullptr && code[i].line > 3)
            expect_equal("instruction " + std::to_string(i) + " writes to a kept slot",
                         code[i].ops[0] == kept, false);
    expect_equal("slots", decoded->program->slots <= 6, true);
}

// ---- leaders, constants, widths ---------------------------------------------------------------------

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

// ---- memory -----------------------------------------------------------------------------------------

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

// ---- calls ------------------------------------------------------------------------------------------

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

// ---- special registers, errors ----------------------------------------------------------------------

void test_special_registers() {
    const auto decoded = decode_body(".reg .b32 %r; t_copy.u32 %r, %tid.x; t_op _, %r;");
    expect_equal("instructions", decoded->program->code.size(), 4u);
    expect_equal("a register is read", decoded->program->code[0].ops[0],
                 decoded->program->code[1].ops[1]);
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
    test_random_programs();
    test_frames_are_small();
    test_kept_slots();
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
