// The counters of all kernels that ran, as JSON.
#pragma once

#include <cstdio>

// KAIROS_PTX_REPORT=FILE: written when the process ends.
void write_report(std::FILE *file);
