/* SIGINT, SIGTERM and SIGHUP during long work: it stops soon, keeps what is done and says how to
 * resume, and then the program ends by the signal, so that a shell or a queue of jobs sees why.  A
 * second one ends it at once, as does one outside of such work. */
#ifndef KAIROS_IO_INTERRUPT_H
#define KAIROS_IO_INTERRUPT_H

#include <stdbool.h>

#include "error.h"

/* Around work that looks for a signal now and then; may be nested.  A signal that is ignored (nohup)
 * stays so. */
void interrupt_watch(void);
void interrupt_unwatch(void);

/* The name of the signal that has come, "SIGINT"; NULL = none. */
const char *interrupt_name(void);

/* No signal has come; else false, with `error` "stopped by SIGINT". */
bool interrupt_check(Error *error);

/* At the program's end: ends it by the signal that has come, if one has. */
void interrupt_end(void);

#endif
