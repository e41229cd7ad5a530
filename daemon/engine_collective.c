/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine_collective.c - sums over ions into a snapshot: motion of the mobile group as a whole,
 * charge MSD, conductivity both ways, Haven ratio. */
#include "engine_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A sum of charges beyond this share of the sum of their sizes is no rounding. */
#define NEUTRAL_SHARE 1e-4

iw_status
iw_engine_note_charges(iw_engine *self, iw_error *err)
{
    const iw_collective *c = &self->collective;
    if (!c->charge_e || fabs(c->total_e) <= NEUTRAL_SHARE * c->absolute_e)
        return IW_OK;
    iw_status status =
        iw_event_add(&self->events, IW_EVENT_not_neutral, true, 0, 0,
                     "the charges add up to %+.6g e, of %.6g e without their signs: the collective "
                     "conductivity depends on what is held still",
                     c->total_e, c->absolute_e);
    return status == IW_OK ? IW_OK : iw_fail(err, status, "no memory for an event");
}

/* The exact MSD of the charges, with its error, times a factor. */
static iw_status
estimate_curve(const iw_engine *self, const iw_displacements *moments,
               const iw_diffusion_options *options, double factor, iw_series *series,
               iw_diffusion *out, iw_error *err)
{
    const iw_msd_result *sums = &self->collective.result;
    size_t n = sums->n_lags;
    iw_status status = iw_series_alloc(series, n, true, err);
    if (status != IW_OK)
        return status;
    for (size_t k = 0; k < n; k++) {
        for (size_t a = 0; a < 3; a++)
            series->y[k] += sums->sum_A2[a * n + k] / sums->origins[k];
        series->x[k] = (double)k * moments->dt_fs / 1000.0;
    }
    iw_msd_curve curve = {.n_lags = n, .dt_fs = moments->dt_fs, .msd_A2 = series->y};
    out->stderr_A2 = series->e;
    status = iw_diffusion_estimate(moments, &curve, options, out, err);
    out->stderr_A2 = NULL;
    for (size_t k = 0; k < n; k++) {
        series->y[k] *= factor;
        series->e[k] *= factor;
    }
    return status;
}

/* One flow through the estimator of D.  It is one walker whose steps are sums over many ions: no
 * noise of single jumps.  One walker can hardly tell that its MSD is not straight yet, so its
 * window starts no earlier than that of the ions themselves, from_ps (NAN: not known).  series
 * (NULL but for the charges) gets the MSD times factor, with its error. */
static iw_status
estimate_flow(const iw_engine *self, size_t flow, double from_ps, double factor, iw_series *series,
              iw_diffusion *out, iw_error *err)
{
    unsigned short kind[IW_MAX_SPECIES + 2]; /* each flow is a species of its own */
    bool member[IW_MAX_SPECIES + 2] = {false};
    for (size_t f = 0; f < self->collective.n_flows; f++)
        kind[f] = (unsigned short)f;
    member[flow] = true;
    iw_diffusion_options options = self->options.diffusion;
    options.jump_length_A = 0;
    options.from_ps = isfinite(from_ps) ? from_ps : 0;
    double dt_fs = iw_trajectory_dt_fs(self->trajectory) * (double)self->stride;
    iw_displacements moments;
    iw_error reason; /* too few lags: every number is NAN, which is the answer */
    iw_status status = iw_displacements_init(&moments, &self->collective.moment_sums, kind, member,
                                             dt_fs, &reason);
    iw_diffusion_init(out);
    if (status == IW_OK)
        status = series ? estimate_curve(self, &moments, &options, factor, series, out, &reason)
                        : iw_diffusion_estimate(&moments, NULL, &options, out, &reason);
    iw_displacements_fini(&moments);
    return status == IW_NO_MEMORY ? iw_fail(err, status, "%s", reason.text) : IW_OK;
}

static iw_estimate
of_diffusion(const iw_diffusion *d)
{
    return (iw_estimate){d->D_cm2_s, d->stderr_cm2_s, {d->ci95_cm2_s[0], d->ci95_cm2_s[1]}};
}

/* *sum = sum_s D_s sum q^2 over the species that carry current: the mobile ones, and others that
 * were found to diffuse; the noise of a species in its cages stays out.  *from_ps is the latest
 * start of their windows. */
static iw_status
sum_carriers(const iw_engine *self, const iw_snapshot *snapshot, iw_transport *out,
             iw_estimate *sum, double *from_ps, iw_error *err)
{
    size_t n_species = self->groups.n_species, species = snapshot->n_groups - n_species, n = 0;
    iw_estimate *part = calloc(n_species, sizeof *part);
    if (!part)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu species", n_species);
    for (size_t s = 0; s < n_species; s++) {
        const iw_diffusion *d = &snapshot->groups[species + s].diffusion;
        double charge2_e2 = self->collective.charge2_e2[s];
        out->species[s].carrier = charge2_e2 > 0 && (self->groups.mobile[s] || d->diffusive);
        if (!out->species[s].carrier)
            continue;
        *from_ps = fmax(*from_ps, d->fit_ps[0]); /* NAN counts as none */
        iw_estimate D = of_diffusion(d);
        part[n++] = iw_estimate_scale(&D, charge2_e2);
    }
    *sum = iw_estimate_sum(part, n);
    free(part);
    return IW_OK;
}

static iw_status
fill_charges(const iw_engine *self, iw_snapshot *snapshot, iw_error *err)
{
    const iw_collective *c = &self->collective;
    iw_transport *out = &snapshot->transport;
    out->species = calloc(c->n_species, sizeof *out->species);
    if (!out->species)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu species", c->n_species);
    out->n_species = c->n_species;
    for (size_t s = 0; s < c->n_species; s++) {
        memcpy(out->species[s].name, self->run.species[s], sizeof out->species[s].name);
        out->species[s].charge_e = c->charge_e[s];
    }
    out->total_charge_e = c->total_e;
    out->volume_A3 = iw_collective_mean_volume_A3(c);
    out->collective = out->nernst_einstein = out->haven_ratio = iw_estimate_none;
    if (!c->msd) {
        iw_diffusion_init(&out->charge);
        return IW_OK;
    }
    iw_estimate self_sum = iw_estimate_none;
    double from_ps = 0;
    iw_status status = sum_carriers(self, snapshot, out, &self_sum, &from_ps, err);
    if (status == IW_OK)
        status = estimate_flow(self, 0, from_ps, c->scale_e2, &out->charge_msd, &out->charge, err);
    if (status != IW_OK)
        return status;
    iw_estimate D = of_diffusion(&out->charge);
    iw_estimate collective_sum = iw_estimate_scale(&D, c->scale_e2);
    double factor = iw_conductivity_factor(out->volume_A3, iw_engine_temperature_K(self));
    out->collective = iw_estimate_scale(&collective_sum, factor);
    out->nernst_einstein = iw_estimate_scale(&self_sum, factor);
    out->haven_ratio = iw_estimate_ratio(&self_sum, &collective_sum);
    return IW_OK;
}

iw_status
iw_engine_fill_transport(iw_engine *self, iw_snapshot *out, iw_error *err)
{
    iw_collective *c = &self->collective;
    iw_status status = c->moments ? iw_collective_query(c, err) : IW_OK;
    if (status == IW_OK && c->charge_e)
        status = fill_charges(self, out, err);
    for (size_t g = 0; g < out->n_groups && status == IW_OK; g++) {
        out->groups[g].has_collective = c->flow_of[g] != IW_NO_FLOW;
        if (!c->moments || !out->groups[g].has_collective)
            continue;
        iw_diffusion whole = {0};
        status = estimate_flow(self, c->flow_of[g], out->groups[g].diffusion.fit_ps[0], 1, NULL,
                               &whole, err);
        out->groups[g].D_collective = of_diffusion(&whole);
    }
    return status;
}
