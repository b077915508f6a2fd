#include "error.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A message that is too long loses its middle, mostly a part of a path: its end has the reason. */
static void shorten(char *text, size_t size, const char *whole, size_t length) {
    static const char gap[] = " ... ";
    const size_t rest = size - 1 - strlen(gap), end = rest / 2, begin = rest - end;
    memcpy(text, whole, begin);
    memcpy(text + begin, gap, strlen(gap));
    memcpy(text + begin + strlen(gap), whole + length - end, end + 1);
}

/* Does what vsnprintf does, and shortens messages that are too long. */
static void format_message(char *text, size_t size, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(text, size, format, arguments);
    char *whole = length >= 0 && (size_t)length >= size ? malloc((size_t)length + 1) : NULL;
    if (whole != NULL) {
        vsnprintf(whole, (size_t)length + 1, format, again);
        shorten(text, size, whole, (size_t)length);
        free(whole);
    }
    va_end(again);
}

bool fail(Error *error, const char *format, ...) {
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        format_message(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
        /* Names from files may hold anything, and a terminal obeys control characters. */
        for (char *c = error->text; *c != '\0'; c++)
            if (iscntrl((unsigned char)*c)) *c = '?';
    }
    return false;
}
