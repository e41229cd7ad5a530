/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/history.h"

#include <math.h>
#include <stdlib.h>

/* The first check, and the smallest distance between checks, in frames; beyond, this share of the
 * run, as in docs/calibration.md. */
#define CHECK_FRAMES 100
#define CHECK_GROWTH 0.05

void
iw_history_init(iw_history *self)
{
    *self = (iw_history){.next = CHECK_FRAMES};
}

void
iw_history_fini(iw_history *self)
{
    free(self->points);
    self->points = NULL;
    self->n = 0;
}

void
iw_history_restart(iw_history *self)
{
    iw_history_fini(self);
    iw_history_init(self);
}

bool
iw_history_due(const iw_history *self, uint64_t frames)
{
    return frames >= self->next;
}

iw_status
iw_history_note(iw_history *self, uint64_t frames, double time_ps, const iw_diffusion *mobile,
                iw_error *err)
{
    self->next = frames + (uint64_t)fmax(CHECK_FRAMES, CHECK_GROWTH * (double)frames);
    if (!isfinite(mobile->D_cm2_s))
        return IW_OK;
    /* One by one: checks are rare, and what is held depends on their number alone. */
    iw_history_point *points = realloc(self->points, (self->n + 1) * sizeof *points);
    if (!points)
        return iw_fail(err, IW_NO_MEMORY, "no memory for point %zu of the history", self->n + 1);
    self->points = points;
    points[self->n++] = (iw_history_point){
        .time_ps = time_ps,
        .D_cm2_s = mobile->D_cm2_s,
        .stderr_cm2_s = mobile->stderr_cm2_s,
        .lower_cm2_s = mobile->ci95_cm2_s[0],
        .upper_cm2_s = mobile->ci95_cm2_s[1],
        .relative_error = mobile->D_cm2_s > 0 ? mobile->stderr_cm2_s / mobile->D_cm2_s : NAN};
    return IW_OK;
}

size_t
iw_history_memory(const iw_history *self)
{
    return self->n * sizeof *self->points;
}

void
iw_history_archive(iw_history *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_history_point, 48);
    IW_ARCHIVE_KNOWS(iw_history, 24);
    size_t n = self->n, values = sizeof(iw_history_point) / sizeof(double);
    iw_archive_tag(archive, "history", 1);
    iw_archive_u64(archive, &self->next);
    iw_archive_count(archive, &n, sizeof(iw_history_point), "points of the history");
    if (iw_archive_loading(archive) && n > 0) {
        self->points = malloc(n * sizeof *self->points);
        if (!self->points) {
            iw_archive_fail(archive, IW_NO_MEMORY, "no memory for a history of %zu points", n);
            return;
        }
        self->n = n;
    }
    for (size_t i = 0; i < self->n; i++)
        iw_archive_doubles(archive, &self->points[i].time_ps, values);
}
