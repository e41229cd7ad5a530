/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "intake/notices.h"

#include <stdio.h>
#include <string.h>

/* The entry of this (who, what), else a free one, else the oldest. */
static size_t
find(const iw_notices *self, const char *who, const char *what, bool *known)
{
    size_t oldest = 0;
    for (size_t i = 0; i < self->n; i++) {
        *known = strncmp(self->items[i].who, who, sizeof self->items[i].who - 1) == 0 &&
                 strncmp(self->items[i].what, what, sizeof self->items[i].what - 1) == 0;
        if (*known)
            return i;
        if (self->items[i].at_s < self->items[oldest].at_s)
            oldest = i;
    }
    *known = false;
    return self->n < IW_NOTICES ? self->n : oldest;
}

bool
iw_notice(iw_notices *self, const char *who, const char *what, double now_s, uint64_t *silent)
{
    bool known;
    size_t at = find(self, who, what, &known);
    if (self->lines == 0 || now_s - self->minute_s >= 60) {
        self->minute_s = now_s;
        self->lines = 0;
    }
    if ((known && now_s - self->items[at].at_s < IW_NOTICE_AGAIN_S) ||
        self->lines >= IW_NOTICES_A_MINUTE) {
        self->silent++;
        return false;
    }
    if (at == self->n)
        self->n++;
    (void)snprintf(self->items[at].who, sizeof self->items[at].who, "%s", who);
    (void)snprintf(self->items[at].what, sizeof self->items[at].what, "%s", what);
    self->items[at].at_s = now_s;
    self->lines++;
    *silent = self->silent;
    self->silent = 0;
    return true;
}
