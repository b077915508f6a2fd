// Calls: arguments and results are places in local memory.
#include "function_decoder.h"

namespace {

const std::vector<Operand> &list_of(const Operand *o) {
    static const std::vector<Operand> none;
    return o == nullptr ? none : o->parts;
}

}  // namespace

// The statement is `call (results), name, (arguments)`; both lists may be absent.
void Decoding::read_call() {
    const Operand *results = nullptr, *arguments = nullptr;
    size_t at = 0;
    if (operand(0).kind == Operand::list) results = &operand(at++);
    const Operand &name = operand(at++);
    if (at < operands() && operand(at).kind == Operand::list) arguments = &operand(at++);
    if (name.kind != Operand::name || at != operands()) refuse("an indirect call");

    Call call;
    const auto places = [&](const std::vector<Operand> &all, std::vector<Param> &to) {
        for (const Operand &o : all) {
            const Place *place = o.kind == Operand::name ? function.find_place(o.text) : nullptr;
            if (place == nullptr || place->space != Space::local)
                refuse("an argument or result of a call that is no .param variable");
            to.push_back({(int)place->address, (int)place->variable->bytes});
        }
    };
    places(list_of(arguments), call.arguments);
    places(list_of(results), call.results);

    FunctionDecoder *callee = function.program.callee(name.text, statement, function);
    if (callee == nullptr) {
        call.external = name.text;
    } else {
        const Function &f = callee->function;
        if (f.params.size() != call.arguments.size() || f.returns.size() != call.results.size())
            refuse("'" + f.name + "' has another number of parameters");
        for (size_t i = 0; i < f.params.size(); ++i)
            call.before.push_back({call.arguments[i].offset,
                                   (int)function.program.local_place(f.params[i]),
                                   std::min(call.arguments[i].bytes, (int)f.params[i].bytes)});
        for (size_t i = 0; i < f.returns.size(); ++i)
            call.after.push_back({(int)function.program.local_place(f.returns[i]),
                                  call.results[i].offset,
                                  std::min(call.results[i].bytes, (int)f.returns[i].bytes)});
        entries_.push_back({Entry::return_slot, false, false, function.program.number_of(callee)});
        function.callee_ = callee;
        insn.target = 0;  // until the program is whole
    }
    insn.extra = keep(std::move(call));
}

bool Decoding::read_return() {
    if (function.function.entry) return false;
    entries_.push_back({Entry::return_slot, false, false, function.program.number_of(&function)});
    return true;
}
