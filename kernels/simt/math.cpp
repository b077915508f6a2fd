// A zero whose value the compiler cannot see where it is used.
#include "math.h"

namespace simt {
extern const uint32_t unknown_zero = 0;
}
