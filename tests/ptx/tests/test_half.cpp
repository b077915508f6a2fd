// Arithmetic of f16 and bf16, against exact numbers that are rounded once.
#include "exact.h"
#include "instruction.h"

namespace {

struct Kind {
    const char *name;
    double (*value)(uint16_t);
    uint16_t (*rounded)(Exact, Way, int);
    uint16_t infinity, least;  // of normal numbers
    uint16_t bits(Exact x, Way way, int beside = 0) const { return rounded(x, way, beside); }
};
const Kind F16_KIND{"f16", f16_value, to_f16_bits, 0x7c00, 0x0400};
const Kind BF16_KIND{"bf16", bf16_value, to_bf16_bits, 0x7f80, 0x0080};

bool is_nan(const Kind &k, uint16_t x) { return (x & 0x7fff) > k.infinity; }
uint16_t flat(const Kind &k, uint16_t x) { return (x & 0x7fff) < k.least ? x & 0x8000 : x; }

struct Mods {
    bool ftz, sat, relu;
    std::string text() const {
        return std::string(ftz ? ".ftz" : "") + (sat ? ".sat" : "") + (relu ? ".relu" : "");
    }
};
uint16_t finished(const Kind &k, uint16_t x, const Mods &m) {
    if (m.ftz) x = flat(k, x);
    if (m.sat) return is_nan(k, x) || x >= 0x8000 ? 0 : k.value(x) > 1 ? k.bits(1, Way::nearest) : x;
    return m.relu && !is_nan(k, x) && x >= 0x8000 ? 0 : x;
}

// With signs of zeros as IEEE has them, which 113 bits do not keep.
uint16_t fma_bits(const Kind &k, uint16_t a, uint16_t b, uint16_t c) {
    const double x = k.value(a), y = k.value(b), z = k.value(c);
    const double product = x * y;  // exact
    if (product - product != 0 || z - z != 0 || product == 0 || z == 0)
        return k.bits(product + z, Way::nearest);
    const Exact sum = (Exact)product + z;
    if (sum == 0) return 0;
    const Exact rest = std::fabs(product) > std::fabs(z) ? z - (sum - product) : product - (sum - z);
    return k.bits(sum, Way::nearest, rest > 0 ? 1 : rest < 0 ? -1 : 0);
}
uint16_t add_bits(const Kind &k, uint16_t a, uint16_t b) {
    const double x = k.value(a), y = k.value(b);
    if (x - x != 0 || y - y != 0 || x + y == 0) return k.bits(x + y, Way::nearest);
    return k.bits((Exact)x + y, Way::nearest);
}

template <class F>
uint32_t both(F f, uint32_t a, uint32_t b) {
    return f((uint16_t)a, (uint16_t)b) | (uint32_t)f((uint16_t)(a >> 16), (uint16_t)(b >> 16)) << 16;
}

void check_arithmetic(const Kind &k, const Mods &m) {
    const auto in = [=, &k](uint16_t x) { return m.ftz ? flat(k, x) : x; };
    const auto add = [=, &k](uint16_t a, uint16_t b) {
        return finished(k, add_bits(k, in(a), in(b)), m);
    };
    const auto sub = [=, &k](uint16_t a, uint16_t b) {
        const uint16_t y = in(b);
        return finished(k, add_bits(k, in(a), (uint16_t)(is_nan(k, y) ? y : y ^ 0x8000)), m);
    };
    const auto mul = [=, &k](uint16_t a, uint16_t b) {
        return finished(k, k.bits(k.value(in(a)) * k.value(in(b)), Way::nearest), m);
    };
    const auto fma = [=, &k](uint16_t a, uint16_t b, uint16_t c) {
        return finished(k, fma_bits(k, in(a), in(b), in(c)), m);
    };
    const std::string mods = m.text() + "." + k.name;
    check("fma.rn" + mods, fma);
    check("fma.rn" + mods + "x2", [=](uint32_t a, uint32_t b, uint32_t c) -> uint32_t {
        return fma((uint16_t)a, (uint16_t)b, (uint16_t)c) |
               (uint32_t)fma((uint16_t)(a >> 16), (uint16_t)(b >> 16), (uint16_t)(c >> 16)) << 16;
    });
    if (m.relu) return;
    check("add" + mods, add);
    check("sub.rn" + mods, sub);
    check("mul" + mods, mul);
    check("add.rn" + mods + "x2", [=](uint32_t a, uint32_t b) { return both(add, a, b); });
    check("sub" + mods + "x2", [=](uint32_t a, uint32_t b) { return both(sub, a, b); });
    check("mul" + mods + "x2", [=](uint32_t a, uint32_t b) { return both(mul, a, b); });
}

// Sums that lie almost in the middle of two numbers, where rounding twice goes wrong.
void check_ties(const Kind &k) {
    std::vector<std::tuple<uint16_t, uint16_t, uint16_t>> values;
    for (int i = 0; i < 20000; ++i) {
        const uint64_t r = random_bits()();
        // A product of many digits, or one far below the addend.
        const uint16_t c = (uint16_t)(r % (k.infinity + 1)) | (r >> 63 ? 0x8000 : 0);
        values.push_back({(uint16_t)(r >> 16), (uint16_t)(r >> 32), c});
        values.push_back({(uint16_t)(r >> 16 & 0x83ff), (uint16_t)(r >> 32 & 0x83ff), c});
    }
    const std::function<uint16_t(uint16_t, uint16_t, uint16_t)> expected =
        [&k](uint16_t a, uint16_t b, uint16_t c) { return fma_bits(k, a, b, c); };
    check_on(std::string("fma.rn.") + k.name, expected, values);
}

uint16_t lesser(const Kind &k, uint16_t a, uint16_t b, bool nan_wins) {
    if (is_nan(k, a) || is_nan(k, b))
        return nan_wins || (is_nan(k, a) && is_nan(k, b)) ? 0x7fff : is_nan(k, a) ? b : a;
    const double x = k.value(a), y = k.value(b);
    if (x == y) return std::signbit(x) ? a : b;
    return x < y ? a : b;
}
uint16_t greater(const Kind &k, uint16_t a, uint16_t b, bool nan_wins) {
    const uint16_t r = lesser(k, a ^ 0x8000, b ^ 0x8000, nan_wins);
    return is_nan(k, r) ? r : r ^ 0x8000;
}

void check_exact(const Kind &k, bool ftz) {
    const std::string f = ftz ? ".ftz" : "", t = std::string(".") + k.name;
    const auto in = [=, &k](uint16_t x) { return ftz ? flat(k, x) : x; };
    const auto abs = [=](uint16_t a) -> uint16_t { return in(a)&0x7fff; };
    const auto neg = [=](uint16_t a) -> uint16_t { return in(a) ^ 0x8000; };
    check("abs" + f + t, abs);
    check("neg" + f + t, neg);
    check("neg" + f + t + "x2", [=](uint32_t a) -> uint32_t {
        return neg((uint16_t)a) | (uint32_t)neg((uint16_t)(a >> 16)) << 16;
    });
    for (const bool nan : {false, true}) {
        const std::string mods = f + (nan ? ".NaN" : "");
        const auto min = [=, &k](uint16_t a, uint16_t b) { return lesser(k, in(a), in(b), nan); };
        const auto max = [=, &k](uint16_t a, uint16_t b) { return greater(k, in(a), in(b), nan); };
        check("min" + mods + t, min);
        check("max" + mods + t, max);
        check("max" + mods + t + "x2", [=](uint32_t a, uint32_t b) { return both(max, a, b); });
        check("min" + mods + ".xorsign.abs" + t, [=, &k](uint16_t a, uint16_t b) -> uint16_t {
            const uint16_t m = min(a & 0x7fff, b & 0x7fff);
            return is_nan(k, m) ? m : m | ((a ^ b) & 0x8000);
        });
        check("min" + mods + t,
              [=](uint16_t a, uint16_t b, uint16_t c) { return min(min(a, b), in(c)); });
    }
}

// All values, within the documented errors (and to the nearest by default).
void check_function(const std::string &opcode, const Kind &k, double (*exact)(double), double error,
                    bool ftz) {
    Instruction i(opcode + " %h7, %h0;");
    const bool nearest = std::getenv("KAIROS_PTX_SEED") == nullptr;
    for (int first = 0; first < 65536; first += LANES) {
        for (int l = 0; l < LANES; ++l) i.at<uint16_t>(1, l) = first + l;
        i.run();
        for (int l = 0; l < LANES; ++l) {
            const uint16_t a = ftz ? flat(k, first + l) : first + l, actual = i.at<uint16_t>(0, l);
            const double wanted = exact(k.value(a));
            uint16_t best = k.bits(wanted, Way::nearest);
            if (ftz) best = flat(k, best);
            const double off = std::fabs(k.value(actual) - wanted);
            const bool right = actual == best || (!nearest && std::isfinite(k.value(best)) &&
                                                  off <= error * std::fabs(wanted));
            if (!right) expect_equal(opcode + " of " + shown(a), shown(actual), shown(best));
        }
    }
}

}  // namespace

int main() {
    for (const Mods &m : {Mods{false, false, false}, Mods{true, false, false}, Mods{false, true, false},
                          Mods{true, true, false}, Mods{false, false, true}, Mods{true, false, true}})
        check_arithmetic(F16_KIND, m);
    check_arithmetic(BF16_KIND, {false, false, false}),
        check_arithmetic(BF16_KIND, {false, false, true});
    check_ties(F16_KIND), check_ties(BF16_KIND);
    check_exact(F16_KIND, false), check_exact(F16_KIND, true), check_exact(BF16_KIND, false);
    check_function("tanh.approx.f16", F16_KIND, std::tanh, std::pow(2, -10.987), false);
    check_function("tanh.approx.bf16", BF16_KIND, std::tanh, std::pow(2, -8), false);
    check_function("ex2.approx.f16", F16_KIND, std::exp2, std::pow(2, -9.9), false);
    check_function("ex2.approx.ftz.bf16", BF16_KIND, std::exp2, std::pow(2, -7), true);
    refused("add.ftz.bf16 %h0, %h1, %h2;");
    refused("fma.rz.f16 %h0, %h1, %h2, %h3;");
    refused("fma.f16 %h0, %h1, %h2, %h3;");
    refused("div.f16 %h0, %h1, %h2;");
    return report();
}
