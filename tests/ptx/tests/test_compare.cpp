// setp, set, selp, slct, and mov with vectors, against comparisons of exact values.
#include "exact.h"
#include "instruction.h"

namespace {

// Less, equal, greater, or none of them.
enum Relation { LESS, EQUAL, GREATER, UNORDERED };
template <class V>
Relation relation(V a, V b) {
    return a < b ? LESS : a > b ? GREATER : a == b ? EQUAL : UNORDERED;
}
struct Comparison {
    const char *name;
    bool less, equal, greater, unordered;
    bool holds(Relation r) const {
        return r == LESS ? less : r == EQUAL ? equal : r == GREATER ? greater : unordered;
    }
};
const Comparison ORDERED[] = {{"eq", false, true, false, false}, {"ne", true, false, true, false},
                              {"lt", true, false, false, false}, {"le", true, true, false, false},
                              {"gt", false, false, true, false}, {"ge", false, true, true, false}};
const Comparison OTHERS[] = {{"equ", false, true, false, true}, {"neu", true, false, true, true},
                             {"ltu", true, false, false, true}, {"leu", true, true, false, true},
                             {"gtu", false, false, true, true}, {"geu", false, true, true, true},
                             {"num", true, true, true, false},  {"nan", false, false, false, true}};
const Comparison UNSIGNED[] = {{"lo", true, false, false, false},
                               {"ls", true, true, false, false},
                               {"hi", false, false, true, false},
                               {"hs", false, true, true, false}};

bool combined(const std::string &op, bool a, bool b) {
    return op == ".and" ? a && b : op == ".or" ? a || b : op == ".xor" ? a != b : a;
}

// All forms of one comparison of `T` in registers %`letter`.
template <class T>
void check_setp(const Comparison &c, const std::string &type, std::function<Relation(T, T)> relate) {
    const std::string regs = std::string(", %") + letter<T>() + "0, %" + letter<T>() + "1";
    for (const std::string op : {"", ".and", ".or", ".xor"}) {
        const std::string other = op.empty() ? "" : ", !%p2";
        Instruction one("setp." + std::string(c.name) + op + type + " %p0" + regs + other + ";");
        Instruction two("setp." + std::string(c.name) + op + type + " %p0|%p1" + regs + other + ";");
        Instruction set("set." + std::string(c.name) + op + ".u32" + type + " %r7" + regs + other +
                        ";");
        Instruction set_float("set." + std::string(c.name) + op + ".f32" + type + " %r7" + regs +
                              other + ";");
        const std::vector<std::tuple<T, T>> values = all_values<T, T>(200);
        for (size_t first = 0; first < values.size(); first += LANES) {
            const Mask exec = first % 64 ? ALL : (Mask)random_bits()(), p = (Mask)random_bits()();
            Mask yes = 0, no = 0;
            const bool plain = op.empty();
            for (int l = 0; l < LANES; ++l) {
                const auto [a, b] = values[(first + l) % values.size()];
                const bool holds = c.holds(relate(a, b)), q = !(p >> l & 1);
                yes |= (Mask)combined(op, holds, q) << l;
                no |= (Mask)combined(op, !holds, q) << l;
                const int at = plain ? 1 : 2;
                one.at<T>(at, l) = stored(a), one.at<T>(at + 1, l) = stored(b);
                two.at<T>(2, l) = stored(a), two.at<T>(3, l) = stored(b);
                for (Instruction *i : {&set, &set_float})
                    i->at<T>(1, l) = stored(a), i->at<T>(2, l) = stored(b);
            }
            if (!plain) one.pred(4) = two.pred(4) = set.pred(3) = set_float.pred(3) = p;
            const auto expect = [&](Instruction &i, int at, Mask before, Mask wanted) {
                expect_equal(i.text, i.pred(at), (before & ~exec) | (wanted & exec));
            };
            const Mask before = one.pred(0), before_yes = two.pred(0), before_no = two.pred(1);
            one.run(exec), two.run(exec);
            expect(one, 0, before, yes), expect(two, 0, before_yes, yes), expect(two, 1, before_no, no);
            set.run(), set_float.run();
            for (int l = 0; l < LANES; ++l) {
                expect_equal(set.text, set.at<uint32_t>(0, l), yes >> l & 1 ? 0xffffffffu : 0u);
                expect_equal(set_float.text, set_float.at<float>(0, l), yes >> l & 1 ? 1.0f : 0.0f);
            }
        }
    }
}

template <class T>
void check_integers(const std::string &name) {
    const auto relate = [](T a, T b) { return relation<__int128>(a, b); };
    for (const Comparison &c : ORDERED) check_setp<T>(c, name, relate);
    if (!std::is_signed_v<T>)
        for (const Comparison &c : UNSIGNED) check_setp<T>(c, name, relate);
}
template <class T>
void check_floats(const std::string &mods, std::function<Relation(T, T)> relate) {
    for (const Comparison &c : ORDERED) check_setp<T>(c, mods, relate);
    for (const Comparison &c : OTHERS) check_setp<T>(c, mods, relate);
}

void check_pairs() {
    Instruction setp("setp.ltu.and.f16x2 %p0|%p1, %r0, %r1, %p2;"),
        set("set.gt.bf16x2.bf16x2 %r7, %r0, %r1;");
    Instruction mask("set.ne.u32.f16x2 %r7, %r0, %r1;");
    for (int round = 0; round < 200; ++round) {
        const Mask p = (Mask)random_bits()();
        setp.pred(4) = p;
        uint32_t a[LANES], b[LANES];
        for (int l = 0; l < LANES; ++l) {
            const auto both = special_values<uint16_t>();
            a[l] = round % 2 ? random_value<uint32_t>() : both[random_bits()() % both.size()] * 65537u;
            b[l] = round % 3 ? random_value<uint32_t>() : a[l] ^ 0x80000000;
            setp.at<uint32_t>(2, l) = set.at<uint32_t>(1, l) = mask.at<uint32_t>(1, l) = a[l];
            setp.at<uint32_t>(3, l) = set.at<uint32_t>(2, l) = mask.at<uint32_t>(2, l) = b[l];
        }
        setp.run(), set.run(), mask.run();
        for (int l = 0; l < LANES; ++l) {
            uint32_t set_expected = 0, mask_expected = 0;
            for (int h = 0; h < 2; ++h) {
                const uint16_t x = (uint16_t)(a[l] >> 16 * h), y = (uint16_t)(b[l] >> 16 * h);
                expect_equal(setp.text, setp.pred(h) >> l & 1,
                             (Mask)(!(f16_value(x) >= f16_value(y)) && (p >> l & 1)));
                set_expected |= (uint32_t)(bf16_value(x) > bf16_value(y) ? 0x3f80 : 0) << 16 * h;
                const bool differ = f16_value(x) < f16_value(y) || f16_value(x) > f16_value(y);
                mask_expected |= (uint32_t)(differ ? 0xffff : 0) << 16 * h;
            }
            expect_equal(set.text, set.at<uint32_t>(0, l), set_expected);
            expect_equal(mask.text, mask.at<uint32_t>(0, l), mask_expected);
        }
    }
    refused("setp.lt.b32 %p0, %r0, %r1;");
    refused("setp.lo.s32 %p0, %r0, %r1;");
    refused("setp.ltu.u32 %p0, %r0, %r1;");
    refused("setp.lt.f16x2 %p0, %r0, %r1;");
    refused("setp.lt.and.f32 %p0, %r0, %r1;");
}

template <class T>
void check_selp(const std::string &type) {
    const std::string r = std::string("%") + letter<T>();
    for (const bool negated : {false, true}) {
        Instruction i("selp" + type + " " + r + "7, " + r + "0, " + r + "1, " + (negated ? "!" : "") +
                      "%p0;");
        for (int round = 0; round < 20; ++round) {
            const Mask p = (Mask)random_bits()(), exec = round % 2 ? ALL : (Mask)random_bits()();
            T a[LANES], b[LANES], before[LANES];
            for (int l = 0; l < LANES; ++l) {
                a[l] = random_value<T>(), b[l] = random_value<T>();
                i.at<T>(1, l) = a[l], i.at<T>(2, l) = b[l];
                before[l] = (T)i.at<T>(0, l);
            }
            i.pred(3) = p;
            i.run(exec);
            for (int l = 0; l < LANES; ++l) {
                const T wanted = !(exec >> l & 1) ? before[l] : (p >> l & 1) != negated ? a[l] : b[l];
                expect_equal(i.text, (T)i.at<T>(0, l), wanted);
            }
        }
    }
}

// ---- mov ----

void check_mov() {
    check("mov.b16", [](uint16_t a) { return a; });
    check("mov.u32", [](uint32_t a) { return a; });
    check("mov.f32", [](float a) { return a; });
    check("mov.f64", [](uint64_t a) { return a; });
    Instruction words("mov.b64 %d7, {%r0, %r1};"), halves("mov.b32 %r7, {%h0, %h1};");
    Instruction quarters("mov.b64 %d7, {%h0, %h1, %h2, %h3};"), wide("mov.b128 %q0, {%d0, %d1};");
    Instruction from_words("mov.b64 {%r0, %r1}, %d7;"), from_halves("mov.b32 {%h0, %h1}, %r7;");
    Instruction from_quarters("mov.b64 {%h0, %h1, %h2, _}, %d7;"),
        from_wide("mov.b128 {%d0, %d1}, %q0;");
    Instruction copy("mov.b128 %q1, %q0;"), high("mov.b64 {_, %r1}, %d7;");
    for (const Mask exec : {ALL, (Mask)0x0f0f1234}) {
        uint64_t bits[LANES][2];
        for (int l = 0; l < LANES; ++l) {
            const uint64_t x = bits[l][0] = random_bits()(), y = bits[l][1] = random_bits()();
            for (int k = 0; k < 2; ++k) {
                words.at<uint32_t>(1 + k, l) = (uint32_t)(x >> 32 * k);
                halves.at<uint16_t>(1 + k, l) = (uint16_t)(x >> 16 * k);
            }
            for (int k = 0; k < 4; ++k) quarters.at<uint16_t>(1 + k, l) = (uint16_t)(x >> 16 * k);
            wide.at<uint64_t>(1, l) = x, wide.at<uint64_t>(2, l) = y;
            from_words.at<uint64_t>(2, l) = high.at<uint64_t>(2, l) = from_quarters.at<uint64_t>(4, l) =
                x;
            from_halves.at<uint32_t>(2, l) = (uint32_t)x;
            for (Instruction *i : {&from_wide, &copy}) {
                const int at = i == &copy ? 1 : 2;
                i->at<uint64_t>(at, l) = x, i->warp.at<uint64_t>(i->insn().ops[at])[LANES + l] = y;
            }
        }
        for (Instruction *i : {&words, &halves, &quarters, &wide, &from_words, &from_halves,
                               &from_quarters, &from_wide, &copy, &high})
            i->run(exec);
        for (int l = 0; l < LANES; ++l) {
            if (!(exec >> l & 1)) continue;
            const uint64_t x = bits[l][0], y = bits[l][1];
            expect_equal(words.text, words.at<uint64_t>(0, l), x);
            expect_equal(halves.text, halves.at<uint32_t>(0, l), (uint32_t)x);
            expect_equal(quarters.text, quarters.at<uint64_t>(0, l), x);
            expect_equal(high.text, high.at<uint32_t>(1, l), (uint32_t)(x >> 32));
            for (int k = 0; k < 2; ++k) {
                const uint64_t part = k == 0 ? x : y;
                expect_equal(from_words.text, from_words.at<uint32_t>(k, l), (uint32_t)(x >> 32 * k));
                expect_equal(from_halves.text, from_halves.at<uint16_t>(k, l), (uint16_t)(x >> 16 * k));
                expect_equal(from_wide.text, from_wide.at<uint64_t>(k, l), part);
                expect_equal(wide.text, wide.warp.at<uint64_t>(wide.insn().ops[0])[k * LANES + l],
                             part);
                expect_equal(copy.text, copy.warp.at<uint64_t>(copy.insn().ops[0])[k * LANES + l],
                             part);
            }
            for (int k = 0; k < 3; ++k)
                expect_equal(from_quarters.text, from_quarters.at<uint16_t>(k, l),
                             (uint16_t)(x >> 16 * k));
        }
    }
    refused("mov.b64 %d7, {%r0, %r1, %r2};");
    refused("mov.u32 %r0, %tid.w;");
    refused("mov.u32 %r0, %pm0;");
}

// The lanes that do not execute keep what they have, in all parts.
void check_lanes_of_vectors() {
    Instruction split("mov.b64 {%r0, %r1}, %d7;"), wide("mov.b128 %q0, {%d0, %d1};");
    for (int l = 0; l < LANES; ++l) {
        split.at<uint64_t>(2, l) = 0x1111111122222222;
        wide.at<uint64_t>(1, l) = 3, wide.at<uint64_t>(2, l) = 4;
    }
    const uint32_t kept[] = {split.at<uint32_t>(0, 9), split.at<uint32_t>(1, 9)};
    uint64_t *to = wide.warp.at<uint64_t>(wide.insn().ops[0]);
    const uint64_t kept_wide[] = {to[9], to[LANES + 9]};
    split.run(1), wide.run(1);
    for (int k = 0; k < 2; ++k) {
        expect_equal("a kept lane of {..}", split.at<uint32_t>(k, 9), kept[k]);
        expect_equal("a kept lane of 128 bits", to[k * LANES + 9], kept_wide[k]);
    }
}

float flat(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }

}  // namespace

int main() {
    check_integers<uint16_t>(".u16"), check_integers<int16_t>(".s16"), check_integers<uint32_t>(".u32");
    check_integers<int32_t>(".s32"), check_integers<uint64_t>(".u64"), check_integers<int64_t>(".s64");
    check_setp<uint32_t>(ORDERED[1], ".b32", [](uint32_t a, uint32_t b) { return relation(a, b); });
    check_floats<float>(".f32", [](float a, float b) { return relation<double>(a, b); });
    check_floats<float>(".ftz.f32",
                        [](float a, float b) { return relation<double>(flat(a), flat(b)); });
    check_floats<double>(".f64", [](double a, double b) { return relation<long double>(a, b); });
    check_floats<uint16_t>(".f16",
                           [](uint16_t a, uint16_t b) { return relation(f16_value(a), f16_value(b)); });
    check_floats<uint16_t>(
        ".bf16", [](uint16_t a, uint16_t b) { return relation(bf16_value(a), bf16_value(b)); });
    check_pairs();
    check_selp<uint16_t>(".b16"), check_selp<uint32_t>(".f32"), check_selp<uint64_t>(".u64");
    check("slct.u32.s32", [](uint32_t a, uint32_t b, int32_t c) { return c >= 0 ? a : b; });
    check("slct.f64.f32", [](uint64_t a, uint64_t b, float c) { return c >= 0 ? a : b; });
    check("slct.ftz.b16.f32", [](uint16_t a, uint16_t b, float c) { return flat(c) >= 0 ? a : b; });
    check_mov(), check_lanes_of_vectors();
    return report();
}
