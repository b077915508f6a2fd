// The unit of a GPU that multiplies matrices, which the report counts operations by, for each type of
// elements.
#include "../report/tally.h"
#include "instruction.h"

int main() {
    const std::string four = "{%r0, %r1, %r2, %r3}", two = "{%r0, %r1}", one = "{%r4}";
    const std::string wide = four + ", {%r4, %r5}, {%r6}, " + four + ";",
                      half = two + ", {%r2, %r3}, " + one + ", " + two + ";";
    const std::string small = two + ", {%r2}, " + one + ", " + two + ";",
                      memory = four + ", %d0, %d1, %p0";
    const std::pair<std::string, const char *> cases[] = {
        {"mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 " + half, "tensor_f16"},
        {"mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 " + wide, "tensor_bf16"},
        {"mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 " + wide, "tensor_tf32"},
        {"mma.sync.aligned.m16n8k16.row.col.f16.e5m2.e4m3.f16 " + half, "tensor_f8"},
        {"mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%d0, %d1}, {%d2}, {%d3}, {%d4, %d5};",
         "tensor_f64"},
        {"mma.sync.aligned.m8n8k16.row.col.s32.u8.s8.s32 " + small, "tensor_s8"},
        {"mma.sync.aligned.m8n8k32.row.col.s32.s4.u4.s32 " + small, "tensor_s8"},
        {"mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.xor.popc " + small, "tensor_s8"},
        {"wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 " + memory + ", 1, 1, 0, 0;",
         "tensor_bf16"},
        {"wgmma.mma_async.sync.aligned.m64n8k32.f32.e5m2.e4m3 " + memory + ", 1, 1;", "tensor_f8"},
        {"wgmma.mma_async.sync.aligned.m64n8k32.s32.s8.u8 " + memory + ";", "tensor_s8"},
    };
    for (const auto &[statement, unit] : cases)
        expect_equal(statement, std::string(name_of(Instruction(statement).insn().unit)), unit);
    return report();
}
