/* The known name nearest to a misspelt one, for messages. */
#ifndef KAIROS_IO_NEAREST_H
#define KAIROS_IO_NEAREST_H

typedef struct {
    const char *name; /* NULL: nothing near enough yet */
    int distance;
} Nearest;

/* Offers a candidate for the text `wanted`; keeps it if it is nearer than the best so far and its edit
 * distance (insertions, deletions, substitutions, swaps of neighbours) is at most a third of the
 * wanted length, or 1.  - and _ are the same.  Begin with Nearest best = {0}. */
void nearest_offer(Nearest *best, const char *wanted, const char *candidate);

/* " (did you mean PREFIXname?)", or "" if there is none.  Written into `text`, which it returns. */
const char *nearest_question(const Nearest *best, const char *prefix, char text[128]);

#endif
