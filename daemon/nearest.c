/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nearest.h"

#include <stdbool.h>
#include <string.h>

/* Levenshtein distance, a swap of neighbours counting once; words longer than this are far. */
enum { WORD = 40 };

static size_t
distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t row[3][WORD + 1];
    if (n > WORD || m > WORD)
        return WORD;
    for (size_t j = 0; j <= m; j++)
        row[1][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[(i + 1) % 3], *last = row[i % 3], *before = row[(i + 2) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);
            size_t shift = (now[j - 1] < last[j] ? now[j - 1] : last[j]) + 1;
            now[j] = change < shift ? change : shift;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return row[(n + 1) % 3][m];
}

const char *
iw_nearest(const char *word, const char *const *names)
{
    const char *best = NULL;
    size_t least = strlen(word) / 3 + 2; /* a typing mistake or two, not another word */
    for (; *names; names++) {
        size_t d = distance(word, *names);
        bool begins = strlen(word) > 1 && strncmp(word, *names, strlen(word)) == 0;
        if (begins)
            d = 0;
        if (d < least) {
            least = d;
            best = *names;
        }
    }
    return best;
}
