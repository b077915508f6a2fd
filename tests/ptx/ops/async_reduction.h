// The operations of cp.reduce.async.bulk, on arrays.
#pragma once

#include <string>

#include "../text/types.h"
#include "async_state.h"

// nullptr: there is no such operation on that type.
Transfer::Combine combination_of(const std::string &operation, Type type);
