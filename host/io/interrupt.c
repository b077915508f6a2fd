#include "io/interrupt.h"

#include <signal.h>
#include <stddef.h>

static const struct {
    int number;
    const char *name;
} watched[] = {{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"}};

enum { WATCHED = sizeof watched / sizeof *watched };

static volatile sig_atomic_t caught; /* a signal's number; 0 = none */
static int depth;
static struct sigaction before[WATCHED];

static void note(int number) { caught = number; }

void interrupt_watch(void) {
    if (depth++ > 0) return;
    for (int i = 0; i < WATCHED; i++) {
        /* The second of them finds the default again. */
        struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART | SA_RESETHAND};
        sigemptyset(&action.sa_mask);
        sigaction(watched[i].number, NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) sigaction(watched[i].number, &action, NULL);
    }
}

void interrupt_unwatch(void) {
    if (--depth > 0) return;
    for (int i = 0; i < WATCHED; i++) sigaction(watched[i].number, &before[i], NULL);
}

const char *interrupt_name(void) {
    for (int i = 0; i < WATCHED; i++)
        if (caught == watched[i].number) return watched[i].name;
    return NULL;
}

bool interrupt_check(Error *error) {
    const char *name = interrupt_name();
    return name == NULL || fail(error, "stopped by %s", name);
}

void interrupt_end(void) {
    if (caught == 0) return;
    signal(caught, SIG_DFL);
    raise(caught);
}
