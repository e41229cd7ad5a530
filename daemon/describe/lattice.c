/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "describe/lattice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double LOWEST_A = 0.1, LONGEST_A = 1e5; /* heights and lengths of a cell */

static void
cross(const double a[3], const double b[3], double out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static double
dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

iw_status
iw_lattice_init(iw_lattice *self, const double cell_A[9], iw_error *err)
{
    double normal[3][3];
    memcpy(self->cell_A, cell_A, sizeof self->cell_A);
    const double *v[3] = {self->cell_A, self->cell_A + 3, self->cell_A + 6};
    for (size_t k = 0; k < 3; k++) {
        cross(v[(k + 1) % 3], v[(k + 2) % 3], normal[k]);
        self->length_A[k] = sqrt(dot(v[k], v[k]));
    }
    double volume = dot(v[0], normal[0]);
    self->volume_A3 = fabs(volume);
    for (size_t k = 0; k < 3; k++) {
        self->height_A[k] = self->volume_A3 / sqrt(dot(normal[k], normal[k]));
        if (!(self->height_A[k] >= LOWEST_A) || !(self->length_A[k] <= LONGEST_A))
            return iw_fail(err, IW_INVALID,
                           "the cell is singular: volume %g A3, height %g A and length %g A along "
                           "vector %zu (from %g to %g A are taken)",
                           self->volume_A3, self->height_A[k], self->length_A[k], k + 1, LOWEST_A,
                           LONGEST_A);
    }
    for (size_t k = 0; k < 3; k++) {
        const double *b = v[(k + 1) % 3], *c = v[(k + 2) % 3];
        double cosine = dot(b, c) / (self->length_A[(k + 1) % 3] * self->length_A[(k + 2) % 3]);
        self->angle_deg[k] = acos(fmin(1, fmax(-1, cosine))) * 180 / M_PI;
        for (size_t x = 0; x < 3; x++)
            self->inverse[3 * x + k] = normal[k][x] / volume;
    }
    return IW_OK;
}

void
iw_lattice_fractional(const iw_lattice *self, const double r_A[3], double f[3])
{
    for (size_t k = 0; k < 3; k++)
        f[k] = r_A[0] * self->inverse[k] + r_A[1] * self->inverse[3 + k] +
               r_A[2] * self->inverse[6 + k];
}

/* Into [0, 1): a tiny negative number would be folded to 1. */
static void
fold(double f[3])
{
    for (size_t k = 0; k < 3; k++) {
        f[k] -= floor(f[k]);
        if (f[k] >= 1)
            f[k] = 0;
    }
}

static size_t
bin_of(const iw_neighbours *self, const double f[3])
{
    size_t at = 0;
    for (size_t k = 0; k < 3; k++) {
        int bin = (int)(f[k] * self->bins[k]);
        bin = bin < self->bins[k] ? bin : self->bins[k] - 1;
        at = at * (size_t)self->bins[k] + (size_t)bin;
    }
    return at;
}

/* About two atoms in a bin. */
static size_t
choose_bins(iw_neighbours *self, size_t n)
{
    enum { MOST = 64 };
    double side = cbrt(2 * self->lattice->volume_A3 / (double)(n ? n : 1));
    size_t all = 1;
    for (size_t k = 0; k < 3; k++) {
        double wanted = floor(self->lattice->height_A[k] / side);
        self->bins[k] = wanted > MOST ? MOST : wanted < 1 ? 1 : (int)wanted;
        all *= (size_t)self->bins[k];
    }
    return all;
}

static void
sort_into_bins(iw_neighbours *self, const double *pos_A, const bool *member, size_t n, size_t all)
{
    double f[3];
    for (size_t i = 0; i < n; i++) {
        if (member && !member[i])
            continue;
        iw_lattice_fractional(self->lattice, pos_A + 3 * i, f);
        fold(f);
        self->first[bin_of(self, f) + 1]++;
    }
    for (size_t b = 0; b < all; b++)
        self->first[b + 1] += self->first[b];
    for (size_t i = n; i-- > 0;) { /* from the last, so that first ends where it began */
        if (member && !member[i])
            continue;
        iw_lattice_fractional(self->lattice, pos_A + 3 * i, f);
        fold(f);
        size_t at = --self->first[bin_of(self, f) + 1];
        memcpy(self->fractional + 3 * at, f, sizeof f);
        self->index[at] = i;
    }
    memmove(self->first, self->first + 1, all * sizeof *self->first);
    self->first[all] = self->n;
}

iw_status
iw_neighbours_init(iw_neighbours *self, const iw_lattice *lattice, const double *pos_A,
                   const bool *member, size_t n, iw_error *err)
{
    *self = (iw_neighbours){.lattice = lattice};
    for (size_t i = 0; i < n; i++)
        self->n += !member || member[i];
    size_t all = choose_bins(self, self->n);
    self->fractional = calloc(self->n + 1, 3 * sizeof *self->fractional);
    self->index = calloc(self->n + 1, sizeof *self->index);
    self->first = calloc(all + 2, sizeof *self->first);
    if (!self->fractional || !self->index || !self->first) {
        iw_neighbours_fini(self);
        return iw_fail(err, IW_NO_MEMORY, "no memory for the neighbours of %zu atoms", n);
    }
    sort_into_bins(self, pos_A, member, n, all);
    return IW_OK;
}

void
iw_neighbours_fini(iw_neighbours *self)
{
    free(self->fractional);
    free(self->index);
    free(self->first);
    *self = (iw_neighbours){0};
}

/* The atoms of one bin; image is the cell that it stands in. */
static void
look_at_bin(const iw_neighbours *self, size_t bin, const double f[3], const double image[3],
            size_t self_index, double radius_A, void (*each)(void *arg, double distance_A),
            void *arg)
{
    const double *cell = self->lattice->cell_A;
    bool home = image[0] == 0 && image[1] == 0 && image[2] == 0;
    for (size_t at = self->first[bin]; at < self->first[bin + 1]; at++) {
        double d[3], r[3];
        if (home && self->index[at] == self_index)
            continue;
        for (size_t k = 0; k < 3; k++)
            d[k] = self->fractional[3 * at + k] + image[k] - f[k];
        for (size_t x = 0; x < 3; x++)
            r[x] = d[0] * cell[x] + d[1] * cell[3 + x] + d[2] * cell[6 + x];
        double distance = sqrt(dot(r, r));
        if (distance <= radius_A)
            each(arg, distance);
    }
}

void
iw_neighbours_within(const iw_neighbours *self, const double r_A[3], size_t self_index,
                     double radius_A, void (*each)(void *arg, double distance_A), void *arg)
{
    double f[3], image[3];
    int low[3], high[3], at[3];
    iw_lattice_fractional(self->lattice, r_A, f);
    fold(f);
    for (size_t k = 0; k < 3; k++) {
        double reach = radius_A / self->lattice->height_A[k];
        low[k] = (int)floor((f[k] - reach) * self->bins[k]);
        high[k] = (int)floor((f[k] + reach) * self->bins[k]);
    }
    for (at[0] = low[0]; at[0] <= high[0]; at[0]++)
        for (at[1] = low[1]; at[1] <= high[1]; at[1]++)
            for (at[2] = low[2]; at[2] <= high[2]; at[2]++) {
                size_t bin = 0;
                for (size_t k = 0; k < 3; k++) {
                    image[k] = floor((double)at[k] / self->bins[k]);
                    bin = bin * (size_t)self->bins[k] +
                          (size_t)(at[k] - (int)image[k] * self->bins[k]);
                }
                look_at_bin(self, bin, f, image, self_index, radius_A, each, arg);
            }
}

static void
keep_least(void *arg, double distance_A)
{
    double *least = arg;
    if (!(*least <= distance_A))
        *least = distance_A;
}

double
iw_neighbours_nearest(const iw_neighbours *self, const double r_A[3], size_t self_index)
{
    double least = (double)NAN;
    if (self->n == 0)
        return least;
    double radius = cbrt(self->lattice->volume_A3 / (double)self->n);
    while (isnan(least)) { /* an image is there at last */
        iw_neighbours_within(self, r_A, self_index, radius, keep_least, &least);
        radius *= 1.5;
    }
    return least;
}
