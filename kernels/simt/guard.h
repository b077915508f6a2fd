// Memory of the device: aligned heap.  In faithful mode it begins as NaN and lies between two guard
// zones, which AddressSanitizer does not let anyone touch and whose content is checked as well, for
// writes by code that was compiled without it.
#pragma once

#include <stddef.h>

namespace simt {

#ifdef SIMT_FAITHFUL
constexpr bool GUARDED = true;
#else
constexpr bool GUARDED = false;
#endif

// 256-byte aligned; nullptr = not enough memory.
void *guarded_allocate(size_t bytes);
void guarded_free(void *data, size_t bytes);

// True if nothing wrote to the guard zones.  If not, `offset` is from `data` to the first byte that
// was written, and the zones are made whole.
bool guards_intact(void *data, size_t bytes, ptrdiff_t *offset);

// All bits ones: a NaN of every floating type.
void fill_undefined(void *data, size_t bytes);

}  // namespace simt
