#include "io/half.h"

#include <math.h>
#include <string.h>

static float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float half_to_float(uint16_t bits) {
    uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    uint32_t exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
    if (exponent == 0) { /* zero and subnormals: fraction * 2^-24 */
        float value = ldexpf((float)fraction, -24);
        return sign ? -value : value;
    }
    uint32_t wide = exponent == 0x1f ? 0xff : exponent + (127 - 15);
    return float_of_bits(sign | wide << 23 | fraction << 13);
}

float bfloat16_to_float(uint16_t bits) { return float_of_bits((uint32_t)bits << 16); }
