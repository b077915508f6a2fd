#include "io/shipped.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/file.h"

bool shipped_file(const char *name, char path[PATH_MAX]) {
    static const char *const places[] = {
        "", "/../", "/../share/kairos/"}; /* the last two: of the program's folder */
    char program[PATH_MAX / 2] = "";
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash = length > 0 ? strrchr(program, '/') : NULL;
    if (slash != NULL) *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const int wanted = snprintf(path, PATH_MAX, "%s%s%s", i == 0 ? "" : program, places[i], name);
        if (wanted < PATH_MAX && file_exists(path)) return true;
    }
    return false;
}
