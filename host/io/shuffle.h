/* A random order that is the same on every machine. */
#ifndef KAIROS_IO_SHUFFLE_H
#define KAIROS_IO_SHUFFLE_H

#include <stdint.h>

/* Puts the values into one of their count! orders, all equally likely over seeds (up to count / 2^64):
 * Fisher and Yates' shuffle (Knuth, TAOCP 2, algorithm 3.4.2 P).  Seeds count mod 2^32, as those of
 * noise do. */
void shuffle(int64_t *values, int64_t count, uint64_t seed);

#endif
