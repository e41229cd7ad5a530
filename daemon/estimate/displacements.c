/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/displacements.h"

#include <stdlib.h>

static void
add_species(iw_displacements *self, const iw_moments_result *moments, size_t species)
{
    size_t n = self->n_lags;
    for (size_t k = 0; k < 3 * n; k++)
        self->axis_A2[k] += moments->sum_A2[species * 3 * n + k];
    for (size_t k = 0; k < n; k++)
        self->mean_A4[k] += moments->sum_A4[species * n + k];
    for (size_t e = 0; e < self->n_epochs; e++) {
        const double *sum = moments->epoch_sum_A2 + (e * moments->n_species + species) * 3 * n;
        for (size_t k = 0; k < n; k++)
            self->epoch_sum_A2[e * n + k] += sum[k] + sum[n + k] + sum[2 * n + k];
    }
}

static void
add_atoms(iw_displacements *self, const iw_moments_result *moments, const unsigned short *kind,
          const bool *member)
{
    size_t n = self->n_lags, filled = 0;
    for (size_t i = 0; i < moments->n_atoms; i++) {
        if (!member[kind[i]])
            continue;
        for (size_t k = 0; k < n; k++)
            self->atom_A2[filled * n + k] = moments->atom_sum_A2[i * n + k] / self->origins[k];
        filled++;
    }
}

iw_status
iw_displacements_init(iw_displacements *self, const iw_moments_result *moments,
                      const unsigned short *kind, const bool *member, double dt_fs, iw_error *err)
{
    size_t n = moments->n_lags, atoms = 0;
    *self = (iw_displacements){.dt_fs = dt_fs,
                               .n_segments = moments->n_segments,
                               .segment_frames = moments->segment_frames,
                               .n_lags = n,
                               .lag = moments->lag,
                               .stride = moments->stride,
                               .origins = moments->origins,
                               .n_epochs = moments->n_epochs,
                               .epoch_frames = moments->epoch_frames,
                               .epoch_origins = moments->epoch_origins};
    for (size_t i = 0; i < moments->n_atoms; i++)
        atoms += member[kind[i]] != 0;
    if (n == 0 || atoms == 0)
        return iw_fail(err, IW_INVALID, "no displacements: %zu lags, %zu atoms in the group", n,
                       atoms);
    double *block = calloc((5 + atoms + self->n_epochs) * n, sizeof *block);
    if (!block)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu lags of %zu atoms", n, atoms);
    self->atoms = atoms;
    self->mean_A2 = block;
    self->axis_A2 = block + n;
    self->mean_A4 = block + 4 * n;
    self->atom_A2 = block + 5 * n;
    self->epoch_sum_A2 = self->atom_A2 + atoms * n;
    for (size_t s = 0; s < moments->n_species; s++)
        if (member[s])
            add_species(self, moments, s);
    add_atoms(self, moments, kind, member);
    for (size_t k = 0; k < n; k++) {
        double pairs = (double)atoms * self->origins[k];
        for (size_t axis = 0; axis < 3; axis++) {
            self->axis_A2[axis * n + k] /= pairs;
            self->mean_A2[k] += self->axis_A2[axis * n + k];
        }
        self->mean_A4[k] /= pairs;
        for (size_t e = 0; e < self->n_epochs; e++)
            self->epoch_sum_A2[e * n + k] /= (double)atoms;
    }
    return IW_OK;
}

void
iw_displacements_fini(iw_displacements *self)
{
    free(self->mean_A2);
    *self = (iw_displacements){0};
}
