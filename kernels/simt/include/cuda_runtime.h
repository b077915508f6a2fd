// The runtime API and, in C++, the device language.
#pragma once

#include "cuda_runtime_api.h"

#ifdef __cplusplus
#include "../language.h"
#include "../math.h"
#endif
