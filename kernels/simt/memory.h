// What a launch asks of the device's memory.
#pragma once

namespace simt {

// Faithful mode: reports it if `kernel` wrote beside a piece of device memory.
bool device_memory_intact(const char *kernel);

}  // namespace simt
