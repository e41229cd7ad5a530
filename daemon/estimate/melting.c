/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/melting.h"

#include "frame.h"
#include "trajectory/unwrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Least growth at each doubling of the lag: 2.5 and 2.2 in a liquid, 1 in a solid. */
#define GROWTH 1.5
/* Standard errors that the growth must exceed. */
#define GROWTH_SIGMA 3.0
/* An atom has left its place beyond this share of the distance of neighbours. */
#define LEFT 0.3
/* Atoms of a species below which their scatter tells no error. */
enum { FEW_ATOMS = 4 };
/* Atoms whose neighbours are looked for. */
enum { PROBES = 100 };

iw_status
iw_melting_init(iw_melting *self, size_t n_atoms, const double *mass_amu, const uint16_t *kind,
                const unsigned char *framework, iw_error *err)
{
    *self = (iw_melting){.neighbour_A = NAN};
    for (size_t i = 0; i < n_atoms; i++)
        self->n += framework[i] ? 1 : 0;
    size_t n = self->n;
    if (n == 0)
        return IW_OK;
    self->atom = malloc(n * sizeof *self->atom);
    self->kind = malloc(n * sizeof *self->kind);
    self->share = malloc(n * sizeof *self->share);
    self->sum = calloc(3 * n * (3 + IW_MELTING_WINDOWS), sizeof *self->sum);
    if (!self->atom || !self->kind || !self->share || !self->sum) {
        iw_melting_fini(self);
        return iw_fail(err, IW_NO_MEMORY, "no memory to watch a framework of %zu atoms", n);
    }
    self->anchor = self->sum + 3 * n;
    self->home = self->anchor + 3 * n;
    self->mean = self->home + 3 * n;
    double mass = 0.0;
    for (size_t i = 0, k = 0; i < n_atoms; i++) {
        if (!framework[i])
            continue;
        self->atom[k] = i;
        self->kind[k] = kind[i];
        self->share[k++] = mass_amu[i];
        mass += mass_amu[i];
    }
    for (size_t k = 0; k < n; k++)
        self->share[k] /= mass;
    return IW_OK;
}

void
iw_melting_fini(iw_melting *self)
{
    free(self->atom);
    free(self->kind);
    free(self->share);
    free(self->sum);
    *self = (iw_melting){0};
}

/* Squared length of d or of its shortest image among those around the nearest by fractions; zero
 * is left out where d is the atom itself. */
static double
shortest(const double d[3], const double *cell_A, const double inverse[9], bool itself)
{
    if (!cell_A)
        return itself ? INFINITY : d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    double whole[3], least = INFINITY;
    for (size_t k = 0; k < 3; k++)
        whole[k] = round(d[0] * inverse[k] + d[1] * inverse[3 + k] + d[2] * inverse[6 + k]);
    for (int image = 0; image < 27; image++) {
        const int at[3] = {image % 3 - 1, image / 3 % 3 - 1, image / 9 - 1};
        if (itself && image == 13)
            continue;
        double square = 0.0;
        for (size_t k = 0; k < 3; k++) {
            double r = d[k];
            for (size_t row = 0; row < 3; row++)
                r -= (whole[row] + at[row]) * cell_A[3 * row + k];
            square += r * r;
        }
        least = fmin(least, square);
    }
    return least;
}

void
iw_melting_measure(iw_melting *self, const double *raw_A, const double *cell_A)
{
    double inverse[9], volume_A3, sum = 0.0;
    if (cell_A && !iw_cell_invert(cell_A, inverse, &volume_A3))
        cell_A = NULL;
    size_t probes = self->n < PROBES ? self->n : PROBES, found = 0;
    for (size_t p = 0; p < probes; p++) {
        size_t one = p * self->n / probes;
        double least = INFINITY;
        for (size_t other = 0; other < self->n; other++) {
            double d[3];
            for (size_t k = 0; k < 3; k++)
                d[k] = raw_A[3 * self->atom[other] + k] - raw_A[3 * self->atom[one] + k];
            least = fmin(least, shortest(d, cell_A, inverse, one == other));
        }
        if (isfinite(least) && least > 0.0) {
            sum += sqrt(least);
            found++;
        }
    }
    self->neighbour_A = found ? sum / (double)found : NAN;
}

void
iw_melting_restart(iw_melting *self)
{
    if (self->n == 0)
        return;
    memset(self->sum, 0, 6 * self->n * sizeof *self->sum); /* and anchor */
    self->sum_square = 0.0;
    self->frames = self->windows = 0;
}

void
iw_melting_push(iw_melting *self, const double *pos_A)
{
    double centre[3] = {0.0, 0.0, 0.0};
    for (size_t i = 0; i < self->n; i++) {
        const double *r = pos_A + 3 * self->atom[i];
        for (size_t k = 0; k < 3; k++)
            centre[k] += self->share[i] * r[k];
    }
    double square = 0.0;
    for (size_t i = 0; i < self->n; i++) {
        const double *r = pos_A + 3 * self->atom[i];
        for (size_t k = 0; k < 3; k++) {
            double d = r[k] - centre[k] - self->anchor[3 * i + k];
            self->sum[3 * i + k] += d;
            square += d * d;
        }
    }
    self->sum_square += square;
    self->frames++;
}

static const double *
mean_of(const iw_melting *self, size_t window)
{
    return self->mean + 3 * self->n * (window % IW_MELTING_WINDOWS);
}

static double
square_distance(const double *one, const double *other)
{
    double x = one[0] - other[0], y = one[1] - other[1], z = one[2] - other[2];
    return x * x + y * y + z * z;
}

/* Sums over the atoms of a species, or of all. */
typedef struct {
    double atoms, lag[3], growth_square, displaced;
} walk_sums;

static void
add(walk_sums *to, const double lag[3], double displaced)
{
    double growth = lag[2] - lag[0];
    to->atoms += 1.0;
    for (size_t k = 0; k < 3; k++)
        to->lag[k] += lag[k];
    to->growth_square += growth * growth;
    to->displaced += displaced;
}

static double
growth_error(const walk_sums *s)
{
    double mean = (s->lag[2] - s->lag[0]) / s->atoms;
    double variance = s->growth_square / s->atoms - mean * mean;
    return s->atoms > 1.0 ? sqrt(fmax(0.0, variance) / (s->atoms - 1.0)) : 0.0;
}

static bool
grows(const walk_sums *s)
{
    return s->lag[1] > GROWTH * s->lag[0] && s->lag[2] > GROWTH * s->lag[1] &&
           (s->atoms < FEW_ATOMS ||
            (s->lag[2] - s->lag[0]) / s->atoms > GROWTH_SIGMA * growth_error(s));
}

/* Mean square distance of the means of the windows kept from their own mean, of all atoms. */
static double
between_A2(const iw_melting *self, size_t kept)
{
    double total = 0.0, windows = (double)kept;
    for (size_t i = 0; i < 3 * self->n; i++) {
        double from = mean_of(self, self->windows - 1)[i], sum = 0.0, square = 0.0;
        for (size_t w = 0; w < kept; w++) {
            double d = mean_of(self, w)[i] - from; /* the order does not matter */
            sum += d;
            square += d * d;
        }
        total += square / windows - sum * sum / (windows * windows);
    }
    return total / (double)self->n;
}

static void
look(const iw_melting *self, iw_melting_view *view)
{
    walk_sums all = {0}, by_kind[IW_MAX_SPECIES];
    memset(by_kind, 0, sizeof by_kind);
    size_t last = self->windows - 1;
    const double *now = mean_of(self, last);
    const double *before[3] = {mean_of(self, last - 1), mean_of(self, last - 2),
                               mean_of(self, last - IW_MELTING_LAG)};
    for (size_t i = 0; i < self->n; i++) {
        double lag[3];
        for (size_t k = 0; k < 3; k++)
            lag[k] = square_distance(now + 3 * i, before[k] + 3 * i);
        double displaced = square_distance(now + 3 * i, self->home + 3 * i);
        add(&all, lag, displaced);
        add(&by_kind[self->kind[i]], lag, displaced);
    }
    size_t kept = self->windows < IW_MELTING_WINDOWS ? self->windows : IW_MELTING_WINDOWS;
    double n = all.atoms, left_A2 = LEFT * LEFT * self->neighbour_A * self->neighbour_A;
    view->windows = kept;
    view->mean_square_A2 = between_A2(self, kept);
    for (size_t w = 0; w < kept; w++)
        view->mean_square_A2 += self->inside_A2[w] / (double)kept;
    view->ratio = sqrt(view->mean_square_A2) / self->neighbour_A;
    view->displaced_A2 = all.displaced / n;
    for (size_t k = 0; k < 3; k++)
        view->lag_A2[k] = all.lag[k] / n;
    const double lags = 6.0 * (IW_MELTING_LAG - 1);
    view->D_A2_window = (view->lag_A2[2] - view->lag_A2[0]) / lags;
    view->D_error_A2_window = growth_error(&all) / lags;
    view->grows = grows(&all);
    view->all_grow = view->grows;
    for (size_t s = 0; s < IW_MAX_SPECIES; s++) {
        const walk_sums *one = &by_kind[s];
        if (one->atoms > 0.0 && !(grows(one) && one->displaced / one->atoms > left_A2))
            view->all_grow = false;
    }
}

bool
iw_melting_close(iw_melting *self, iw_melting_view *view)
{
    if (self->n == 0 || self->frames == 0)
        return false;
    double *mean = self->mean + 3 * self->n * (self->windows % IW_MELTING_WINDOWS);
    double frames = (double)self->frames, square = 0.0;
    for (size_t k = 0; k < 3 * self->n; k++) {
        double moved = self->sum[k] / frames;
        square += moved * moved;
        self->anchor[k] += moved;
        self->sum[k] = 0.0;
    }
    memcpy(mean, self->anchor, 3 * self->n * sizeof *mean);
    self->inside_A2[self->windows % IW_MELTING_WINDOWS] =
        fmax(0.0, (self->sum_square / frames - square) / (double)self->n);
    if (self->windows == 0)
        memcpy(self->home, mean, 3 * self->n * sizeof *mean);
    self->sum_square = 0.0;
    self->frames = 0;
    self->windows++;
    if (self->windows <= IW_MELTING_LAG)
        return false;
    look(self, view);
    return true;
}
