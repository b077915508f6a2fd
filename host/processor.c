/* A processor that lacks the instructions that this program was compiled for would end it by SIGILL,
 * without a word.  It is told at the start instead. */
#include <string.h>
#include <unistd.h>

#ifdef __x86_64__

/* Before anything else of the program, and compiled without those instructions. */
#define PLAIN \
    __attribute__((target("general-regs-only,no-bmi,no-bmi2,no-lzcnt,no-popcnt,no-movbe"), noinline))

/* The compiler defines a macro of value 1 for each extension that it may use. */
#define TEXT(x) #x
#define VALUE(macro) TEXT(macro)
#define CHECK(macro, name) \
    if (VALUE(macro)[0] == '1' && !__builtin_cpu_supports(name)) return name

PLAIN static const char *find_missing(void) {
    __builtin_cpu_init();
    CHECK(__SSE4_2__, "sse4.2");
    CHECK(__POPCNT__, "popcnt");
    CHECK(__AVX__, "avx");
    CHECK(__AVX2__, "avx2");
    CHECK(__FMA__, "fma");
    CHECK(__BMI__, "bmi");
    CHECK(__BMI2__, "bmi2");
    CHECK(__AVX512F__, "avx512f");
    CHECK(__AVX512CD__, "avx512cd");
    CHECK(__AVX512DQ__, "avx512dq");
    CHECK(__AVX512BW__, "avx512bw");
    CHECK(__AVX512VL__, "avx512vl");
    CHECK(__AVX512IFMA__, "avx512ifma");
    CHECK(__AVX512VBMI__, "avx512vbmi");
    CHECK(__AVX512VBMI2__, "avx512vbmi2");
    CHECK(__AVX512VNNI__, "avx512vnni");
    CHECK(__AVX512BITALG__, "avx512bitalg");
    CHECK(__AVX512VPOPCNTDQ__, "avx512vpopcntdq");
    CHECK(__AVX512BF16__, "avx512bf16");
    CHECK(__GFNI__, "gfni");
    CHECK(__FMA4__, "fma4");
    CHECK(__XOP__, "xop");
    return NULL;
}

PLAIN static void say(const char *text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0) _exit(1);
}

PLAIN __attribute__((constructor(101))) static void check_processor(void) {
    const char *missing = find_missing();
    if (missing == NULL) return;
    say("kairos: this processor does not have the instructions '");
    say(missing);
    say("', for which this program was built: build it on this machine, or for more processors "
        "(rm -r build; make cpu ARCH=x86-64-v3)\n");
    _exit(1);
}

#endif
