/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "input.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

double
iw_clock_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void
iw_progress_start(iw_progress *self, const char *doing)
{
    double now_s = iw_clock_s();
    /* The first line comes after half a second: short work shows none. */
    *self = (iw_progress){
        .doing = doing, .started_s = now_s, .shown_s = now_s + 0.4, .on = isatty(2) == 1};
}

void
iw_progress_update(iw_progress *self, uint64_t frames, double share)
{
    enum { WIDTH = 30 };
    double now_s = self->on ? iw_clock_s() : 0;
    if (!self->on || now_s - self->shown_s < 0.1)
        return;
    self->shown_s = now_s;
    self->drawn = true;
    double spent_s = now_s - self->started_s;
    (void)fprintf(stderr, "\r\033[K%s ", self->doing);
    if (isfinite(share)) {
        int filled = (int)(share * WIDTH);
        (void)fprintf(stderr, "[%.*s%*s] %3.0f %% ", filled, "##############################",
                      WIDTH - filled, "", 100 * share);
    }
    (void)fprintf(stderr, " %llu frames, %.0f/s", (unsigned long long)frames,
                  (double)frames / spent_s);
    if (isfinite(share) && share > 0.02)
        (void)fprintf(stderr, ", %.0f s left", spent_s * (1 - share) / share);
    (void)fflush(stderr);
}

void
iw_progress_end(iw_progress *self)
{
    if (self->drawn)
        (void)fprintf(stderr, "\r\033[K");
    self->drawn = false;
}
