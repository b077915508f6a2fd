// What goes wrong in a kernel is told on standard error, and kept for simt_last_report.
#pragma once

namespace simt {

__attribute__((format(printf, 1, 2))) void report(const char *format, ...);

}  // namespace simt
