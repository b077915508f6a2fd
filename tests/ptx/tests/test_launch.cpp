// A launch that stops early leaves nothing behind for the next one.
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "../checks/findings.h"
#include "../decode/decode.h"
#include "../decode/loaded.h"
#include "../machine/block.h"
#include "check.h"

namespace {

// One thread copies and stops the kernel while the others wait: its block has not ended, and the copy
// is pending.  Another kernel writes where it came from.
const char *const TEXT = R"(.version 9.0
.target sm_80
.address_size 64
.entry stop(.param .u64 from) {
    .reg .b64 %d<2>;
    .reg .b32 %r<3>;
    .reg .pred %p<2>;
    .shared .align 16 .b8 to[16];
    mov.u32 %r2, %tid.x;
    setp.eq.u32 %p1, %r2, 0;
    @%p1 bra first;
    bar.sync 0;
    ret;
first:
    ld.param.u64 %d1, [from];
    mov.u32 %r1, to;
    cp.async.ca.shared.global [%r1], [%d1], 16;
    trap;
}
.entry write(.param .u64 to) {
    .reg .b64 %d<2>;
    ld.param.u64 %d1, [to];
    st.global.u32 [%d1], 1;
    ret;
}
)";

void run(LoadedModule &module, const char *kernel, void *argument, uint64_t number) {
    Launch launch;
    launch.program = decode_entry(module, *module.functions.at(kernel));
    launch.params.resize(sizeof argument);
    std::memcpy(launch.params.data(), &argument, sizeof argument);
    launch.number = number;
    launch.block = {2 * LANES};
    run_launch(launch);
}

void test_abandoned() {
    LoadedModule module;
    module.module = parse_module(TEXT);
    for (const Function &f : module.module.functions) module.functions[f.name] = &f;
    void *data = device_allocate(16, "data");
    device_wrote(data, 16);
    run(module, "stop", data, 1);
    expect_equal("the trap is found", findings(), 1L);
    run(module, "write", data, 2);
    expect_equal("and no copy is pending after it", findings(), 1L);
}

}  // namespace

// In a process of its own, whose end says nothing of what was found.
int main() {
    const pid_t child = fork();
    if (child == 0) {
        test_abandoned();
        const int status = report();
        std::cout.flush();
        _exit(status);
    }
    int status = 0;
    return child < 0 || waitpid(child, &status, 0) != child || status != 0;
}
