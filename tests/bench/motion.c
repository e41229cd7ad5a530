/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "motion.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Vibration: an oscillator that forgets, along each axis. */
#define VIBRATION_A   0.3
#define PERIOD_FRAMES 10.0
#define DECAY_FRAMES  8.0
#define HOP_A         3.0
#define NOISE_A       0.3  /* of a Brownian walk, along an axis */
#define MEMORY_FRAMES 10.0 /* of the velocity of a particle with friction */
/* Of the hops of IW_MOTION_BACKJUMP so many undo the last one, the others go to the five other
 * sites alike.  The mean cosine of successive hops is then -r + (1 - r)/5 = -1/3, and the
 * correlation factor (1 - 1/3)/(1 + 1/3). */
#define RETURN_SHARE       (4.0 / 9.0)
#define CORRELATION_FACTOR 0.5
enum { TOGETHER = 4 };
/* The crystal: equal masses at the points of a simple cubic lattice, periodic, each bound to its
 * six neighbours by springs that act along every axis alike.  Verlet steps of one frame. */
#define SPRING          0.05  /* of a mass and frame^2: the fastest wave has a period of 8 frames */
#define LIFETIME_FRAMES 100.0 /* of every wave's energy */
enum { MOST_SIDE = 8 };

const char *const iw_motion_names[IW_MOTION_KINDS] = {
    "Brownian", "lattice hops", "back-jumps", "Langevin", "hops of four", "caged", "crystal"};

/* xoshiro256+ (Blackman, Vigna 2018) */
static inline uint64_t
random_bits(iw_motion *self)
{
    uint64_t *s = self->random, out = s[0] + s[3], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
    return out;
}

static inline double
uniform(iw_motion *self) /* (0, 1) */
{
    return ((double)(random_bits(self) >> 12) + 0.5) * 0x1.0p-52;
}

/* Ziggurat of 128 layers of equal area (Marsaglia, Tsang 2000). */
enum { LAYERS = 128 };
#define TAIL 3.442619855899
#define AREA 9.91256303526217e-3
static double edge[LAYERS + 1], height[LAYERS + 1];

static void
make_ziggurat(void)
{
    if (edge[1] > 0)
        return;
    double x = TAIL, f = exp(-0.5 * x * x);
    height[1] = f;
    height[0] = 0;
    for (int i = 2; i <= LAYERS; i++) {
        f += AREA / x;
        x = f < 1 ? sqrt(-2 * log(f)) : 0;
        edge[i] = x;
        height[i] = fmin(f, 1);
    }
    edge[0] = AREA / height[1];
    edge[1] = TAIL;
}

static double
normal(iw_motion *self)
{
    for (;;) {
        uint64_t bits = random_bits(self);
        size_t i = bits >> 57;
        double u = ((double)(bits << 7 >> 12) + 0.5) * 0x1.0p-51 - 1;
        double x = u * edge[i];
        if (fabs(x) < edge[i + 1])
            return x;
        if (i == 0) {
            double a, b;
            do {
                a = -log(uniform(self)) / TAIL;
                b = -log(uniform(self));
            } while (2 * b < a * a);
            return u < 0 ? -TAIL - a : TAIL + a;
        }
        double y = height[i] + uniform(self) * (height[i + 1] - height[i]);
        if (y < exp(-0.5 * x * x))
            return x;
    }
}

int
iw_motion_init(iw_motion *self, const iw_motion_options *options)
{
    size_t n = 3 * options->atoms;
    *self = (iw_motion){.options = *options};
    self->site = calloc(3 * n, sizeof(double));
    self->last = calloc(options->atoms, 1);
    if (!self->site || !self->last) {
        iw_motion_fini(self);
        return -1;
    }
    self->near = self->site + n;
    self->before = self->near + n;
    make_ziggurat();
    return 0;
}

void
iw_motion_fini(iw_motion *self)
{
    free(self->site);
    free(self->last);
    *self = (iw_motion){0};
}

static void
vibrate(iw_motion *self, size_t k)
{
    double e = exp(-1 / DECAY_FRAMES), c1 = 2 * e * cos(6.283185307179586 / PERIOD_FRAMES);
    double c2 = -e * e;
    double variance = (1 - c2) / ((1 + c2) * ((1 - c2) * (1 - c2) - c1 * c1));
    double kick = VIBRATION_A / sqrt(variance);
    double now = c1 * self->near[k] + c2 * self->before[k] + kick * normal(self);
    self->before[k] = self->near[k];
    self->near[k] = now;
}

/* One step of velocity (near) and position (site) of a particle with friction, exact at any length
 * of step: dx and the new v are jointly Gaussian. */
static void
drift(iw_motion *self, size_t k)
{
    double t = 1 / MEMORY_FRAMES, e = exp(-t), v2 = self->options.q_A2 / (6 * MEMORY_FRAMES);
    double vv = v2 * (1 - e * e), m2 = MEMORY_FRAMES * MEMORY_FRAMES;
    double xx = v2 * m2 * (2 * t - 3 + 4 * e - e * e), xv = v2 * MEMORY_FRAMES * (1 - e) * (1 - e);
    double a = normal(self), b = normal(self);
    self->site[k] += self->near[k] * MEMORY_FRAMES * (1 - e) + sqrt(xx) * a;
    self->near[k] = self->near[k] * e + xv / sqrt(xx) * a + sqrt(vv - xv * xv / xx) * b;
}

/* ---- the crystal ---- */

static size_t
side_of(size_t atoms)
{
    size_t side = 1;
    while (side * side * side < atoms)
        side++;
    return side;
}

/* Standing waves of a ring of atoms, orthonormal, and 2 (1 - cos k) of each. */
static void
make_waves(size_t side, double wave[MOST_SIDE][MOST_SIDE], double stiff[MOST_SIDE])
{
    for (size_t m = 0; m < side; m++) {
        size_t periods = (m + 1) / 2;
        double k = 6.283185307179586 * (double)periods / (double)side;
        bool single = m == 0 || (m == side - 1 && side % 2 == 0);
        for (size_t i = 0; i < side; i++) {
            double phase = k * (double)i;
            wave[m][i] =
                sqrt((single ? 1 : 2) / (double)side) * (m % 2 || single ? cos(phase) : sin(phase));
        }
        stiff[m] = 2 * (1 - cos(k));
    }
}

/* Sums the waves along one of the three directions, in place: x[i] = sum_m wave[m][i] x[m]. */
static void
sum_waves(double *x, size_t side, size_t stride, double wave[MOST_SIDE][MOST_SIDE])
{
    for (size_t start = 0; start < side * side * side; start++) {
        double line[MOST_SIDE] = {0};
        if (start / stride % side != 0)
            continue;
        for (size_t i = 0; i < side; i++)
            for (size_t m = 0; m < side; m++)
                line[i] += wave[m][i] * x[3 * (start + m * stride)];
        for (size_t i = 0; i < side; i++)
            x[3 * (start + i * stride)] = line[i];
    }
}

/* What the springs add to the velocity of an atom in one frame. */
static double
pull(const iw_motion *self, size_t atom, size_t axis)
{
    size_t side = self->side;
    double sum = -6 * self->near[3 * atom + axis];
    for (size_t stride = 1; stride < self->options.atoms; stride *= side) {
        size_t at = atom / stride % side, row = atom - at * stride;
        sum += self->near[3 * (row + (at + 1) % side * stride) + axis] +
               self->near[3 * (row + (at + side - 1) % side * stride) + axis];
    }
    return SPRING * sum;
}

/* Displacements and velocities as in equilibrium, the crystal as a whole at rest. */
static void
start_crystal(iw_motion *self)
{
    size_t atoms = self->options.atoms, side = side_of(atoms);
    double wave[MOST_SIDE][MOST_SIDE], stiff[MOST_SIDE] = {0}, soft = 0;
    make_waves(side, wave, stiff);
    for (size_t m = 1; m < atoms; m++)
        soft += 1 / (stiff[m % side] + stiff[m / side % side] + stiff[m / side / side]);
    self->side = side;
    self->heat = SPRING * VIBRATION_A * VIBRATION_A * (double)atoms / soft;
    for (size_t axis = 0; axis < 3; axis++) {
        double *x = self->near + axis;
        x[0] = 0;
        for (size_t m = 1; m < atoms; m++) {
            double of_wave = stiff[m % side] + stiff[m / side % side] + stiff[m / side / side];
            x[3 * m] = sqrt(self->heat / (SPRING * of_wave)) * normal(self);
        }
        for (size_t stride = 1; stride < atoms; stride *= side)
            sum_waves(x, side, stride, wave);
    }
    /* half a frame before the displacements */
    for (size_t k = 0; k < 3 * atoms; k++)
        self->before[k] = sqrt(self->heat) * normal(self) - pull(self, k / 3, k % 3) / 2;
}

static void
step_crystal(iw_motion *self)
{
    size_t n = 3 * self->options.atoms;
    double keep = exp(-1 / LIFETIME_FRAMES), kick = sqrt(self->heat * (1 - keep * keep));
    double whole[3] = {0};
    for (size_t k = 0; k < n; k++) {
        self->before[k] = keep * self->before[k] + kick * normal(self) + pull(self, k / 3, k % 3);
        whole[k % 3] += 3 * self->before[k] / (double)n;
    }
    for (size_t k = 0; k < n; k++) {
        self->before[k] -= whole[k % 3];
        self->near[k] += self->before[k];
    }
}

void
iw_motion_start(iw_motion *self, uint64_t seed)
{
    for (int i = 0; i < 4; i++) { /* splitmix64 */
        uint64_t z = seed += 0x9E3779B97F4A7C15ULL;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
        self->random[i] = z ^ z >> 31;
    }
    size_t n = 3 * self->options.atoms;
    memset(self->site, 0, 3 * n * sizeof(double));
    for (size_t i = 0; i < self->options.atoms; i++)
        self->last[i] = (unsigned char)(6 * uniform(self));
    if (self->options.kind == IW_MOTION_CRYSTAL)
        start_crystal(self);
    for (size_t k = 0; k < n && self->options.kind != IW_MOTION_CRYSTAL; k++) {
        if (self->options.kind == IW_MOTION_LANGEVIN)
            self->near[k] = sqrt(self->options.q_A2 / (6 * MEMORY_FRAMES)) * normal(self);
        else if (self->options.kind != IW_MOTION_BROWNIAN)
            for (int t = 0; t < (int)(6 * DECAY_FRAMES); t++)
                vibrate(self, k);
    }
}

static void
hop(iw_motion *self, size_t atom, size_t direction)
{
    self->site[3 * atom + direction / 2] += direction % 2 ? HOP_A : -HOP_A;
    self->last[atom] = (unsigned char)direction;
}

/* The times between hops are exponential; so many fall in one frame. */
static size_t
hops_now(iw_motion *self, double rate)
{
    size_t count = 0;
    double keep = exp(-rate), product = uniform(self);
    while (product > keep) {
        product *= uniform(self);
        count++;
    }
    return count;
}

static void
hop_all(iw_motion *self)
{
    size_t atoms = self->options.atoms;
    double rate = self->options.q_A2 / (HOP_A * HOP_A);
    size_t together = self->options.kind == IW_MOTION_COLLECTIVE ? TOGETHER : 1;
    bool back = self->options.kind == IW_MOTION_BACKJUMP;
    if (back)
        rate /= CORRELATION_FACTOR;
    for (size_t atom = 0; atom < atoms; atom += together)
        for (size_t h = hops_now(self, rate); h > 0; h--) {
            size_t direction = (size_t)(6 * uniform(self));
            if (back) {
                size_t undo = self->last[atom] ^ 1U;
                direction = (undo + 1 + (size_t)(5 * uniform(self))) % 6;
                if (uniform(self) < RETURN_SHARE)
                    direction = undo;
            }
            for (size_t i = atom; i < atom + together && i < atoms; i++)
                hop(self, i, direction);
        }
}

void
iw_motion_step(iw_motion *self, double *pos_A)
{
    size_t n = 3 * self->options.atoms;
    iw_motion_kind kind = self->options.kind;
    double step = sqrt(self->options.q_A2 / 3);
    if (kind == IW_MOTION_LATTICE || kind == IW_MOTION_BACKJUMP || kind == IW_MOTION_COLLECTIVE ||
        (kind == IW_MOTION_CRYSTAL && self->options.q_A2 > 0))
        hop_all(self);
    if (kind == IW_MOTION_CRYSTAL)
        step_crystal(self);
    for (size_t k = 0; k < n; k++) {
        if (kind == IW_MOTION_BROWNIAN) {
            self->site[k] += step * normal(self);
            pos_A[k] = self->site[k] + NOISE_A * normal(self);
        } else if (kind == IW_MOTION_LANGEVIN) {
            drift(self, k);
            pos_A[k] = self->site[k];
        } else {
            if (kind != IW_MOTION_CRYSTAL)
                vibrate(self, k);
            pos_A[k] = self->site[k] + self->near[k];
        }
    }
}
