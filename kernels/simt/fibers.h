// Fibers: functions with stacks of their own, which switch to each other within one OS thread.
#pragma once

#include <stddef.h>

#include <boost/context/detail/fcontext.hpp>
#include <memory>
#include <vector>

namespace simt {

class FiberPool;

struct Fiber {
    FiberPool *pool = nullptr;                             // null = an OS thread's own stack
    boost::context::detail::fcontext_t context = nullptr;  // where to go on, while it does not run
    const void *stack = nullptr;                           // lowest address
    size_t stack_bytes = 0;
    void *fake_stack = nullptr;  // AddressSanitizer's
    size_t number = 0;           // in its pool
};

// Leaves `from`, the running fiber, for `to`.  Returns when something switches back.
void switch_fiber(Fiber &from, Fiber &to);

// Fibers that all run the same function, which never returns.  They are kept for reuse: a fiber that
// is taken a second time goes on after the switch by which it left.
class FiberPool {
public:
    using Function = void (*)(void *argument);
    FiberPool(Function function, void *argument) : function(function), argument(argument) {}
    ~FiberPool();
    FiberPool(const FiberPool &) = delete;
    FiberPool &operator=(const FiberPool &) = delete;

    Fiber *take();
    void give(Fiber *fiber) { idle.push_back(fiber); }
    // Abandons what all fibers are at; each starts anew.
    void reset();

private:
    Fiber *create();
    static void start(Fiber &fiber);
    static void enter(boost::context::detail::transfer_t transfer);

    Function function;
    void *argument;
    std::vector<std::unique_ptr<Fiber>> fibers;
    std::vector<Fiber *> idle;
};

}  // namespace simt
