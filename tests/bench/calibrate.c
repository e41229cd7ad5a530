/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * calibrate [--runs N] [--seed S] [--threads N] [--quick] - do the errors of D hold?
 *
 * Many runs of made-up motion with a known D (motion.h) go through the moments, the estimator and
 * the stop rules; prints the tables of docs/calibration.md.  Standard: 2,000 runs of each kind, two
 * threads, ten minutes.  --quick: 200 runs.  The same seed prints the same tables.
 */
#include "correlate/msd.h"
#include "estimate/blocks.h"
#include "estimate/convergence.h"
#include "motion.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOP_A 3.0
#define DT_FS 10.0
#define STOP_GROWTH                                                                                \
    0.18 /* A^2 a frame, of the runs that are stopped: a site is left in half a ps */
enum {
    FIRST_CHECK = 100, /* as the engine: frames, and 5 per cent from one check to the next */
    STOP_FRAMES = 3000,
    FLOOR_HOPS = 30,  /* that all atoms make in so many frames where D is the floor */
    PLAIN_EVERY = 10, /* the exact MSD, for the plain fit, of each tenth run */
    MOST_CELLS = 120,
    MOST_ATOMS = 300
};

/* Sums over runs; D in units of the true one (of the caged: of 1e-5 cm2/s). */
typedef struct {
    double runs, D, D2, error, covered[2], plain_runs, plain2, collective;
    double above, upper; /* the truth is above the 95 % interval; its upper end, in hops of a run */
} tally;

/* The table that a cell belongs to. */
typedef enum { MOVING, RESTING, STOPPED, FLOORED } section;

typedef struct {
    section list;
    iw_motion_options motion;
    size_t frames;
    double hops;     /* N_eff that is meant; of resting and floored ones hops in all frames */
    double floor_A2; /* growth of the MSD below which a run that may be stopped is futile */
    uint64_t seed;
    tally all, diffusive;                          /* every run, and those found diffusive */
    double stopped, futile, hops_spent, futile_ps; /* of the stop rules */
} cell;

typedef struct {
    cell cells[MOST_CELLS];
    size_t n, runs;
    atomic_size_t next;
} plan;

/* One run and what it is fed to. */
typedef struct {
    const cell *what;
    iw_motion motion;
    iw_moments *moments;
    iw_msd *exact; /* NULL where it is not asked for */
    iw_moments_result sums;
    iw_msd_result curve;
    iw_diffusion_options options;
} bench;

static const unsigned short kind[MOST_ATOMS];
static const bool member[1] = {true};

static void
must(iw_status status, const iw_error *err)
{
    if (status == IW_OK)
        return;
    (void)fprintf(stderr, "calibrate: %s\n", err->text);
    exit(1);
}

static void
begin(bench *self, size_t run, bool exact)
{
    iw_error err = {0};
    size_t atoms = self->what->motion.atoms;
    iw_moments_options moments = {.n_atoms = atoms, .n_species = 1, .kind = kind};
    iw_msd_options msd = {.n_atoms = atoms, .n_species = 1, .kind = kind, .block = 256};
    self->moments = iw_moments_new(&moments, &err);
    self->exact = exact ? iw_msd_new(&msd, &err) : NULL;
    must(self->moments && (self->exact || !exact) ? IW_OK : IW_NO_MEMORY, &err);
    iw_motion_start(&self->motion, self->what->seed + run);
}

static void
end(bench *self)
{
    iw_moments_destroy(&self->moments);
    iw_msd_destroy(&self->exact);
}

static void
step(bench *self)
{
    double pos_A[3 * MOST_ATOMS];
    iw_error err = {0};
    iw_motion_step(&self->motion, pos_A);
    must(iw_moments_push(self->moments, pos_A, &err), &err);
    if (self->exact)
        must(iw_msd_push(self->exact, pos_A, &err), &err);
}

static iw_diffusion
estimate(bench *self)
{
    iw_error err = {0};
    iw_displacements displacements;
    iw_diffusion out = {0};
    must(iw_moments_query(self->moments, &self->sums, &err), &err);
    must(iw_displacements_init(&displacements, &self->sums, kind, member, DT_FS, &err), &err);
    must(iw_diffusion_estimate(&displacements, NULL, &self->options, &out, &err), &err);
    iw_displacements_fini(&displacements);
    return out;
}

static double
plain_fit(bench *self)
{
    iw_error err = {0};
    must(iw_msd_query(self->exact, &self->curve, &err), &err);
    size_t n = self->curve.n_lags;
    for (size_t k = 0; k < n; k++)
        self->curve.sum_A2[k] =
            (self->curve.sum_A2[k] + self->curve.sum_A2[n + k] + self->curve.sum_A2[2 * n + k]) /
            ((double)self->what->motion.atoms * self->curve.origins[k]);
    return iw_diffusion_einstein(self->curve.sum_A2, n, DT_FS, 3);
}

/* D in cm2/s of a growth of the MSD in a frame */
static double
D_of(double q_A2)
{
    return q_A2 / 6 / DT_FS * 0.1;
}

static double
truth_of(const cell *what)
{
    return D_of(what->motion.q_A2);
}

/* What one hop in a run makes of D. */
static double
hop_of(const cell *what)
{
    return D_of(HOP_A * HOP_A / ((double)what->motion.atoms * (double)(what->frames - 1)));
}

static bool
within(const double ci[2], double truth)
{
    return ci[0] <= truth && !(ci[1] < truth);
}

static void
count(tally *sum, const iw_diffusion *d, double truth, double hop)
{
    double unit = truth > 0 ? truth : 1e-5, D = d->D_cm2_s / unit;
    sum->runs++;
    sum->D += D;
    sum->D2 += D * D;
    sum->error += d->stderr_cm2_s / unit;
    sum->covered[0] += within(d->ci68_cm2_s, truth);
    sum->covered[1] += within(d->ci95_cm2_s, truth);
    sum->collective += d->collective;
    sum->above += d->ci95_cm2_s[1] < truth;
    sum->upper += d->ci95_cm2_s[1] / hop;
}

static void
note(cell *out, const iw_diffusion *d)
{
    count(&out->all, d, truth_of(out), hop_of(out));
    if (d->diffusive)
        count(&out->diffusive, d, truth_of(out), hop_of(out));
}

/* Runs of one length. */
static void
measure(cell *out, bench *self, size_t run)
{
    begin(self, run, run % PLAIN_EVERY == 0);
    for (size_t t = 0; t < out->frames; t++)
        step(self);
    iw_diffusion d = estimate(self);
    note(out, &d);
    if (self->exact && truth_of(out) > 0) {
        out->all.plain_runs++;
        out->all.plain2 += pow(plain_fit(self) / truth_of(out) - 1, 2);
    }
    end(self);
}

/* One run until a rule ends it, checked as by the engine where it may stop runs: D and its interval
 * at that moment. */
static void
stop(cell *out, bench *self, size_t run)
{
    iw_convergence_options rules;
    iw_convergence state;
    iw_convergence_options_init(&rules);
    iw_convergence_init(&state, "");
    rules.mode[IW_RULE_PRECISION] = rules.mode[IW_RULE_FUTILITY] = IW_STOP_STOP;
    rules.min_D_cm2_s = D_of(out->floor_A2);
    if (out->list == STOPPED)
        rules.budget_ps = STOP_FRAMES * DT_FS / 1000;
    begin(self, run, false);
    size_t next = FIRST_CHECK;
    for (size_t t = 1; t <= STOP_FRAMES; t++) {
        step(self);
        if (t < next)
            continue;
        next = t + (size_t)fmax(FIRST_CHECK, 0.05 * (double)t);
        iw_diffusion d = estimate(self);
        double parts[IW_BLOCKS];
        iw_observation seen = {.frame = t,
                               .time_ps = (double)(t - 1) * DT_FS / 1000,
                               .averaged_ps = (double)(t - 1) * DT_FS / 1000,
                               .mobile = &d,
                               .block_D_cm2_s = parts};
        seen.n_blocks = iw_blocks_D(&self->sums, member, out->motion.atoms, DT_FS, &d, parts);
        iw_convergence_check(&state, &rules, &seen);
        const iw_decision *decision = iw_convergence_decide(&state, &rules, &seen);
        if (!decision)
            continue;
        if (decision->rule == IW_RULE_PRECISION) {
            out->stopped++;
            out->hops_spent += d.effective_hops;
            note(out, &d);
        } else {
            out->futile++;
            out->futile_ps += decision->time_ps;
        }
        break;
    }
    end(self);
}

static void *
work(void *arg)
{
    plan *all = arg;
    for (size_t i; (i = atomic_fetch_add(&all->next, 1)) < all->n;) {
        cell *out = &all->cells[i];
        bench self = {.what = out};
        iw_diffusion_options_init(&self.options);
        iw_error err = {.text = "no memory for the motion"};
        must(iw_motion_init(&self.motion, &out->motion) == 0 ? IW_OK : IW_NO_MEMORY, &err);
        for (size_t run = 0; run < all->runs; run++)
            (out->list == MOVING || out->list == RESTING ? measure : stop)(out, &self, run);
        iw_motion_fini(&self.motion);
        iw_moments_result_fini(&self.sums);
        iw_msd_result_fini(&self.curve);
    }
    return NULL;
}

static cell *
add(plan *all, section list, iw_motion_kind motion, size_t atoms, size_t frames, double q_A2,
    uint64_t seed)
{
    cell *out = &all->cells[all->n];
    *out = (cell){.list = list,
                  .motion = {.kind = motion, .atoms = atoms, .q_A2 = q_A2},
                  .frames = frames,
                  .seed = (seed * MOST_CELLS + all->n) << 32};
    all->n++;
    return out;
}

static void
add_moving(plan *all, uint64_t seed)
{
    static const size_t atoms[] = {20, 60, 300};
    static const double hops[] = {20, 50, 200, 2000};
    /* More atoms move as often in fewer frames; a site must be left in many. */
    static const size_t frames[3][4] = {
        {600, 600, 1200, 6000}, {600, 600, 800, 2400}, {400, 400, 400, 800}};
    for (int m = 0; m < IW_MOTION_CAGED; m++)
        for (size_t a = 0; a < 3; a++)
            for (size_t h = 0; h < 4; h++) {
                double q_A2 =
                    hops[h] * HOP_A * HOP_A / ((double)atoms[a] * (double)frames[a][h] / 2);
                add(all, MOVING, (iw_motion_kind)m, atoms[a], frames[a][h], q_A2, seed)->hops =
                    hops[h];
            }
}

/* Nothing hops, or hardly anything. */
static void
add_resting(plan *all, uint64_t seed)
{
    static const struct {
        iw_motion_kind still, hopping;
        size_t atoms;
    } kinds[] = {{IW_MOTION_CAGED, IW_MOTION_LATTICE, 60},
                 {IW_MOTION_CAGED, IW_MOTION_LATTICE, 300},
                 {IW_MOTION_CRYSTAL, IW_MOTION_CRYSTAL, 64},
                 {IW_MOTION_CRYSTAL, IW_MOTION_CRYSTAL, 216}};
    static const double hops[] = {0, 1, 3, 10};
    enum { FRAMES = 800 };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t h = 0; h < sizeof hops / sizeof *hops; h++) {
            double q_A2 = hops[h] * HOP_A * HOP_A / ((double)kinds[k].atoms * (FRAMES - 1));
            iw_motion_kind motion = hops[h] > 0 ? kinds[k].hopping : kinds[k].still;
            add(all, RESTING, motion, kinds[k].atoms, FRAMES, q_A2, seed)->hops = hops[h];
        }
}

static void
add_stopped(plan *all, uint64_t seed)
{
    static const size_t atoms[] = {20, 60, 300};
    static const struct {
        iw_motion_kind still, hopping;
        size_t atoms;
    } slow[] = {{IW_MOTION_CAGED, IW_MOTION_LATTICE, 60},
                {IW_MOTION_CRYSTAL, IW_MOTION_CRYSTAL, 64}};
    for (int m = 0; m < IW_MOTION_CAGED; m++)
        for (size_t a = 0; a < 3; a++)
            add(all, STOPPED, (iw_motion_kind)m, atoms[a], STOP_FRAMES, STOP_GROWTH, seed)
                ->floor_A2 = STOP_GROWTH / 2;
    for (size_t k = 0; k < 2; k++)
        for (int times = 0; times <= 2; times++) {
            double floor_A2 =
                FLOOR_HOPS * HOP_A * HOP_A / ((double)slow[k].atoms * (STOP_FRAMES - 1));
            cell *out = add(all, FLOORED, times > 0 ? slow[k].hopping : slow[k].still,
                            slow[k].atoms, STOP_FRAMES, times * floor_A2, seed);
            out->floor_A2 = floor_A2;
            out->hops = times;
        }
}

static void
print_share(double part, double whole)
{
    if (whole > 0)
        (void)printf(" %.1f |", 100 * part / whole);
    else
        (void)printf(" - |");
}

/* bias, 68 and 95 % */
static void
print_tally(const tally *sum)
{
    if (sum->runs > 0)
        (void)printf(" %+.1f |", 100 * (sum->D / sum->runs - 1));
    else
        (void)printf(" - |");
    print_share(sum->covered[0], sum->runs);
    print_share(sum->covered[1], sum->runs);
}

static double
spread_of(const tally *sum)
{
    double mean = sum->D / sum->runs;
    return sqrt(fmax(0, sum->D2 / sum->runs - mean * mean));
}

static void
print_moving(const plan *all)
{
    (void)printf("| motion | N | N_eff | frames | bias | 68 %% | 95 %% | spread | stderr | plain | "
                 "gain | diffusive | bias | 68 %% | 95 %% | together |\n"
                 "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < all->n; i++) {
        const cell *c = &all->cells[i];
        if (c->list != MOVING)
            continue;
        double plain = sqrt(c->all.plain2 / c->all.plain_runs), spread = spread_of(&c->all);
        (void)printf("| %s | %zu | %g | %zu |", iw_motion_names[c->motion.kind], c->motion.atoms,
                     c->hops, c->frames);
        print_tally(&c->all);
        (void)printf(" %.1f | %.1f | %.1f | %.1f |", 100 * spread, 100 * c->all.error / c->all.runs,
                     100 * plain, pow(plain / spread, 2));
        print_share(c->diffusive.runs, c->all.runs);
        if (c->diffusive.runs >= c->all.runs / 2)
            print_tally(&c->diffusive);
        else
            (void)printf(" - | - | - |");
        print_share(c->all.collective, c->all.runs);
        (void)printf("\n");
    }
}

static void
print_resting(const plan *all)
{
    (void)printf("\n| motion | N | hops | 68 %% | 95 %% | above | upper end, hops | diffusive |\n"
                 "|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < all->n; i++) {
        const cell *c = &all->cells[i];
        if (c->list != RESTING)
            continue;
        (void)printf("| %s | %zu | %g |", iw_motion_names[c->motion.kind], c->motion.atoms,
                     c->hops);
        print_share(c->all.covered[0], c->all.runs);
        print_share(c->all.covered[1], c->all.runs);
        print_share(c->all.above, c->all.runs);
        (void)printf(" %.1f |", c->all.upper / c->all.runs);
        print_share(c->diffusive.runs, c->all.runs);
        (void)printf("\n");
    }
}

static void
print_stopped(const plan *all)
{
    (void)printf("\n| motion | N | stopped | N_eff | bias | 68 %% | 95 %% | stderr | futile | "
                 "together |\n|---|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < all->n; i++) {
        const cell *c = &all->cells[i];
        if (c->list != STOPPED)
            continue;
        double runs = (double)all->runs;
        (void)printf("| %s | %zu |", iw_motion_names[c->motion.kind], c->motion.atoms);
        print_share(c->stopped, runs);
        (void)printf(" %.0f |", c->hops_spent / c->stopped);
        print_tally(&c->all);
        (void)printf(" %.1f |", 100 * c->all.error / c->all.runs);
        print_share(c->futile, runs);
        print_share(c->all.collective, c->all.runs);
        (void)printf("\n");
    }
}

static void
print_floored(const plan *all)
{
    (void)printf("\n| motion | N | D/floor | futile | after, ps | hops of the floor |\n"
                 "|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < all->n; i++) {
        const cell *c = &all->cells[i];
        if (c->list != FLOORED)
            continue;
        double after_ps = c->futile_ps / c->futile;
        (void)printf("| %s | %zu | %g |", iw_motion_names[c->motion.kind], c->motion.atoms,
                     c->hops);
        print_share(c->futile, (double)all->runs);
        if (c->futile > 0)
            (void)printf(" %.1f | %.1f |\n", after_ps,
                         FLOOR_HOPS * after_ps / (STOP_FRAMES * DT_FS / 1000));
        else
            (void)printf(" - | - |\n");
    }
}

int
main(int argc, char **argv)
{
    static plan all = {.runs = 2000};
    unsigned long long seed = 1;
    size_t threads = 2;
    for (int i = 1; i < argc; i++) {
        unsigned long long value = i + 1 < argc ? strtoull(argv[i + 1], NULL, 10) : 0;
        if (strcmp(argv[i], "--quick") == 0) {
            all.runs = 200;
        } else if (strcmp(argv[i], "--runs") == 0 && value > 0) {
            all.runs = (size_t)value;
            i++;
        } else if (strcmp(argv[i], "--threads") == 0 && value > 0 && value <= 64) {
            threads = (size_t)value;
            i++;
        } else if (strcmp(argv[i], "--seed") == 0 && value > 0) {
            seed = value;
            i++;
        } else {
            (void)fprintf(stderr,
                          "usage: calibrate [--runs N] [--seed S] [--threads N] [--quick]\n");
            return 2;
        }
    }
    add_moving(&all, seed);
    add_resting(&all, seed);
    add_stopped(&all, seed);
    pthread_t thread[64];
    for (size_t t = 0; t < threads; t++)
        if (pthread_create(&thread[t], NULL, work, &all) != 0) {
            (void)fprintf(stderr, "calibrate: no thread\n");
            return 1;
        }
    for (size_t t = 0; t < threads; t++)
        (void)pthread_join(thread[t], NULL);
    print_moving(&all);
    print_resting(&all);
    print_stopped(&all);
    print_floored(&all);
    return 0;
}
