/* Settings of libraries that read them from the environment while they are loaded, before any code of
 * ours runs: the program's own getenv takes the place of libc's in all of them, and answers for a
 * variable that is not set. */
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/* The sanitizers' libraries ask too, before those can check anything. */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))

static const struct {
    const char *name, *value;
    const char *instead; /* another variable that says the same: if it is set, it holds */
} defaults[] = {
    /* libgomp's threads spin for some milliseconds before they sleep.  When another process holds a
     * core, each of a network's hundred barriers then waits for a thread that cannot run: an evaluation
     * took up to 100 times as long.  A tenth of a millisecond serves a machine of our own as well. */
    {"GOMP_SPINCOUNT", "10000", "OMP_WAIT_POLICY"},
    /* OpenBLAS starts its threads at once, and tries for ever if it cannot have them (ulimit -v).  Its
     * sums would also depend on how many there are. */
    {"OPENBLAS_NUM_THREADS", "1", "GOTO_NUM_THREADS"},
};

/* What follows "name=" in the environment, or NULL. */
UNCHECKED static char *find(const char *name) {
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        size_t i = 0;
        while (name[i] != '\0' && (*entry)[i] == name[i]) i++;
        if (name[i] == '\0' && (*entry)[i] == '=') return *entry + i + 1;
    }
    return NULL;
}

UNCHECKED static int is_same(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) a++, b++;
    return *a == *b;
}

UNCHECKED char *getenv(const char *name) {
    char *value = find(name);
    for (size_t i = 0; value == NULL && i < sizeof defaults / sizeof *defaults; i++)
        if (is_same(name, defaults[i].name) && find(defaults[i].instead) == NULL)
            value = (char *)defaults[i].value;
    return value;
}
