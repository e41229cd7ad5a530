/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_SYNTHETIC_H
#define IW_SYNTHETIC_H
/* synthetic.h - trajectories to correlate, and the sums that define what comes out. */
#include "iw_test.h"

typedef struct {
    size_t frames, n_atoms, n_species;
    unsigned short *kind;
    double *x;       /* [frames][n_atoms][3] */
    size_t *segment; /* [frames] which segment a frame belongs to */
} synthetic;

/* A different motion for each species: vibration about a site, a random walk, flight in a straight
 * line with some noise, rest; the sites are far from the origin. */
static inline synthetic
synthetic_new(size_t frames, size_t n_atoms, size_t n_species, uint64_t seed)
{
    synthetic s = {frames,
                   n_atoms,
                   n_species,
                   calloc(n_atoms, sizeof(unsigned short)),
                   calloc(frames * n_atoms * 3 + 1, sizeof(double)),
                   calloc(frames + 1, sizeof(size_t))};
    uint64_t state = seed;
    for (size_t i = 0; i < n_atoms; i++) {
        s.kind[i] = (unsigned short)((i * 7 + i / 3) % n_species);
        for (size_t axis = 0; axis < 3; axis++) {
            double site = 40.0 * iw_test_uniform(&state) - 20.0;
            double walk = 0.0, phase = 6.0 * iw_test_uniform(&state);
            double speed = 0.05 * iw_test_normal(&state);
            for (size_t t = 0; t < frames; t++) {
                double noise = 0.01 * iw_test_normal(&state);
                double value = site;
                if (s.kind[i] % 4 == 0)
                    value += 0.2 * sin(0.3 * (double)t + phase) + noise;
                else if (s.kind[i] % 4 == 1)
                    value += (walk += 10.0 * noise);
                else if (s.kind[i] % 4 == 2)
                    value += speed * (double)t + noise;
                s.x[(t * n_atoms + i) * 3 + axis] = value;
            }
        }
    }
    return s;
}

static inline void
synthetic_free(synthetic *s)
{
    free(s->kind);
    free(s->x);
    free(s->segment);
}

/* Sum over the atoms of a species and the origins with lag n, inside segments: of the squared
 * displacement along an axis, or of the product where product is true. */
static inline double
synthetic_sum(const synthetic *s, size_t frames, size_t species, size_t axis, size_t n,
              bool product, double *origins)
{
    long double sum = 0.0L;
    double count = 0.0;
    for (size_t t = 0; t + n < frames; t++) {
        if (s->segment[t] != s->segment[t + n])
            continue;
        count += 1.0;
        for (size_t i = 0; i < s->n_atoms; i++) {
            if (s->kind[i] != species)
                continue;
            double a = s->x[(t * s->n_atoms + i) * 3 + axis];
            double b = s->x[((t + n) * s->n_atoms + i) * 3 + axis];
            sum += product ? (long double)a * b : ((long double)b - a) * ((long double)b - a);
        }
    }
    *origins = count;
    return (double)sum;
}

/* Longest segment within the first frames. */
static inline size_t
synthetic_longest(const synthetic *s, size_t frames)
{
    size_t longest = 0, run = 0;
    for (size_t t = 0; t < frames; t++) {
        run = t > 0 && s->segment[t] == s->segment[t - 1] ? run + 1 : 1;
        longest = run > longest ? run : longest;
    }
    return longest;
}

#endif
