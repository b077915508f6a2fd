/* 16-bit floating-point numbers as bits. */
#ifndef KAIROS_IO_HALF_H
#define KAIROS_IO_HALF_H

#include <stdint.h>

float half_to_float(uint16_t bits);     /* IEEE 754 binary16; exact */
float bfloat16_to_float(uint16_t bits); /* the upper half of a binary32; exact */

#endif
