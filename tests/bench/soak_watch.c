/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "soak.h"

#include "process.h"

/* What may be: part of the mean, and so much at least. */
typedef struct {
    const char *name;
    double share, least;
} limit;

static const limit limits[SOAK_QUANTITIES] = {[SOAK_RSS] = {"RSS, MB", 0.1, 8},
                                              [SOAK_PRIVATE] = {"private, MB", 0.1, 8},
                                              [SOAK_DESCRIPTORS] = {"descriptors", 0.1, 6},
                                              [SOAK_THREADS] = {"threads", 0, 1}};

void
soak_sample(soak_watched *self, double at_s)
{
    if (self->n == self->room) {
        self->room = self->room ? 2 * self->room : 64;
        self->at_s = realloc(self->at_s, self->room * sizeof *self->at_s);
        self->values = realloc(self->values, self->room * SOAK_QUANTITIES * sizeof *self->values);
        assert_true(self->at_s && self->values);
    }
    double *values = self->values + SOAK_QUANTITIES * self->n;
    values[SOAK_RSS] = process_number(self->pid, "status", "VmRSS:") / 1024;
    values[SOAK_PRIVATE] = process_number(self->pid, "smaps_rollup", "Anonymous:") / 1024;
    values[SOAK_DESCRIPTORS] = (double)process_descriptors(self->pid);
    values[SOAK_THREADS] = process_number(self->pid, "status", "Threads:");
    self->at_s[self->n++] = at_s;
    printf("%6.0f s  %-8s %6.1f MB, %6.1f MB private, %3.0f descriptors, %2.0f threads\n", at_s,
           self->name, values[SOAK_RSS], values[SOAK_PRIVATE], values[SOAK_DESCRIPTORS],
           values[SOAK_THREADS]);
}

/* A straight line through the samples of one quantity: growth from end to end, and its error. */
static size_t
fit(const soak_watched *self, double from_s, soak_quantity q, double *mean, double *growth,
    double *error)
{
    size_t n = 0;
    double t0 = 0, y0 = 0, tt = 0, ty = 0, rest = 0, first = INFINITY, last = 0;
    for (size_t i = 0; i < self->n; i++)
        if (self->at_s[i] >= from_s) {
            n++;
            t0 += self->at_s[i];
            y0 += self->values[SOAK_QUANTITIES * i + q];
            first = fmin(first, self->at_s[i]);
            last = fmax(last, self->at_s[i]);
        }
    t0 /= (double)n;
    y0 /= (double)n;
    for (size_t i = 0; i < self->n; i++)
        if (self->at_s[i] >= from_s) {
            double t = self->at_s[i] - t0;
            tt += t * t;
            ty += t * (self->values[SOAK_QUANTITIES * i + q] - y0);
        }
    double slope = n > 1 ? ty / tt : 0;
    for (size_t i = 0; i < self->n; i++)
        if (self->at_s[i] >= from_s) {
            double off = self->values[SOAK_QUANTITIES * i + q] - y0 - slope * (self->at_s[i] - t0);
            rest += off * off;
        }
    *mean = y0;
    *growth = slope * (last - first);
    *error = n > 2 ? (last - first) * sqrt(rest / (double)(n - 2) / tt) : INFINITY;
    return n;
}

bool
soak_grows(const soak_watched *self, double from_s)
{
    bool grows = false;
    for (int q = 0; q < SOAK_QUANTITIES; q++) {
        double mean, growth, error;
        size_t n = fit(self, from_s, (soak_quantity)q, &mean, &growth, &error);
        double allowed = fmax(limits[q].least, limits[q].share * mean);
        bool too_much = growth > allowed && growth > 3 * error;
        printf("%-8s %-12s mean %7.1f, growth %+6.1f +- %.1f over %zu samples, %.1f allowed%s\n",
               self->name, limits[q].name, mean, growth, error, n, allowed,
               too_much ? ": GROWS" : "");
        grows |= too_much;
    }
    return grows;
}

void
soak_forget(soak_watched *self)
{
    free(self->at_s);
    free(self->values);
}
