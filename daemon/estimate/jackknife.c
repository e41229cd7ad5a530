/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/jackknife.h"

#include "constants.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Neighbours more alike than this are combined, as long as so many epochs are left. */
#define ALIKE 0.1
enum { FEW_EPOCHS = 8 };
/* The plateau: lags that grow by one part in GROWTH, a running integral that changes by no more
 * than CHANGE of its errors. */
#define CHANGE 2.0
enum { GROWTH = 4, MOST_STOPS = 80, FEWEST_FOR_PLATEAU = 8 };

/* The epochs in parts of `per` neighbours each; the last part takes what is left over. */
typedef struct {
    const iw_epoch_sums *sums;
    const double *rows; /* velocity or weighted */
    size_t per, n_parts;
    double all_frames, widen;           /* widen: variances are multiplied by it */
    double *total, *origins;            /* [n_lags] of all epochs */
    double *part, *part_origins, *last; /* [n_lags] work space */
} parts;

static void
add_rows(const double *rows, size_t from, size_t to, size_t n_lags, double *out)
{
    memset(out, 0, n_lags * sizeof *out);
    for (size_t e = from; e < to; e++)
        for (size_t n = 0; n < n_lags; n++)
            out[n] += rows[e * n_lags + n];
}

static size_t
part_end(const parts *self, size_t j)
{
    return j + 1 == self->n_parts ? self->sums->n_epochs : (j + 1) * self->per;
}

static double
frames_of(const parts *self, size_t j)
{
    double frames = 0;
    for (size_t e = j * self->per; e < part_end(self, j); e++)
        frames += self->sums->frames[e];
    return frames;
}

/* Sums of part j into part and part_origins. */
static void
take_part(const parts *self, size_t j)
{
    size_t from = j * self->per, to = part_end(self, j), n_lags = self->sums->n_lags;
    add_rows(self->rows, from, to, n_lags, self->part);
    add_rows(self->sums->origins, from, to, n_lags, self->part_origins);
}

/* Correlation of neighbouring parts, over all lags at once: of what each adds to the VACF, or, with
 * a taper, to the tapered VACF over its value at lag zero (by Parseval's theorem: to the spectrum
 * over its integral). */
static double
likeness(const parts *self, const double *taper)
{
    size_t n_lags = self->sums->n_lags;
    double squares = 0, products = 0;
    for (size_t j = 0; j < self->n_parts; j++) {
        take_part(self, j);
        for (size_t n = 0; n < n_lags; n++) {
            double expected = self->origins[n] > 0
                                  ? self->part_origins[n] * self->total[n] / self->origins[n]
                                  : 0;
            if (taper)
                expected = self->part[0] * self->total[n] / self->total[0];
            double excess = self->part[n] - expected;
            if (taper)
                excess *= taper[n];
            squares += excess * excess;
            products += j > 0 ? excess * self->last[n] : 0;
            self->last[n] = excess;
        }
    }
    double n = (double)self->n_parts;
    /* deviations from a common mean are correlated by -1/n on average */
    return squares > 0 ? products / squares * n / (n - 1) + 1 / n : 0;
}

static void
choose_parts(parts *self, const iw_epoch_sums *sums, const double *rows, const double *taper)
{
    self->sums = sums;
    self->rows = rows;
    self->all_frames = 0;
    for (size_t e = 0; e < sums->n_epochs; e++)
        self->all_frames += sums->frames[e];
    add_rows(rows, 0, sums->n_epochs, sums->n_lags, self->total);
    add_rows(sums->origins, 0, sums->n_epochs, sums->n_lags, self->origins);
    double alike = 0;
    for (self->per = 1;; self->per *= 2) {
        self->n_parts = sums->n_epochs / self->per;
        alike = likeness(self, taper);
        if (alike <= ALIKE || self->n_parts / 2 < FEW_EPOCHS)
            break;
    }
    self->widen = alike > ALIKE ? 1 + 2 * alike : 1; /* as far as they cannot be combined */
}

static void
vacf_errors(const parts *self, double *error)
{
    size_t n_lags = self->sums->n_lags;
    double *sum = error, *count = self->last;
    memset(sum, 0, n_lags * sizeof *sum);
    memset(count, 0, n_lags * sizeof *count);
    for (size_t j = 0; j < self->n_parts; j++) {
        take_part(self, j);
        for (size_t n = 0; n < n_lags; n++) {
            double own = self->part_origins[n], rest = self->origins[n] - own;
            if (!(own > 0) || !(rest > 0))
                continue;
            /* (1 - p)/p (x_(j) - x)^2 of a ratio of sums */
            double excess = self->part[n] - own * self->total[n] / self->origins[n];
            sum[n] += excess * excess / (own * rest);
            count[n] += 1;
        }
    }
    for (size_t n = 0; n < n_lags; n++)
        error[n] =
            count[n] >= IW_JACKKNIFE_FEWEST ? sqrt(self->widen * sum[n] / count[n]) : (double)NAN;
}

/* ---- Green-Kubo ---- */

/* Running integral without part j less that of all, cm^2/s, at every lag, into last; returns the
 * part's (1 - p)/p by its share of pairs over all lags. */
static double
change_of_integral(const parts *self, size_t j)
{
    size_t n_lags = self->sums->n_lags;
    double step = self->sums->dt_fs / 6 * IW_A2_FS_CM2_S, before = 0, integral = 0;
    double own_pairs = 0, pairs = 0;
    take_part(self, j);
    for (size_t n = 0; n < n_lags; n++) {
        double own = self->part_origins[n], rest = self->origins[n] - own, change = 0;
        if (rest > 0)
            change = (own * self->total[n] / self->origins[n] - self->part[n]) / rest;
        if (n > 0)
            integral += step * (before + change);
        self->last[n] = integral;
        before = change;
        own_pairs += own;
        pairs += self->origins[n];
    }
    return own_pairs > 0 ? (pairs - own_pairs) / own_pairs : 0;
}

/* Average of values over the lags from..to. */
static double
average(const double *values, size_t from, size_t to)
{
    double sum = 0;
    for (size_t n = from; n <= to; n++)
        sum += values[n];
    return sum / (double)(to - from + 1);
}

/* The earliest stop from which on the running integral does not change beyond its errors; n_stops
 * where there is none.  change[part][stop] weighs sqrt((1 - p)/p). */
static size_t
settled(const double *integral, double (*change)[MOST_STOPS], const size_t *stops, size_t n_stops,
        size_t n_parts, double widen)
{
    for (size_t a = 0; a + 1 < n_stops; a++) {
        bool still = true;
        for (size_t b = a + 1; b < n_stops && still; b++) {
            double variance = 0;
            for (size_t j = 0; j < n_parts; j++)
                variance += pow(change[j][b] - change[j][a], 2);
            variance *= widen / (double)n_parts;
            still = fabs(integral[stops[b]] - integral[stops[a]]) <= CHANGE * sqrt(variance);
        }
        if (still)
            return a;
    }
    return n_stops;
}

static void
find_plateau(const parts *self, iw_plateau *out)
{
    size_t n_lags = self->sums->n_lags, stops[MOST_STOPS], n_stops = 0;
    double change[IW_JACKKNIFE_MOST][MOST_STOPS], *integral = self->part;
    if (self->n_parts < FEWEST_FOR_PLATEAU)
        return;
    for (size_t lag = 1; n_stops < MOST_STOPS && lag < n_lags - 1;
         lag += (lag + GROWTH - 1) / GROWTH)
        stops[n_stops++] = lag;
    if (n_stops < MOST_STOPS)
        stops[n_stops++] = n_lags - 1;
    for (size_t j = 0; j < self->n_parts; j++) {
        double root = sqrt(change_of_integral(self, j));
        for (size_t s = 0; s < n_stops; s++)
            change[j][s] = root * self->last[stops[s]];
    }
    double step = self->sums->dt_fs / 6 * IW_A2_FS_CM2_S;
    integral[0] = 0;
    for (size_t n = 1; n < n_lags; n++)
        integral[n] = integral[n - 1] + step * (self->total[n] / self->origins[n] +
                                                self->total[n - 1] / self->origins[n - 1]);
    size_t stop = settled(integral, change, stops, n_stops, self->n_parts, self->widen);
    size_t from = stop < n_stops ? 2 * stops[stop] : n_lags;
    size_t to = from + from / 2;
    if (from > n_lags - 1)
        return;
    if (to > n_lags - 1)
        to = n_lags - 1;
    out->D_cm2_s = average(integral, from, to);
    out->lag_fs[0] = (double)from * self->sums->dt_fs;
    out->lag_fs[1] = (double)to * self->sums->dt_fs;
    double variance = 0;
    for (size_t j = 0; j < self->n_parts; j++) {
        double weight = change_of_integral(self, j);
        variance += weight * pow(average(self->last, from, to), 2);
    }
    out->stderr_cm2_s = sqrt(self->widen * variance / (double)self->n_parts);
}

static void
green_kubo_error(const parts *self, double *error)
{
    double variance = 0;
    for (size_t j = 0; j < self->n_parts; j++) {
        double weight = change_of_integral(self, j);
        variance += weight * pow(self->last[self->sums->n_lags - 1], 2);
    }
    *error = sqrt(self->widen * variance / (double)self->n_parts);
}

/* ---- spectra ---- */

static void
add_squares(iw_vibration *sum, const iw_vibration *x, const iw_vibration *mean, double weight)
{
    sum->omega_mean_meV += weight * pow(x->omega_mean_meV - mean->omega_mean_meV, 2);
    sum->omega30_mean_meV += weight * pow(x->omega30_mean_meV - mean->omega30_mean_meV, 2);
    sum->e_vib_meV += weight * pow(x->e_vib_meV - mean->e_vib_meV, 2);
    sum->f_vib_meV += weight * pow(x->f_vib_meV - mean->f_vib_meV, 2);
    sum->s_vib_meV_K += weight * pow(x->s_vib_meV_K - mean->s_vib_meV_K, 2);
    sum->c_v_meV_K += weight * pow(x->c_v_meV_K - mean->c_v_meV_K, 2);
}

static void
take_roots(iw_vibration *sum)
{
    *sum = (iw_vibration){sqrt(sum->omega_mean_meV), sqrt(sum->omega30_mean_meV),
                          sqrt(sum->e_vib_meV),      sqrt(sum->f_vib_meV),
                          sqrt(sum->s_vib_meV_K),    sqrt(sum->c_v_meV_K)};
}

/* Spectrum and descriptors of all epochs (j = n_parts) or without part j.  False: no spectrum. */
static bool
spectrum_without(const parts *self, const iw_spectrum_maker *maker, size_t j, double *g,
                 iw_vibration *vibration)
{
    size_t n_lags = self->sums->n_lags;
    double *vacf = self->part, *origins = self->part_origins;
    if (j < self->n_parts) {
        take_part(self, j);
    } else {
        memset(vacf, 0, n_lags * sizeof *vacf);
        memset(origins, 0, n_lags * sizeof *origins);
    }
    for (size_t n = 0; n < n_lags; n++) {
        double rest = self->origins[n] - origins[n];
        vacf[n] = rest > 0 ? (self->total[n] - vacf[n]) / rest : self->total[n] / self->origins[n];
    }
    /* The bias of all epochs: the first ones lack long lags, and leaving them out must not change
     * the weight of a lag. */
    if (iw_vdos_spectrum(maker->shape, vacf, self->origins, g, NULL) != IW_OK)
        return false;
    iw_vibration_compute(maker->energy_meV, g, n_lags, &maker->vibration, vibration);
    return true;
}

/* g, one[n_lags]: work space. */
static void
spectrum_errors(const parts *self, const iw_spectrum_maker *maker, double *g, double *one,
                iw_spectrum_errors *out)
{
    size_t n_lags = self->sums->n_lags;
    iw_vibration whole = {0}, without = {0}, sum = {0};
    bool known = spectrum_without(self, maker, self->n_parts, g, &whole);
    memset(out->vdos, 0, n_lags * sizeof *out->vdos);
    for (size_t j = 0; j < self->n_parts && known; j++) {
        known = spectrum_without(self, maker, j, one, &without);
        double frames = frames_of(self, j);
        double weight = self->widen * (self->all_frames - frames) / frames / (double)self->n_parts;
        for (size_t k = 0; k < n_lags; k++)
            out->vdos[k] += weight * (one[k] - g[k]) * (one[k] - g[k]);
        add_squares(&sum, &without, &whole, weight);
    }
    for (size_t k = 0; k < n_lags; k++)
        out->vdos[k] = known ? sqrt(out->vdos[k]) : (double)NAN;
    if (!known)
        return;
    take_roots(&sum);
    out->vibration = sum;
    out->spectrum_epochs = self->n_parts;
}

iw_status
iw_jackknife(const iw_epoch_sums *sums, const iw_spectrum_maker *maker, iw_spectrum_errors *out,
             iw_error *err)
{
    size_t n = sums->n_lags;
    const iw_vibration none = {NAN, NAN, NAN, NAN, NAN, NAN};
    *out = (iw_spectrum_errors){.vacf = out->vacf,
                                .D_green_kubo_cm2_s = NAN,
                                .plateau = {NAN, NAN, {NAN, NAN}},
                                .vdos = out->vdos,
                                .vibration = none};
    for (size_t k = 0; k < n; k++)
        out->vacf[k] = NAN;
    for (size_t k = 0; k < n && maker; k++)
        out->vdos[k] = NAN;
    if (sums->n_epochs < IW_JACKKNIFE_FEWEST || n < 2)
        return IW_OK;
    double *work = malloc(7 * n * sizeof *work);
    if (!work)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the errors of %zu lags", n);
    parts all = {.total = work,
                 .origins = work + n,
                 .part = work + 2 * n,
                 .part_origins = work + 3 * n,
                 .last = work + 4 * n};
    choose_parts(&all, sums, sums->velocity, NULL);
    out->epochs = all.n_parts;
    vacf_errors(&all, out->vacf);
    green_kubo_error(&all, &out->D_green_kubo_cm2_s);
    find_plateau(&all, &out->plateau);
    if (maker) {
        choose_parts(&all, sums, sums->weighted, iw_vdos_shape_taper(maker->shape));
        spectrum_errors(&all, maker, work + 5 * n, work + 6 * n, out);
    }
    free(work);
    return IW_OK;
}
