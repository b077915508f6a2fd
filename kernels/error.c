#include "error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

bool fail(Error *error, const char *format, ...) {
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
        /* Names from files may hold anything, and a terminal obeys control characters. */
        for (char *c = error->text; *c != '\0'; c++)
            if (iscntrl((unsigned char)*c)) *c = '?';
    }
    return false;
}
