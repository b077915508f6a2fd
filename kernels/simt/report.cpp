// Reports of faults.
#include "report.h"

#include <stdarg.h>
#include <stdio.h>

#include <mutex>

#include "simt.h"

static std::mutex mutex;
static char last_report[1024];

void simt::report(const char *format, ...) {
    const std::lock_guard<std::mutex> lock(mutex);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last_report, sizeof last_report, format, arguments);
    va_end(arguments);
    fprintf(stderr, "simt: %s\n", last_report);
}

const char *simt_last_report(void) { return last_report; }
