/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshot.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The count lives outside the public struct: readers see values only. */
typedef struct {
    iw_snapshot values;
    atomic_uint references;
} counted;

iw_snapshot *
iw_snapshot_new(void)
{
    counted *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    atomic_init(&self->references, 1);
    iw_snapshot *s = &self->values;
    s->dt_fs = s->msd_dt_fs = s->time_ps = NAN;
    s->temperature_K = s->temperature_measured_K = NAN;
    s->vacf_window_ps = s->paper_spacing_fs = s->cutoff_meV = s->target = NAN;
    iw_convergence_init(&s->convergence, "nothing is known");
    iw_health_init(&s->health);
    s->equilibration.skipped_ps = s->equilibration.averaged_ps = NAN;
    s->equilibration.detected_ps = NAN;
    return s;
}

iw_status
iw_series_alloc(iw_series *series, size_t n, bool with_errors, iw_error *err)
{
    series->x = calloc(n, sizeof(double));
    series->y = calloc(n, sizeof(double));
    series->e = with_errors ? calloc(n, sizeof(double)) : NULL;
    series->n = n;
    if (series->x && series->y && (series->e || !with_errors))
        return IW_OK;
    return iw_fail(err, IW_NO_MEMORY, "no memory for a series of %zu values", n);
}

static void
series_fini(iw_series *series)
{
    free(series->x);
    free(series->y);
    free(series->e);
}

iw_snapshot *
iw_snapshot_ref(iw_snapshot *self)
{
    atomic_fetch_add_explicit(&((counted *)self)->references, 1, memory_order_relaxed);
    return self;
}

void
iw_snapshot_unref(iw_snapshot **self)
{
    if (!self || !*self)
        return;
    iw_snapshot *s = *self;
    *self = NULL;
    if (atomic_fetch_sub_explicit(&((counted *)s)->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t g = 0; g < s->n_groups; g++) {
        series_fini(&s->groups[g].msd);
        series_fini(&s->groups[g].vacf);
        series_fini(&s->groups[g].vdos);
        series_fini(&s->groups[g].vdos_paper);
    }
    series_fini(&s->transport.charge_msd);
    free(s->transport.species);
    free(s->groups);
    free(s->name);
    free(s->code);
    free(s->code_version);
    free(s->mobile);
    free(s->history);
    free(s->traces);
    free(s->events);
    free(s);
}

const iw_group_snapshot *
iw_snapshot_group(const iw_snapshot *self, const char *name)
{
    for (size_t g = 0; g < self->n_groups; g++) {
        if (strcmp(self->groups[g].name, name) == 0)
            return &self->groups[g];
    }
    return NULL;
}
