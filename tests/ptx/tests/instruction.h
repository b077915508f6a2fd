// Single instructions, decoded from their text and run on values of this test's choice.
#pragma once

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "../decode/decode.h"
#include "../decode/loaded.h"
#include "../machine/block.h"
#include "../ops/lanes.h"
#include "check.h"

// A statement, whose registers are named by their width: %h 16 bits, %r 32, %d 64, %q 128, %p
// predicates, %h0 ... %h7.
class Instruction {
public:
    explicit Instruction(const std::string &statement) : text(statement) {
        std::string body =
            ".version 9.0\n.target sm_100a\n.entry k() {\n"
            ".reg .b16 %h<8>; .reg .b32 %r<8>; .reg .b64 %d<8>; .reg .b128 %q<2>; .reg .pred %p<8>;" +
            written_registers() + "\n" + statement + "\nret;\n}\n";
        module_.module = parse_module(body);
        for (const Function &f : module_.module.functions) module_.functions[f.name] = &f;
        program_.reset(decode_entry(module_, *module_.functions.at("k")));
        for (const Insn &insn : program_->code)
            if (insn.line == 5) steps_.push_back(&insn);
        warp.program = program_.get();
        warp.frame_memory.assign((size_t)(program_->slots + 1) * LANES + 16, 0);
        const size_t past = (uintptr_t)warp.frame_memory.data() % 64 / 4;
        warp.frame = warp.frame_memory.data() + (past == 0 ? 0 : 16 - past);
        warp.preds.assign(program_->preds + 1, 0);
        warp.exec = warp.present = warp.active = ALL;
    }
    void run(Mask exec = ALL) {
        warp.exec = exec;
        for (const Insn *insn : steps_) insn->run(warp, *insn);
    }
    const Insn &insn() const { return *steps_.at(0); }
    // A lane of the register that is entry `i` of insn().ops.
    template <class T>
    Stored<T> &at(int i, int lane) {
        return warp.at<Stored<T>>(insn().ops[i])[lane];
    }
    Mask &pred(int i) { return warp.preds[insn().ops[i]]; }

    const std::string text;
    Warp warp;

private:
    // Instructions that write all registers.  They do not run: what a test puts there counts as
    // written.
    static std::string written_registers() {
        std::string all;
        for (int i = 0; i < 8; ++i) {
            const std::string n = std::to_string(i);
            all += "mov.b16 %h" + n + ", 0; mov.b32 %r" + n + ", 0; mov.b64 %d" + n + ", 0; ";
            all += "setp.eq.b32 %p" + n + ", 0, 0; ";
        }
        return all + "mov.b128 %q0, {%d0, %d0}; mov.b128 %q1, {%d0, %d0};";
    }
    LoadedModule module_;
    std::unique_ptr<Program> program_;
    std::vector<const Insn *> steps_;
};

// ---- values ----

inline std::mt19937_64 &random_bits() {
    static std::mt19937_64 random(20261);
    return random;
}

template <class T>
std::vector<T> special_values() {
    if constexpr (std::is_floating_point_v<T>) {
        using L = std::numeric_limits<T>;
        std::vector<T> values;
        for (const T x : {(T)0, L::denorm_min(), (T)(3 * L::denorm_min()),
                          (T)(L::min() - L::denorm_min()), L::min(), (T)(L::min() / 4), (T)0.5, (T)1,
                          (T)(1 + L::epsilon()), (T)(1 - L::epsilon() / 2), (T)1.5, (T)2.5, (T)3,
                          (T)65504, (T)16777217.0, L::max(), L::infinity(), L::quiet_NaN()}) {
            values.push_back(x);
            values.push_back(-x);
        }
        return values;
    } else {
        using L = std::numeric_limits<T>;
        std::vector<T> values{0,
                              1,
                              2,
                              3,
                              5,
                              7,
                              8,
                              15,
                              16,
                              31,
                              32,
                              33,
                              63,
                              64,
                              100,
                              (T)255,
                              (T)256,
                              L::max(),
                              L::min(),
                              (T)(L::max() - 1),
                              (T)(L::min() + 1),
                              (T)-1,
                              (T)-2,
                              (T)-7,
                              (T)((T)1 << (4 * sizeof(T)))};
        if (sizeof(T) == 2)  // special values of f16 and of bf16
            for (const int x :
                 {0x8000, 0x0400, 0x03ff, 0x3c00, 0x3c01, 0x3bff, 0x7bff, 0x7c00, 0xfc00, 0x7e00,
                  0xfbff, 0x3f80, 0x7f80, 0xff80, 0x7f7f, 0x0080, 0x007f, 0x8001, 0x7fff, 0x7c01})
                values.push_back((T)x);
        if (sizeof(T) == 4)
            for (const uint32_t x :
                 {0x80008000u, 0x7fff7fffu, 0x3c007c00u, 0x80ff7f01u, 0x7fc00000u, 0x3f800000u})
                values.push_back((T)x);
        return values;
    }
}

// Any bits, or small ones; floating-point numbers mostly of like exponents.
template <class T>
T random_value() {
    const uint64_t bits = random_bits()(), kind = random_bits()() % 4;
    if constexpr (std::is_floating_point_v<T>) {
        if (kind == 0) {
            T any;
            std::memcpy(&any, &bits, sizeof any);
            return any;
        }
        const T unit = (T)((double)(int64_t)bits * 0x1p-63);
        return std::ldexp(unit, (int)(random_bits()() % (kind == 1 ? 60 : 4)) - (kind == 1 ? 30 : 1));
    } else {
        return (T)(kind == 0   ? bits
                   : kind == 1 ? bits >> (random_bits()() % 60)
                   : kind == 2 ? bits % 40
                               : bits % 0xffff);
    }
}

// ---- checks ----

// As an opcode has it: ".s32" of int32_t.
template <class T>
std::string suffix() {
    return (std::is_signed_v<T> ? ".s" : ".u") + std::to_string(8 * sizeof(T));
}

template <class T>
std::string shown(T value) {
    std::ostringstream out;
    if constexpr (std::is_floating_point_v<T>) {
        out << std::hexfloat << value;
        if (value != value)
            out << " (0x" << std::hex << (sizeof(T) == 4 ? std::bit_cast<uint32_t>((float)value) : 0)
                << ")";
    } else {
        out << "0x" << std::hex << (uint64_t)stored(value);
    }
    return out.str();
}

template <class T>
bool same_value(T a, T b) {
    if constexpr (std::is_same_v<T, double>)
        return (a != a && b != b) || std::memcmp(&a, &b, sizeof a) == 0;
    else
        return std::memcmp(&a, &b, sizeof a) == 0;
}

// In the test's registers, which have at least 16 bits: what is narrower is extended.
template <class D>
Stored<D> in_register(D value) {
    if constexpr (std::is_same_v<D, int8_t>)
        return stored((int16_t)value);
    else
        return stored(value);
}

// 32 values of each argument at a time.
template <class D, class... A, size_t... I>
void check_batch(Instruction &instruction, const std::function<D(A...)> &expected,
                 const std::vector<std::tuple<A...>> &values, size_t first, Mask exec,
                 std::index_sequence<I...>) {
    const auto value = [&](int l) { return values[(first + l) % values.size()]; };
    D expectations[LANES];
    for (int l = 0; l < LANES; ++l) {
        ((instruction.at<A>(1 + I, l) = stored(std::get<I>(value(l)))), ...);
        expectations[l] = std::apply(expected, value(l));
    }
    Stored<D> before[LANES];
    for (int l = 0; l < LANES; ++l) before[l] = instruction.at<D>(0, l);
    instruction.run(exec);
    for (int l = 0; l < LANES; ++l) {
        const Stored<D> actual = instruction.at<D>(0, l);
        const Stored<D> wanted = exec >> l & 1 ? in_register(expectations[l]) : before[l];
        if (same_value(actual, wanted)) continue;
        if (++failures() > 50) continue;
        std::cout << "FAILED " << instruction.text
                  << (exec >> l & 1 ? "" : " (a lane that does not execute)") << ": ";
        ((std::cout << shown(std::get<I>(value(l))) << " "), ...);
        std::cout << "-> " << shown(actual) << ", expected " << shown(wanted) << "\n";
    }
}

template <class A>
char letter() {
    return sizeof(A) <= 2 ? 'h' : sizeof(A) == 4 ? 'r' : 'd';
}

template <class D, class... A>
void check_on(const std::string &opcode, const std::function<D(A...)> &expected,
              const std::vector<std::tuple<A...>> &values) {
    std::string statement = opcode + " %" + letter<D>() + "7";
    int i = 0;
    ((statement += std::string(", %") + letter<A>() + std::to_string(i++)), ...);
    Instruction instruction(statement + ";");
    for (size_t first = 0; first < values.size(); first += LANES)
        check_batch(instruction, expected, values, first, first % 96 == 0 ? (Mask)random_bits()() : ALL,
                    std::index_sequence_for<A...>{});
}

// All combinations of special values (a random part of them, if they are many), and as many random
// ones.
template <class... A>
std::vector<std::tuple<A...>> all_values(size_t most = 1500) {
    const std::tuple<std::vector<A>...> special{special_values<A>()...};
    const auto pick = [](const auto &list) { return list[random_bits()() % list.size()]; };
    std::vector<std::tuple<A...>> values;
    if constexpr (sizeof...(A) == 1) {
        for (const auto &a : std::get<0>(special)) values.push_back({a});
    } else if constexpr (sizeof...(A) == 2) {
        for (const auto &a : std::get<0>(special))
            for (const auto &b : std::get<1>(special)) values.push_back({a, b});
    } else {
        for (size_t i = 0; i < most; ++i)
            values.push_back(std::apply(
                [&](const auto &...lists) { return std::tuple<A...>{pick(lists)...}; }, special));
    }
    for (size_t i = 0; i < most; ++i) values.push_back(std::tuple<A...>{random_value<A>()...});
    for (size_t i = 0; i < most / 4; ++i)
        values.push_back(std::apply(
            [&](const auto &...lists) {
                return std::tuple<A...>{
                    (random_bits()() % 2 != 0 ? pick(lists) : random_value<A>())...};
            },
            special));
    return values;
}

template <class F>
struct Signature : Signature<decltype(&F::operator())> {};
template <class C, class D, class... A>
struct Signature<D (C::*)(A...) const> {
    static void check(const std::string &opcode, const std::function<D(A...)> &expected) {
        check_on<D, A...>(opcode, expected, all_values<A...>());
    }
};
// "add.u32" and what it should do with values of its operands' types.
template <class F>
void check(const std::string &opcode, F expected) {
    Signature<F>::check(opcode, expected);
}

// The text must be refused.
inline void refused(const std::string &statement) {
    try {
        Instruction instruction(statement);
    } catch (const PtxError &) {
        return;
    }
    std::cout << "FAILED: was decoded: " << statement << "\n";
    ++failures();
}
