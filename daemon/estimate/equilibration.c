/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/equilibration.h"

#include "estimate/trend.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

enum {
    GROUP_FRAMES = 5,  /* the 5 of MSER-5 */
    LEAST_GROUPS = 20, /* below, a sign is not judged */
    LEAST_REST = 10,   /* groups, and ... */
    REST_SHARE = 10,   /* ... a tenth of them, that the settled part has at least */
    LEAST_BLOCKS = 8   /* the longest blocks whose spread tells the correlation are so many */
};
/* Independent stretches of the settled part below which its error is not known well enough. */
static const double least_independent = 20.0;
/* Chance of a difference as large as the least that counts: that of four standard errors. */
static const double chance = 6.3e-5;
/* A slope of the second half beyond so many of its standard errors is a drift. */
static const double drift_errors = 5.0;
/* A difference below this share of the value is rounding: of a volume that is read from text, say.
 */
static const double rounding = 1e-9;

typedef struct {
    double sum; /* of value - offset */
    uint64_t n; /* frames that had a value */
} batch;

struct iw_equilibration {
    uint64_t length;         /* frames in a batch */
    uint64_t open;           /* frames in the last one, which is not full */
    size_t n;                /* full batches; batches[n] is the open one */
    double offset[IW_SIGNS]; /* the first value: sums stay small */
    bool seen[IW_SIGNS];
    batch batches[IW_SIGNS][IW_SIGN_BATCHES];
};

static const struct {
    const char *name, *unit;
} signs[] = {
#define SIGN_ROW(id, name, unit) {name, unit},
    IW_SIGN_MAP(SIGN_ROW)
#undef SIGN_ROW
};

const char *
iw_sign_name(iw_sign sign)
{
    return signs[sign].name;
}

const char *
iw_sign_unit(iw_sign sign)
{
    return signs[sign].unit;
}

iw_equilibration *
iw_equilibration_new(iw_error *err)
{
    iw_equilibration *self = calloc(1, sizeof *self);
    if (!self)
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for the signs of equilibration");
    else
        self->length = 1;
    return self;
}

void
iw_equilibration_destroy(iw_equilibration **self)
{
    if (!self)
        return;
    free(*self);
    *self = NULL;
}

size_t
iw_equilibration_memory(const iw_equilibration *self)
{
    return sizeof *self;
}

static void
join_neighbours(iw_equilibration *self)
{
    for (size_t s = 0; s < IW_SIGNS; s++) {
        batch *b = self->batches[s];
        for (size_t i = 0; i < IW_SIGN_BATCHES / 2; i++)
            b[i] = (batch){b[2 * i].sum + b[2 * i + 1].sum, b[2 * i].n + b[2 * i + 1].n};
        for (size_t i = IW_SIGN_BATCHES / 2; i < IW_SIGN_BATCHES; i++)
            b[i] = (batch){0};
    }
    self->n = IW_SIGN_BATCHES / 2;
    self->length *= 2;
}

void
iw_equilibration_push(iw_equilibration *self, const double values[IW_SIGNS])
{
    for (size_t s = 0; s < IW_SIGNS; s++) {
        if (!isfinite(values[s]))
            continue;
        if (!self->seen[s])
            self->offset[s] = values[s];
        self->seen[s] = true;
        batch *b = &self->batches[s][self->n];
        b->sum += values[s] - self->offset[s];
        b->n++;
    }
    if (++self->open < self->length)
        return;
    self->open = 0;
    if (++self->n == IW_SIGN_BATCHES)
        join_neighbours(self);
}

/* Means of groups of *k batches, made larger until none is empty; how many groups. */
static size_t
group_means(const iw_equilibration *self, iw_sign s, size_t *k, double *mean)
{
    *k = (size_t)((GROUP_FRAMES + self->length - 1) / self->length);
    for (;; *k *= 2) {
        size_t groups = self->n / *k, g = 0;
        if (groups < LEAST_GROUPS)
            return 0;
        for (; g < groups; g++) {
            batch all = {0};
            for (size_t i = g * *k; i < (g + 1) * *k; i++) {
                all.sum += self->batches[s][i].sum;
                all.n += self->batches[s][i].n;
            }
            if (all.n == 0)
                break;
            mean[g] = all.sum / (double)all.n;
        }
        if (g == groups)
            return groups;
    }
}

/* MSER: the start d for which sum_{i >= d} (y_i - mean)^2 / (n - d)^2 is least. */
static size_t
least_error(const double *y, size_t n)
{
    size_t rest = n / REST_SHARE > LEAST_REST ? n / REST_SHARE : LEAST_REST;
    size_t start = 0, count = 0;
    double mean = 0.0, squares = 0.0, least = INFINITY;
    for (size_t d = n; d-- > 0;) { /* from the end, so that each start adds one value (Welford) */
        double delta = y[d] - mean;
        count++;
        mean += delta / (double)count;
        squares += delta * (y[d] - mean);
        if (count < rest)
            continue;
        double error = squares / ((double)count * (double)count);
        if (error <= least) {
            least = error;
            start = d;
        }
    }
    return start;
}

static double
mean_of(const double *y, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += y[i];
    return sum / (double)n;
}

static double
squares_of(const double *y, size_t n, double mean)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (y[i] - mean) * (y[i] - mean);
    return sum;
}

/* Statistical inefficiency g = 1 + 2 sum of the autocorrelation, as long as neighbouring pairs of
 * it are above zero (Geyer's initial positive sequence). */
static double
inefficiency_of_lags(const double *y, size_t n, double mean, double squares)
{
    double g = -1.0;
    for (size_t k = 0; k + 1 < n / 2; k += 2) {
        double pair = 0.0;
        for (size_t i = 0; i + k < n; i++) {
            pair += (y[i] - mean) * (y[i + k] - mean);
            if (i + k + 1 < n)
                pair += (y[i] - mean) * (y[i + k + 1] - mean);
        }
        if (pair <= 0.0)
            break;
        g += 2.0 * pair / squares;
    }
    return fmax(1.0, g);
}

/* The same from the spread of the means of blocks: it sees slow motion that lags drown in noise. */
static double
inefficiency_of_blocks(const double *y, size_t n, double squares)
{
    double g = 1.0, variance = squares / (double)(n - 1);
    for (size_t length = 2; n / length >= LEAST_BLOCKS; length *= 2) {
        size_t blocks = n / length;
        const double *from = y + n - blocks * length;
        double mean = mean_of(from, blocks * length), sum = 0.0;
        for (size_t b = 0; b < blocks; b++) {
            double apart = mean_of(from + b * length, length) - mean;
            sum += apart * apart;
        }
        g = fmax(g, (double)length * sum / (double)(blocks - 1) / variance);
    }
    return g;
}

/* Does the mean of y[0..head) differ from that of the n values after it?  The distance in standard
 * errors, 0 where it does not count. */
static double
difference(const double *y, size_t head, size_t n, double offset)
{
    const double *rest = y + head;
    double mean = mean_of(rest, n), squares = squares_of(rest, n, mean);
    double apart = fabs(mean_of(y, head) - mean);
    if (apart <= rounding * fabs(mean + offset))
        return 0.0;
    if (squares <= 0.0)
        return INFINITY;
    double g = fmax(inefficiency_of_lags(rest, n, mean, squares),
                    inefficiency_of_blocks(rest, n, squares));
    double independent = (double)n / g;
    if (independent < least_independent)
        return 0.0;
    double variance = squares / (double)(n - 1);
    double before = fmax(1.0, (double)head / g); /* one at least */
    double deviations = apart / sqrt(variance * (1.0 / before + 1.0 / independent));
    return deviations > gsl_cdf_tdist_Qinv(0.5 * chance, independent - 1.0) ? deviations : 0.0;
}

/* Does the second half still have a slope beyond its error? */
static bool
is_drifting(const double *y, size_t n, double offset)
{
    iw_trend trend = {0};
    iw_trend_line line;
    for (size_t i = n / 2; i < n; i++)
        iw_trend_push(&trend, (double)i, y[i]);
    iw_trend_fit(&trend, 0.0, &line);
    double apart = fabs(line.slope) * line.span;
    return apart > rounding * fabs(y[n / 2] + offset) &&
           fabs(line.slope) > drift_errors * line.standard_error;
}

/* The settled part of one sign, in groups; *deviations of what is before it. */
static size_t
settled_from(const double *y, size_t n, double offset, double *deviations)
{
    double coarse[IW_SIGN_BATCHES];
    size_t start = 0;
    *deviations = 0.0;
    /* Long batches see what is slow and small; what they cut off beyond the last start must differ
     * from the rest by itself. */
    for (size_t length = 1; (n - start) / length >= LEAST_GROUPS; length *= 2) {
        size_t count = (n - start) / length, first = n - count * length;
        for (size_t i = 0; i < count; i++)
            coarse[i] = mean_of(y + first + i * length, length);
        size_t to = first + least_error(coarse, count) * length;
        if (to == first)
            continue;
        double found = difference(y + start, to - start, n - to, offset);
        if (found == 0.0 || 2 * to > n)
            continue;
        start = to;
        *deviations = found;
    }
    return start;
}

static void
judge_sign(const iw_equilibration *self, iw_sign s, iw_sign_verdict *out)
{
    double mean[IW_SIGN_BATCHES];
    size_t k;
    *out = (iw_sign_verdict){.before = NAN, .after = NAN};
    size_t n = self->seen[s] ? group_means(self, s, &k, mean) : 0;
    if (n == 0)
        return;
    double whole = mean_of(mean, n);
    if (squares_of(mean, n, whole) <=
        rounding * rounding * (double)n * (whole + self->offset[s]) * (whole + self->offset[s]))
        return; /* a constant says nothing */
    out->judged = true;
    size_t start = settled_from(mean, n, self->offset[s], &out->deviations);
    out->drifting = is_drifting(mean, n, self->offset[s]);
    size_t border = start == 0 && out->drifting ? n / 2 : start;
    out->frames = (uint64_t)(start * k) * self->length;
    if (border == 0)
        return;
    out->before = self->offset[s] + mean_of(mean, border);
    out->after = self->offset[s] + mean_of(mean + border, n - border);
}

void
iw_equilibration_judge(const iw_equilibration *self, iw_equilibration_verdict *out)
{
    *out = (iw_equilibration_verdict){0};
    for (size_t s = 0; s < IW_SIGNS; s++) {
        judge_sign(self, (iw_sign)s, &out->sign[s]);
        out->judged = out->judged || out->sign[s].judged;
        if (out->sign[s].frames > out->frames) {
            out->frames = out->sign[s].frames;
            out->by = (iw_sign)s;
        }
    }
}

void
iw_equilibration_archive(iw_equilibration *self, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_equilibration, 65600);
    iw_archive_tag(archive, "equilibration", 1);
    iw_archive_u64(archive, &self->length);
    iw_archive_u64(archive, &self->open);
    iw_archive_limited(archive, &self->n, IW_SIGN_BATCHES - 1, "batches of a sign");
    IW_ARCHIVE_CHECK(archive, self->length > 0 && self->length <= UINT64_MAX / IW_SIGN_BATCHES);
    IW_ARCHIVE_CHECK(archive, self->open < self->length);
    for (size_t s = 0; s < IW_SIGNS; s++) {
        iw_archive_bool(archive, &self->seen[s]);
        iw_archive_double(archive, &self->offset[s]);
        for (size_t i = 0; i <= self->n; i++) {
            iw_archive_double(archive, &self->batches[s][i].sum);
            iw_archive_u64(archive, &self->batches[s][i].n);
        }
    }
}
