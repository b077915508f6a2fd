// Arithmetic of f32 and f64 in all four ways of rounding, against exact numbers; approximations within
// their errors.
#include "exact.h"
#include "instruction.h"

namespace {

const std::pair<const char *, Way> WAYS[] = {
    {".rn", Way::nearest}, {".rz", Way::zero}, {".rm", Way::down}, {".rp", Way::up}};

float flat(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }
float unit(float x) { return x >= 1 ? 1.0f : x > 0 ? x : 0.0f; }
// What the instruction makes of a result: not-a-number has one pattern.
float finished(float x, bool ftz, bool sat) {
    if (ftz) x = flat(x);
    if (sat) return unit(x);
    return x != x ? std::bit_cast<float>(0x7fffffff) : x;
}

template <class T>
T round_as(Exact x, Way way, int beside = 0) {
    if constexpr (sizeof(T) == 4)
        return to_f32(x, way, beside);
    else
        return to_f64(x, way, beside);
}

// A sum of 113 bits, and what it leaves.
struct Sum {
    Exact high, rest;
};
Sum two_sum(Exact a, Exact b) {
    const Exact s = a + b, part = s - a;
    return {s, (a - (s - part)) + (b - part)};
}
template <class T>
T rounded_sum(Sum sum, Way way, T zero) {
    if (sum.high == 0) return zero;
    return round_as<T>(sum.high, way, sum.rest > 0 ? 1 : sum.rest < 0 ? -1 : 0);
}

// The sum of zeros, or of opposite numbers.
template <class T>
T zero_sum(T a, T b, Way way) {
    if (a == 0 && b == 0 && std::signbit(a) == std::signbit(b)) return a;
    return way == Way::down ? -(T)0 : (T)0;
}
template <class T>
T add(T a, T b, Way way) {
    if (a == 0 && b == 0) return zero_sum(a, b, way);
    if (a - a != 0 || b - b != 0) return a + b;
    return rounded_sum<T>(two_sum(a, b), way, zero_sum(a, b, way));
}
template <class T>
T mul(T a, T b, Way way) {
    const Exact product = (Exact)a * b;
    return a - a != 0 || b - b != 0 || product == 0 ? a * b : round_as<T>(product, way);
}
template <class T>
T fma_of(T a, T b, T c, Way way) {
    if (a - a != 0 || b - b != 0) return a * b + c;
    if (c - c != 0) return c;
    if (a == 0 || b == 0) {
        const T zero = a * b;
        return c == 0 ? zero_sum(zero, c, way) : c;
    }
    const Exact product = (Exact)a * b;
    if (c == 0) return round_as<T>(product, way);
    return rounded_sum<T>(two_sum(product, c), way, way == Way::down ? -(T)0 : (T)0);
}
template <class T>
T div(T a, T b, Way way) {
    if (a - a != 0 || b - b != 0 || a == 0 || b == 0) return a / b;
    // 113 bits of the quotient suffice: it is further from the middle of two numbers than the bits that
    // are lost.
    return round_as<T>((Exact)a / b, way);
}
template <class T>
T sqrt_of(T a, Way way) {
    if (!(a > 0) || a - a != 0) return std::sqrt(a);
    const T near = std::sqrt(a);  // right or a neighbour
    const Exact square = (Exact)near * near;
    if (square == a || way == Way::nearest) return near;
    const bool below = square < a;
    if (way == Way::up) return below ? std::nextafter(near, (T)INFINITY) : near;
    return below ? near : std::nextafter(near, (T)0);
}

void check_single() {
    for (const auto &[name, way] : WAYS)
        for (const bool ftz : {false, true})
            for (const bool sat : {false, true}) {
                const std::string mods =
                    std::string(name) + (ftz ? ".ftz" : "") + (sat ? ".sat" : "") + ".f32";
                const auto in = [=](float x) { return ftz ? flat(x) : x; };
                const Way w = way;
                check("add" + mods,
                      [=](float a, float b) { return finished(add(in(a), in(b), w), ftz, sat); });
                check("sub" + mods,
                      [=](float a, float b) { return finished(add(in(a), -in(b), w), ftz, sat); });
                check("mul" + mods,
                      [=](float a, float b) { return finished(mul(in(a), in(b), w), ftz, sat); });
                check("fma" + mods, [=](float a, float b, float c) {
                    return finished(fma_of(in(a), in(b), in(c), w), ftz, sat);
                });
                if (sat) continue;
                check("div" + mods,
                      [=](float a, float b) { return finished(div(in(a), in(b), w), ftz, false); });
                check("rcp" + mods, [=](float a) { return finished(div(1.0f, in(a), w), ftz, false); });
                check("sqrt" + mods, [=](float a) { return finished(sqrt_of(in(a), w), ftz, false); });
            }
    check("add.f32", [](float a, float b) { return finished(add(a, b, Way::nearest), false, false); });
    check("mad.rn.f32", [](float a, float b, float c) {
        return finished(fma_of(a, b, c, Way::nearest), false, false);
    });
}

void check_double() {
    for (const auto &[name, way] : WAYS) {
        const std::string mods = std::string(name) + ".f64";
        const Way w = way;
        check("add" + mods, [=](double a, double b) { return add(a, b, w); });
        check("sub" + mods, [=](double a, double b) { return add(a, -b, w); });
        check("mul" + mods, [=](double a, double b) { return mul(a, b, w); });
        check("fma" + mods, [=](double a, double b, double c) { return fma_of(a, b, c, w); });
        check("div" + mods, [=](double a, double b) { return div(a, b, w); });
        check("rcp" + mods, [=](double a) { return div(1.0, a, w); });
        check("sqrt" + mods, [=](double a) { return sqrt_of(a, w); });
    }
}

float part(uint64_t x, int i) { return std::bit_cast<float>((uint32_t)(x >> 32 * i)); }
uint64_t two(float low, float high) {
    return std::bit_cast<uint32_t>(low) | (uint64_t)std::bit_cast<uint32_t>(high) << 32;
}

void check_packed() {
    const auto done = [](float x) { return finished(x, true, false); };
    check("add.rz.f32x2", [](uint64_t a, uint64_t b) {
        return two(finished(add(part(a, 0), part(b, 0), Way::zero), false, false),
                   finished(add(part(a, 1), part(b, 1), Way::zero), false, false));
    });
    check("mul.ftz.f32x2", [=](uint64_t a, uint64_t b) {
        return two(done(mul(flat(part(a, 0)), flat(part(b, 0)), Way::nearest)),
                   done(mul(flat(part(a, 1)), flat(part(b, 1)), Way::nearest)));
    });
    check("fma.rn.f32x2", [](uint64_t a, uint64_t b, uint64_t c) {
        return two(finished(fma_of(part(a, 0), part(b, 0), part(c, 0), Way::nearest), false, false),
                   finished(fma_of(part(a, 1), part(b, 1), part(c, 1), Way::nearest), false, false));
    });
}

// ---- without rounding ----

uint32_t raw(float x) { return std::bit_cast<uint32_t>(x); }
float number_of(uint32_t bits) { return std::bit_cast<float>(bits); }

template <class T>
T lesser(T a, T b, bool nan_wins) {
    if (a != a || b != b) {
        if (nan_wins || (a != a && b != b)) return sizeof(T) == 4 ? (T)number_of(0x7fffffff) : (T)NAN;
        return a != a ? b : a;
    }
    if (a == b) return std::signbit(a) ? a : b;
    return a < b ? a : b;
}
template <class T>
T greater(T a, T b, bool nan_wins) {
    const T r = lesser(-a, -b, nan_wins);
    return r != r ? r : -r;
}

void check_exact() {
    const float nan = number_of(0x7fffffff);
    check("abs.f32", [](float a) { return number_of(raw(a) & 0x7fffffff); });
    check("abs.ftz.f32", [](float a) { return number_of(raw(flat(a)) & 0x7fffffff); });
    check("neg.f32", [](float a) { return number_of(raw(a) ^ 0x80000000); });
    check("neg.f64", [](double a) { return -a; });
    check("abs.f64", [](double a) { return std::fabs(a); });
    for (const bool ftz : {false, true})
        for (const bool nan_wins : {false, true}) {
            const std::string mods = std::string(ftz ? ".ftz" : "") + (nan_wins ? ".NaN" : "");
            const auto in = [=](float x) { return ftz ? flat(x) : x; };
            check("min" + mods + ".f32",
                  [=](float a, float b) { return lesser(in(a), in(b), nan_wins); });
            check("max" + mods + ".f32",
                  [=](float a, float b) { return greater(in(a), in(b), nan_wins); });
            check("max" + mods + ".xorsign.abs.f32", [=](float a, float b) {
                const float m = greater(std::fabs(in(a)), std::fabs(in(b)), nan_wins);
                return m != m ? nan : std::signbit(a) != std::signbit(b) ? -m : m;
            });
            check("min" + mods + ".f32", [=](float a, float b, float c) {
                return lesser(lesser(in(a), in(b), nan_wins), in(c), nan_wins);
            });
            check("max" + mods + ".abs.f32", [=](float a, float b, float c) {
                a = std::fabs(in(a)), b = std::fabs(in(b)), c = std::fabs(in(c));
                return greater(greater(a, b, nan_wins), c, nan_wins);
            });
        }
    check("min.f64", [](double a, double b) { return lesser(a, b, false); });
    check("max.f64", [](double a, double b) { return greater(a, b, false); });
    check("copysign.f32",
          [](float a, float b) { return number_of((raw(a) & 0x80000000) | (raw(b) & 0x7fffffff)); });
    check("copysign.f64", [](double a, double b) { return std::copysign(b, a); });
    refused("fma.f32 %r0, %r1, %r2, %r3;");
    refused("add.rn.ftz.f64 %d0, %d1, %d2;");
    refused("max.xorsign.f32 %r0, %r1, %r2;");
    refused("add.rn.relu.f32 %r0, %r1, %r2;");
    refused("div.f32 %r0, %r1, %r2;");
}

void check_testp() {
    const std::pair<const char *, bool (*)(float)> tests[] = {
        {"finite", [](float x) { return std::isfinite(x); }},
        {"infinite", [](float x) { return std::isinf(x); }},
        {"number", [](float x) { return !std::isnan(x); }},
        {"notanumber", [](float x) { return std::isnan(x); }},
        {"normal", [](float x) { return std::isnormal(x) || x == 0; }},
        {"subnormal", [](float x) { return std::fpclassify(x) == FP_SUBNORMAL; }}};
    for (const auto &[name, test] : tests) {
        Instruction i(std::string("testp.") + name + ".f32 %p0, %r0;");
        for (const float x : special_values<float>()) {
            for (int l = 0; l < LANES; ++l) i.at<float>(1, l) = x;
            i.pred(0) = 0;
            i.run(0xff);
            expect_equal(i.text + " of " + shown(x), i.pred(0), test(x) ? 0xffu : 0u);
        }
    }
}

// ---- approximations: the nearest value by default; the documented errors for any seed ----

template <class F, class G>
void check_error(const std::string &opcode, F exact, G allowed) {
    Instruction i(opcode + " %r7, %r0;");
    for (int round = 0; round < 200; ++round) {
        float a[LANES];
        for (int l = 0; l < LANES; ++l) {
            a[l] = round < 2
                       ? special_values<float>()[(round * LANES + l) % special_values<float>().size()]
                       : random_value<float>();
            i.at<float>(1, l) = a[l];
        }
        i.run();
        for (int l = 0; l < LANES; ++l) {
            const float actual = i.at<float>(0, l);
            const double wanted = exact(a[l]);
            const bool special = wanted != wanted || std::isinf(wanted) ||
                                 std::fabs(wanted) > 0x1.fffffep127 || wanted == 0;
            double limit = allowed(a[l], wanted) + 0x1p-149;
            if (std::getenv("KAIROS_PTX_SEED") == nullptr && !special)
                limit = 0.500001 * std::ldexp(1.0, std::max(-126, std::ilogb(wanted)) - 23);
            const bool right = special ? same_value(actual, finished((float)wanted, false, false))
                                       : std::fabs(actual - wanted) <= limit;
            if (right) continue;
            std::cout << "FAILED " << opcode << " of " << shown(a[l]) << ": " << shown(actual)
                      << ", expected " << shown(wanted) << "\n";
            ++failures();
        }
    }
}

void check_approximations() {
    const auto relative = [](double error) {
        return [=](float, double wanted) { return error * std::fabs(wanted); };
    };
    const auto ulp = [](float, double wanted) { return std::ldexp(1.0, std::ilogb(wanted) - 23); };
    check_error(
        "rcp.approx.f32", [](double a) { return 1 / a; }, ulp);
    check_error(
        "sqrt.approx.f32", [](double a) { return std::sqrt(a); }, relative(0x1p-23));
    check_error(
        "rsqrt.approx.f32", [](double a) { return 1 / std::sqrt(a); }, relative(std::pow(2, -22.9)));
    check_error(
        "ex2.approx.f32", [](double a) { return std::exp2(a); }, relative(0x1p-22));
    check_error(
        "lg2.approx.f32", [](double a) { return std::log2(a); },
        [](float a, double wanted) {
            return a > 0.5 && a < 2 ? 0x1p-22 : 0x1p-22 * std::fabs(wanted);
        });
    check_error(
        "tanh.approx.f32", [](double a) { return std::tanh(a); }, relative(0x1p-11));
    const auto absolute = [](float, double) { return std::pow(2, -20.5); };
    check_error(
        "sin.approx.f32", [](double a) { return std::sin(a); }, absolute);
    check_error(
        "cos.approx.f32", [](double a) { return std::cos(a); }, absolute);
    check_error(
        "ex2.approx.ftz.f32",
        [](double a) {
            const double r = std::exp2((double)flat((float)a));
            return r < 0x1p-126 ? 0 : r;
        },
        relative(0x1p-22));
}

void check_division() {
    Instruction approx("div.approx.f32 %r7, %r0, %r1;"), full("div.full.f32 %r7, %r0, %r1;");
    for (const auto &[a, b] : all_values<float, float>()) {
        for (Instruction *i : {&approx, &full}) {
            for (int l = 0; l < LANES; ++l) i->at<float>(1, l) = a, i->at<float>(2, l) = b;
            i->run(1);
            const double wanted = (double)a / b;
            const bool huge = i == &approx && std::fabs(b) > 0x1p126f && std::isfinite(b);
            const float actual = i->at<float>(0, 0), exact = finished((float)wanted, false, false);
            const double limit =
                2 * std::ldexp(1.0, std::max(-126, wanted == 0 ? -126 : std::ilogb(wanted)) - 23);
            const bool edge =
                std::fabs(wanted) > 0x1.fffff8p127 && std::isinf(actual);  // may be infinite
            const bool right = huge ? std::isinf(a) || a != a ? actual != actual : actual == 0
                               : std::isfinite(wanted) ? edge || std::fabs(actual - wanted) <= limit
                                                       : same_value(actual, exact);
            if (!right)
                expect_equal(i->text + " of " + shown(a) + " " + shown(b), shown(actual), shown(exact));
        }
    }
    check("rcp.approx.ftz.f64", [](double a) {
        const auto cut = [](double x) {
            return std::bit_cast<double>(std::bit_cast<uint64_t>(x) & 0xffffffff00000000);
        };
        if (a != a) return a;
        if (std::isinf(a)) return std::copysign(0.0, a);
        if (std::fabs(cut(a)) < 0x1p-1022) return std::copysign((double)INFINITY, a);
        const double r = 1 / cut(a);
        if (std::fabs(r) < 0x1p-1022) return std::copysign(0.0, a);
        return std::copysign((double)rounded(std::fabs(r), 21, -1022, 0x1p1023, Way::away), a);
    });
    check("rsqrt.approx.f64", [](double a) { return 1 / std::sqrt(a); });
}

}  // namespace

int main() {
    check_single(), check_double(), check_packed(), check_exact(), check_testp();
    check_approximations(), check_division();
    return report();
}
