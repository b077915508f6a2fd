// How long an idle OpenMP thread spins before it sleeps.
#include <stdlib.h>
#include <unistd.h>

// libgomp's default is some milliseconds of spinning.  When another process holds a core, each of a
// network's hundred barriers then waits for a thread that cannot run: an evaluation took up to 100
// times as long.  A tenth of a millisecond serves a machine of our own as well.  libgomp reads the
// setting when it is loaded, before any code of ours, so the program starts over with it.
__attribute__((constructor)) static void limit_spinning(int, char **arguments, char **) {
    if (getenv("GOMP_SPINCOUNT") != NULL || getenv("OMP_WAIT_POLICY") != NULL) return;
    if (setenv("GOMP_SPINCOUNT", "10000", 1) == 0) execv("/proc/self/exe", arguments);
}
