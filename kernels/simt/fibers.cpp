// Fibers on Boost.Context's bare switch, with AddressSanitizer told about each.
#ifdef SIMT_FAITHFUL

#include "fibers.h"

#include <sys/mman.h>

#include <new>

#include "sanitizer.h"

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

namespace simt {

static constexpr size_t PAGE = 4096;
static constexpr size_t STACK_BYTES = 64 * PAGE;  // a sanitizer's report needs much

namespace {
struct Switch {
    Fiber *from, *to;
};
}  // namespace

static Fiber &arrive(transfer_t transfer) {
    const Switch *crossing = static_cast<Switch *>(transfer.data);
    Fiber &from = *crossing->from, &to = *crossing->to;
    from.context = transfer.fctx;
    __sanitizer_finish_switch_fiber(to.fake_stack, &from.stack, &from.stack_bytes);
    return to;
}

void switch_fiber(Fiber &from, Fiber &to) {
    Switch crossing = {&from, &to};
    __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_bytes);
    arrive(jump_fcontext(to.context, &crossing));
}

void FiberPool::enter(transfer_t transfer) {
    const FiberPool *pool = arrive(transfer).pool;
    pool->function(pool->argument);
}

// The tops of stacks fall on different lines of the cache.
void FiberPool::start(Fiber &fiber) {
    char *bottom = static_cast<char *>(const_cast<void *>(fiber.stack));
    const size_t bytes = fiber.stack_bytes - fiber.number % 32 * 64;
    fiber.context = make_fcontext(bottom + bytes, bytes, enter);
    fiber.fake_stack = nullptr;
}

// Below each stack lies a page that may not be touched.
Fiber *FiberPool::create() {
    void *memory = mmap(nullptr, PAGE + STACK_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, PAGE, PROT_NONE) != 0) throw std::bad_alloc();
    auto fiber = std::make_unique<Fiber>();
    fiber->pool = this;
    fiber->stack = static_cast<char *>(memory) + PAGE;
    fiber->stack_bytes = STACK_BYTES;
    fiber->number = fibers.size();
    start(*fiber);
    fibers.push_back(std::move(fiber));
    return fibers.back().get();
}

FiberPool::~FiberPool() {
    for (const auto &fiber : fibers) {
        ASAN_UNPOISON_MEMORY_REGION(fiber->stack, STACK_BYTES);
        munmap(static_cast<char *>(const_cast<void *>(fiber->stack)) - PAGE, PAGE + STACK_BYTES);
    }
}

Fiber *FiberPool::take() {
    if (idle.empty()) return create();
    Fiber *fiber = idle.back();
    idle.pop_back();
    return fiber;
}

void FiberPool::reset() {
    idle.clear();
    for (const auto &fiber : fibers) {
        ASAN_UNPOISON_MEMORY_REGION(fiber->stack, STACK_BYTES);
        start(*fiber);
        idle.push_back(fiber.get());
    }
}

}  // namespace simt

#endif
