// The decoder's slots: registers that are in use at the same time have slots of their own, and frames
// are small.
#include <algorithm>
#include <map>
#include <random>

#include "decoded.h"

namespace {

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

}  // namespace

int main() {
    test_random_programs();
    test_frames_are_small();
    test_kept_slots();
    return report();
}
