// Registers that are written on some paths only, and are read where one of these has been taken.
#include "expect.h"

__global__ void count(int *to) {
    int late, kept;
    asm volatile(
        "{ .reg .b32 last, i; .reg .pred p, q;\n"
        "mov.u32 i, 0;\n"
        "mov.u32 %0, 0;\n"
        "AGAIN_%=: setp.eq.u32 p, i, 0;\n"
        "@p bra FIRST_%=;\n"
        "add.u32 %0, %0, last;\n"  // not in the first turn
        "FIRST_%=: mov.u32 last, i;\n"
        "add.u32 i, i, 1;\n"
        "setp.lt.u32 q, i, 4;\n"
        "@q bra AGAIN_%=; }"
        : "=r"(late));
    asm volatile(
        "{ .reg .b32 t; .reg .pred p; setp.gt.u32 p, %1, 15; @p mov.u32 t, 7; mov.u32 %0, 1; @p "
        "mov.u32 "
        "%0, t; }"
        : "=r"(kept)
        : "r"(threadIdx.x));
    to[threadIdx.x] = late + 10 * kept;
}

int main() {
    int *to = upload(std::vector<int>(32));
    std::vector<int> expected(32);
    for (int i = 0; i < 32; ++i) expected[i] = 0 + 1 + 2 + 10 * (i > 15 ? 7 : 1);
    count<<<1, 32>>>(to);
    return expect("counts", download(to, 32), expected);
}
