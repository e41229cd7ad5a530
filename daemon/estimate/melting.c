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
/* Atoms of a species below which their scatter tells nothing. */
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
    self->share = calloc(n, sizeof *self->share); /* all are set below */
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

enum { LAGS = 3, PLACES = LAGS + 1 }; /* the last one: home */

/* Sums over the atoms of a species, or of all. */
typedef struct {
    double atoms, square[PLACES], shift[PLACES][3], growth_square;
} walk_sums;

static void
add(walk_sums *to, const double *now, const double *const from[PLACES])
{
    double square[PLACES];
    for (size_t p = 0; p < PLACES; p++) {
        square[p] = 0.0;
        for (size_t k = 0; k < 3; k++) {
            double d = now[k] - from[p][k];
            square[p] += d * d;
            to->shift[p][k] += d;
        }
        to->square[p] += square[p];
    }
    double growth = square[LAGS - 1] - square[0];
    to->atoms += 1.0;
    to->growth_square += growth * growth;
}

static double
growth_error(const walk_sums *s)
{
    double mean = (s->square[LAGS - 1] - s->square[0]) / s->atoms;
    double variance = s->growth_square / s->atoms - mean * mean;
    return s->atoms > 1.0 ? sqrt(fmax(0.0, variance) / (s->atoms - 1.0)) : 0.0;
}

/* Mean square displacement without that of the species as a whole. */
static double
among(const walk_sums *s, size_t place)
{
    double whole = 0.0;
    for (size_t k = 0; k < 3; k++)
        whole += s->shift[place][k] * s->shift[place][k];
    return (s->square[place] - whole / s->atoms) / s->atoms;
}

static bool
grows(const walk_sums *s)
{
    double first = among(s, 0), second = among(s, 1), third = among(s, 2);
    return second > GROWTH * first && third > GROWTH * second &&
           third - first > GROWTH_SIGMA * growth_error(s);
}

/* Every species that has the atoms to tell grows and has left its place; where none has, all
 * together. */
static bool
all_grow(const walk_sums *all, const walk_sums *by_kind, double left_A2)
{
    bool asked = false;
    for (size_t s = 0; s < IW_MAX_SPECIES; s++) {
        const walk_sums *one = &by_kind[s];
        if (one->atoms < FEW_ATOMS)
            continue;
        asked = true;
        if (!grows(one) || among(one, LAGS) <= left_A2)
            return false;
    }
    return asked || among(all, LAGS) > left_A2;
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
    const double *before[LAGS] = {mean_of(self, last - 1), mean_of(self, last - 2),
                                  mean_of(self, last - IW_MELTING_LAG)};
    for (size_t i = 0; i < 3 * self->n; i += 3) {
        const double *from[PLACES] = {before[0] + i, before[1] + i, before[2] + i, self->home + i};
        add(&all, now + i, from);
        add(&by_kind[self->kind[i / 3]], now + i, from);
    }
    size_t kept = self->windows < IW_MELTING_WINDOWS ? self->windows : IW_MELTING_WINDOWS;
    double n = all.atoms, left_A2 = LEFT * LEFT * self->neighbour_A * self->neighbour_A;
    view->windows = kept;
    view->mean_square_A2 = between_A2(self, kept);
    for (size_t w = 0; w < kept; w++)
        view->mean_square_A2 += self->inside_A2[w] / (double)kept;
    view->ratio = sqrt(view->mean_square_A2) / self->neighbour_A;
    for (size_t k = 0; k < LAGS; k++)
        view->lag_A2[k] = all.square[k] / n;
    view->displaced_A2 = all.square[LAGS] / n;
    const double lags = 6.0 * (IW_MELTING_LAG - 1);
    view->D_A2_window = (view->lag_A2[LAGS - 1] - view->lag_A2[0]) / lags;
    view->D_error_A2_window = growth_error(&all) / lags;
    view->grows = grows(&all);
    view->all_grow = view->grows && all_grow(&all, by_kind, left_A2);
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

void
iw_melting_archive(iw_melting *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_melting, 168);
    iw_archive_tag(archive, "melting", 1);
    iw_archive_same(archive, self->n, "atoms of the framework");
    iw_archive_double(archive, &self->neighbour_A);
    iw_archive_size(archive, &self->frames);
    iw_archive_size(archive, &self->windows);
    iw_archive_double(archive, &self->sum_square);
    size_t numbers = 3 * self->n;
    size_t kept = self->windows < IW_MELTING_WINDOWS ? self->windows : IW_MELTING_WINDOWS;
    iw_archive_doubles(archive, self->inside_A2, kept);
    if (numbers == 0)
        return;
    iw_archive_doubles(archive, self->sum, numbers);
    iw_archive_doubles(archive, self->anchor, numbers);
    if (kept > 0)
        iw_archive_doubles(archive, self->home, numbers);
    iw_archive_doubles(archive, self->mean, kept * numbers);
}
