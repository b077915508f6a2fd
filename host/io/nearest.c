#include "io/nearest.h"

#include <stdio.h>
#include <string.h>

enum { LONGEST = 63 };

static int minimum(int a, int b) { return a < b ? a : b; }

static char folded(char c) { return c == '-' ? '_' : c; }

/* Optimal string alignment distance; both texts at most LONGEST bytes. */
static int edit_distance(const char *a, const char *b) {
    int rows[3][LONGEST + 1];
    int n = (int)strlen(a), m = (int)strlen(b);
    int *before = rows[0], *above = rows[1], *row = rows[2];
    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int *spare = before;
        before = above, above = row, row = spare;
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int different = folded(a[i - 1]) != folded(b[j - 1]);
            row[j] = minimum(above[j - 1] + different, 1 + minimum(above[j], row[j - 1]));
            if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
                folded(a[i - 2]) == folded(b[j - 1]))
                row[j] = minimum(row[j], before[j - 2] + 1);
        }
    }
    return row[m];
}

void nearest_offer(Nearest *best, const char *wanted, const char *candidate) {
    size_t length = strlen(wanted);
    if (length > LONGEST || strlen(candidate) > LONGEST) return;
    int distance = edit_distance(wanted, candidate);
    int allowed = length >= 6 ? (int)length / 3 : 1;
    if (distance > allowed || (best->name != NULL && best->distance <= distance)) return;
    best->name = candidate;
    best->distance = distance;
}

const char *nearest_question(const Nearest *best, const char *prefix, char text[128]) {
    if (best->name == NULL)
        text[0] = '\0';
    else
        snprintf(text, 128, " (did you mean %s%.63s?)", prefix, best->name);
    return text;
}
