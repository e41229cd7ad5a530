/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums of the charges by species; false where every charge is zero: MD codes that carry a charge
 * for every atom leave it so when their model has none. */
static bool
sum_charges(iw_collective *self, const iw_run_info *run, const iw_groups *groups)
{
    double all_e2 = 0, mobile_e2 = 0;
    for (size_t i = run->n_atoms; i-- > 0;)
        self->charge_e[run->kind[i]] = run->charge_e[i]; /* of the first atom */
    double mean_e[IW_MAX_SPECIES] = {0};
    for (size_t i = 0; i < run->n_atoms; i++) {
        size_t s = run->kind[i];
        double q = run->charge_e[i];
        /* from the first one on: the mean of equal charges is exactly theirs */
        mean_e[s] += (q - self->charge_e[s]) / (double)groups->atoms[s];
        self->charge2_e2[s] += q * q;
        self->total_e += q;
        self->absolute_e += fabs(q);
        all_e2 += q * q;
        mobile_e2 += groups->mobile[s] ? q * q : 0;
    }
    for (size_t s = 0; s < run->n_species; s++)
        self->charge_e[s] += mean_e[s];
    self->scale_e2 = mobile_e2 > 0 ? mobile_e2 : all_e2;
    return all_e2 > 0;
}

/* Where every species is mobile the sum over the group is the motion of the run as a whole, which
 * is held still or has no meaning: no flow. */
static void
assign_flows(iw_collective *self, const iw_groups *groups)
{
    size_t species = groups->n_groups - groups->n_species, mobile = 1;
    self->n_flows = self->charge_e ? 1 : 0;
    for (size_t g = 0; g < groups->n_groups; g++)
        self->flow_of[g] = IW_NO_FLOW;
    if (groups->n_mobile == 0 || groups->n_mobile == groups->n_species)
        return;
    self->flow_of[mobile] = self->n_flows++;
    for (size_t s = 0; s < groups->n_species; s++) {
        if (groups->mobile[s]) /* one that is alone is the group */
            self->flow_of[species + s] =
                groups->n_mobile == 1 ? self->flow_of[mobile] : self->n_flows++;
    }
}

static void
set_weights(iw_collective *self, const iw_run_info *run, const iw_groups *groups)
{
    for (size_t i = 0; i < run->n_atoms && self->charge_e && run->charge_e; i++)
        self->weight[i] = run->charge_e[i] / sqrt(self->scale_e2);
    for (size_t g = 0; g < groups->n_groups; g++) {
        const iw_group *group = &groups->groups[g];
        if (self->flow_of[g] == IW_NO_FLOW)
            continue;
        double *weight = self->weight + self->flow_of[g] * run->n_atoms;
        for (size_t i = 0; i < run->n_atoms; i++)
            weight[i] = group->member[run->kind[i]] ? 1 / sqrt((double)group->atoms) : 0;
    }
}

iw_status
iw_collective_init(iw_collective *self, const iw_run_info *run, const iw_groups *groups,
                   iw_error *err)
{
    *self = (iw_collective){.n_species = run->n_species, .n_atoms = run->n_atoms};
    self->flow_of = calloc(groups->n_groups, sizeof *self->flow_of);
    if (run->charge_e) {
        self->charge_e = calloc(run->n_species, sizeof *self->charge_e);
        self->charge2_e2 = calloc(run->n_species, sizeof *self->charge2_e2);
    }
    if (!self->flow_of || (run->charge_e && (!self->charge_e || !self->charge2_e2)))
        goto no_memory;
    if (run->charge_e && !sum_charges(self, run, groups)) {
        free(self->charge_e);
        free(self->charge2_e2);
        self->charge_e = self->charge2_e2 = NULL;
    }
    assign_flows(self, groups);
    self->weight = calloc(self->n_flows * run->n_atoms + 1, sizeof *self->weight);
    self->sums = calloc(3 * self->n_flows + 1, sizeof *self->sums);
    if (!self->weight || !self->sums)
        goto no_memory;
    set_weights(self, run, groups);
    return IW_OK;

no_memory:
    iw_collective_fini(self);
    return iw_fail(err, IW_NO_MEMORY, "no memory for the sums over %zu atoms", run->n_atoms);
}

void
iw_collective_fini(iw_collective *self)
{
    iw_msd_destroy(&self->msd);
    iw_moments_destroy(&self->moments);
    iw_moments_result_fini(&self->moment_sums);
    iw_msd_result_fini(&self->result);
    free(self->weight);
    free(self->charge_e);
    free(self->charge2_e2);
    free(self->flow_of);
    free(self->sums);
    *self = (iw_collective){0};
}

iw_status
iw_collective_begin(iw_collective *self, iw_error *err)
{
    if (self->n_flows == 0)
        return IW_OK;
    unsigned short kind[IW_MAX_SPECIES + 2]; /* each flow is a species of its own */
    for (size_t f = 0; f < self->n_flows; f++)
        kind[f] = (unsigned short)f;
    iw_moments_options moments = {
        .n_atoms = self->n_flows, .n_species = self->n_flows, .kind = kind};
    iw_msd_options charge = {.n_atoms = 1, .n_species = 1, .kind = kind};
    self->moments = iw_moments_new(&moments, err);
    if (self->moments && self->charge_e)
        self->msd = iw_msd_new(&charge, err);
    if (self->moments && (self->msd || !self->charge_e))
        return IW_OK;
    iw_moments_destroy(&self->moments);
    return IW_NO_MEMORY;
}

void
iw_collective_clear(iw_collective *self)
{
    iw_msd_destroy(&self->msd);
    iw_moments_destroy(&self->moments);
    self->volume_A3 = (iw_sum){0};
    self->volumes = 0;
}

void
iw_collective_volume(iw_collective *self, double volume_A3)
{
    if (isnan(volume_A3))
        return;
    iw_sum_add(&self->volume_A3, volume_A3);
    self->volumes++;
}

iw_status
iw_collective_push(iw_collective *self, const double *pos_A, iw_error *err)
{
    if (!self->moments)
        return IW_OK;
    for (size_t f = 0; f < self->n_flows; f++) {
        const double *weight = self->weight + f * self->n_atoms;
        double x = 0, y = 0, z = 0;
        for (size_t i = 0; i < self->n_atoms; i++) {
            x += weight[i] * pos_A[3 * i];
            y += weight[i] * pos_A[3 * i + 1];
            z += weight[i] * pos_A[3 * i + 2];
        }
        self->sums[3 * f] = x;
        self->sums[3 * f + 1] = y;
        self->sums[3 * f + 2] = z;
    }
    iw_status status = self->msd ? iw_msd_push(self->msd, self->sums, err) : IW_OK;
    return status == IW_OK ? iw_moments_push(self->moments, self->sums, err) : status;
}

iw_status
iw_collective_break(iw_collective *self, iw_error *err)
{
    if (!self->moments || iw_moments_frames(self->moments) == 0)
        return IW_OK;
    iw_status status = self->msd ? iw_msd_break(self->msd, err) : IW_OK;
    return status == IW_OK ? iw_moments_break(self->moments, err) : status;
}

iw_status
iw_collective_query(iw_collective *self, iw_error *err)
{
    iw_status status = self->msd ? iw_msd_query(self->msd, &self->result, err) : IW_OK;
    return status == IW_OK ? iw_moments_query(self->moments, &self->moment_sums, err) : status;
}

double
iw_collective_mean_volume_A3(const iw_collective *self)
{
    return self->volumes > 0 ? iw_sum_value(&self->volume_A3) / self->volumes : NAN;
}

size_t
iw_collective_memory(const iw_collective *self)
{
    size_t held = self->n_flows * (self->n_atoms + 3) * sizeof(double);
    if (self->msd)
        held += iw_msd_memory(self->msd);
    if (self->moments)
        held += iw_moments_memory(self->moments);
    return held;
}

void
iw_collective_archive(iw_collective *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_collective, 320);
    iw_archive_tag(archive, "collective", 1);
    iw_archive_double(archive, &self->volume_A3.hi);
    iw_archive_double(archive, &self->volume_A3.lo);
    iw_archive_double(archive, &self->volumes);
    if (self->moments)
        iw_moments_archive(self->moments, archive);
    if (self->msd)
        iw_msd_archive(self->msd, archive);
}
