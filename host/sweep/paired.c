#include "sweep/paired.h"

#include <math.h>

Paired paired_differences(const double *a, const double *b, int count) {
    Paired paired = {count, NAN, NAN};
    double mean = 0, squares = 0;
    for (int i = 0; i < count; i++) mean += (a[i] - b[i]) / count;
    for (int i = 0; i < count; i++) squares += (a[i] - b[i] - mean) * (a[i] - b[i] - mean);
    if (count > 0) paired.mean = mean;
    if (count > 1) paired.standard_error = sqrt(squares / (count - 1) / count);
    return paired;
}

bool paired_differ(const Paired *paired) {
    return paired->count > 1 &&
           fabs(paired->mean) > student_quantile(paired->count - 1) * paired->standard_error;
}

double student_quantile(int degrees) {
    static const double table[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706,
                                   2.4469,  2.3646, 2.3060, 2.2622, 2.2281};
    if (degrees <= (int)(sizeof table / sizeof *table)) return table[degrees - 1];
    const double z = 1.959963984540054, z2 = z * z, v = degrees;
    const double first = z * (z2 + 1) / 4, second = z * ((5 * z2 + 16) * z2 + 3) / 96;
    const double third = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
    return z + (first + (second + third / v) / v) / v;
}
