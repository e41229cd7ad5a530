/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_correlate - what it costs to have the MSD, the VACF and the moments of displacement at
 * every instant of a run, against one batch transform of the finished trajectory.
 *
 *     bench_correlate [--smoke] [--long] [--rounds N] [--block N] [--frames N]
 *
 * CPU time (user and system) of one thread; live and batch take turns, medians are printed, with
 * the last query inside the live time.  Batch is the same MSD (per species, all origins, lags to
 * T/2) by the shortest fast transform that holds them, planned with FFTW_MEASURE outside of its
 * time.  Freed memory is kept by the process and a first round is not counted ("cold" in the
 * table): else the table would measure how fast a virtual machine is given its pages.  "error" is
 * the worst relative difference from direct sums at eight lags.
 */
#include "correlate/fft.h"
#include "correlate/moments.h"
#include "correlate/msd.h"
#include "correlate/vacf.h"

#include <fftw3.h>
#include <malloc.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SPECIES = 3, WINDOW = 4000, MAX_ROUNDS = 64 };

typedef struct {
    size_t frames, atoms, block;
    unsigned short *kind;
    double *x; /* [frames][atoms][3] */
} trajectory;

static double
cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *
need(void *memory)
{
    if (!memory) {
        (void)fprintf(stderr, "bench_correlate: out of memory\n");
        exit(1);
    }
    return memory;
}

static double
uniform(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (double)((x * 0x2545F4914F6CDD1DULL) >> 11) * 0x1.0p-53;
}

/* A third of the atoms walk at random, the others vibrate. */
static trajectory
make_trajectory(size_t frames, size_t atoms)
{
    trajectory t = {frames, atoms, 0, need(calloc(atoms, sizeof(unsigned short))),
                    need(iw_fft_alloc(frames * atoms * 3 * sizeof(double)))};
    uint64_t state = 12345;
    double *walk = need(calloc(atoms * 3, sizeof *walk));
    for (size_t i = 0; i < atoms; i++)
        t.kind[i] = (unsigned short)(i % SPECIES);
    for (size_t f = 0; f < frames; f++) {
        for (size_t c = 0; c < atoms * 3; c++) {
            double step = 0.04 * (uniform(&state) - 0.5);
            if (c / 3 % SPECIES == 0)
                walk[c] += step;
            else
                walk[c] += step - 0.01 * walk[c];
            t.x[f * atoms * 3 + c] = walk[c];
        }
    }
    free(walk);
    return t;
}

static size_t
fast_length(size_t n) /* the least 2^a, 3 2^a or 5 2^a that is not below n */
{
    size_t best = SIZE_MAX;
    static const size_t odd[] = {1, 3, 5};
    for (size_t i = 0; i < 3; i++) {
        size_t length = odd[i];
        while (length < n)
            length *= 2;
        best = length < best ? length : best;
    }
    return best;
}

typedef struct {
    size_t n;
    double *series;
    fftw_complex *bins;
    fftw_plan forward, backward;
} batch_plan;

static batch_plan
make_batch_plan(size_t frames)
{
    batch_plan p = {.n = fast_length(frames + frames / 2)};
    p.series = need(fftw_malloc(p.n * sizeof *p.series));
    p.bins = need(fftw_malloc((p.n / 2 + 1) * sizeof *p.bins));
    p.forward = fftw_plan_dft_r2c_1d((int)p.n, p.series, p.bins, FFTW_MEASURE);
    p.backward = fftw_plan_dft_c2r_1d((int)p.n, p.bins, p.series, FFTW_MEASURE);
    return p;
}

static void
free_batch_plan(batch_plan *p)
{
    fftw_destroy_plan(p->forward);
    fftw_destroy_plan(p->backward);
    fftw_free(p->series);
    fftw_free(p->bins);
}

/* sum[SPECIES][frames/2 + 1]. */
static void
batch_msd(const trajectory *t, const batch_plan *p, double *sum)
{
    size_t frames = t->frames, n_lags = frames / 2 + 1, row = t->atoms * 3, half = p->n / 2 + 1;
    enum { LANES = 32 };
    size_t pitch = frames + 8; /* lanes a power of two apart would fight for cache sets */
    double *power = need(calloc(SPECIES * half, sizeof *power));
    double *squares = need(calloc(SPECIES * (frames + 1), sizeof *squares));
    double *lanes = need(malloc(LANES * pitch * sizeof *lanes));
    for (size_t first = 0; first < row; first += LANES) {
        size_t count = row - first < LANES ? row - first : LANES;
        /* Some cache lines of every frame at a time: the trajectory is read once. */
        for (size_t f = 0; f < frames; f++)
            for (size_t j = 0; j < count; j++)
                lanes[j * pitch + f] = t->x[f * row + first + j] - t->x[first + j];
        for (size_t j = 0; j < count; j++) {
            size_t species = t->kind[(first + j) / 3];
            double *total = squares + species * (frames + 1) + 1;
            const double *lane = lanes + j * pitch;
            for (size_t f = 0; f < frames; f++) {
                p->series[f] = lane[f];
                total[f] += lane[f] * lane[f];
            }
            memset(p->series + frames, 0, (p->n - frames) * sizeof *lane);
            fftw_execute(p->forward);
            const double *bins = (const double *)p->bins;
            double *to = power + species * half;
            for (size_t k = 0; k < half; k++)
                to[k] += bins[2 * k] * bins[2 * k] + bins[2 * k + 1] * bins[2 * k + 1];
        }
    }
    for (size_t s = 0; s < SPECIES; s++) {
        double *bins = (double *)p->bins;
        double *prefix = squares + s * (frames + 1);
        for (size_t k = 0; k < half; k++) {
            bins[2 * k] = power[s * half + k];
            bins[2 * k + 1] = 0.0;
        }
        fftw_execute(p->backward);
        for (size_t f = 0; f < frames; f++)
            prefix[f + 1] += prefix[f];
        for (size_t n = 0; n < n_lags; n++)
            sum[s * n_lags + n] = prefix[frames - n] + (prefix[frames] - prefix[n]) -
                                  2.0 * p->series[n] / (double)p->n;
    }
    free(power);
    free(squares);
    free(lanes);
}

/* Worst relative difference of the live result from direct sums, and of batch from them. */
static void
compare_direct(const trajectory *t, const iw_msd_result *live, const double *batch, double worst[2])
{
    size_t row = t->atoms * 3, half = t->frames / 2;
    const size_t lags[] = {1, 2, 7, 8, 100, half / 16, half / 2, half};
    worst[0] = worst[1] = 0.0;
    for (size_t i = 0; i < sizeof lags / sizeof *lags; i++) {
        size_t n = lags[i];
        double direct[SPECIES] = {0.0};
        for (size_t f = 0; f + n < t->frames; f++) {
            const double *a = t->x + f * row, *b = a + n * row;
            double sum[SPECIES] = {0.0};
            for (size_t c = 0; c < row; c++)
                sum[c / 3 % SPECIES] += (b[c] - a[c]) * (b[c] - a[c]);
            for (size_t s = 0; s < SPECIES; s++)
                direct[s] += sum[s];
        }
        for (size_t s = 0; s < SPECIES; s++) {
            double sum = 0.0;
            for (size_t axis = 0; axis < 3; axis++)
                sum += live->sum_A2[(s * 3 + axis) * live->n_lags + n];
            worst[0] = fmax(worst[0], fabs(sum / direct[s] - 1.0));
            worst[1] = fmax(worst[1], fabs(batch[s * live->n_lags + n] / direct[s] - 1.0));
        }
    }
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double
median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

static void
check(iw_status status, const iw_error *err)
{
    if (status != IW_OK) {
        (void)fprintf(stderr, "bench_correlate: %s\n", err->text);
        exit(1);
    }
}

static iw_msd *
new_msd(const trajectory *t)
{
    iw_error err = {0};
    iw_msd_options options = {t->atoms, SPECIES, t->kind, t->block};
    iw_msd *msd = iw_msd_new(&options, &err);
    check(msd ? IW_OK : err.code, &err);
    return msd;
}

typedef struct {
    double msd, vacf, moments;                   /* CPU s of the stream and its last query */
    double query_ms, stall_ms, moments_query_ms; /* of the last query, of the worst push */
    double memory, vacf_memory, moments_memory;  /* over raw positions */
} live_run;

static void
run_moments(const trajectory *t, live_run *run)
{
    iw_error err = {0};
    double start = cpu_seconds();
    iw_moments_options options = {t->atoms, SPECIES, t->kind};
    iw_moments *moments = iw_moments_new(&options, &err);
    check(moments ? IW_OK : err.code, &err);
    for (size_t f = 0; f < t->frames; f++)
        check(iw_moments_push(moments, t->x + f * t->atoms * 3, &err), &err);
    double asked = cpu_seconds();
    iw_moments_result result = {0};
    check(iw_moments_query(moments, &result, &err), &err);
    double end = cpu_seconds();
    run->moments = end - start;
    run->moments_query_ms = 1e3 * (end - asked);
    run->moments_memory =
        (double)iw_moments_memory(moments) / (double)(t->frames * t->atoms * 3 * sizeof(double));
    iw_moments_result_fini(&result);
    iw_moments_destroy(&moments);
}

static live_run
run_live(const trajectory *t, bool time_pushes, iw_msd_result *result)
{
    live_run run = {0};
    iw_error err = {0};
    double start = cpu_seconds();
    iw_msd *msd = new_msd(t);
    double worst = 0.0;
    for (size_t f = 0; f < t->frames; f++) {
        double before = time_pushes ? cpu_seconds() : 0.0;
        check(iw_msd_push(msd, t->x + f * t->atoms * 3, &err), &err);
        if (time_pushes)
            worst = fmax(worst, cpu_seconds() - before);
    }
    double asked = cpu_seconds();
    check(iw_msd_query(msd, result, &err), &err);
    double end = cpu_seconds();
    run.msd = end - start;
    run.query_ms = 1e3 * (end - asked);
    run.stall_ms = 1e3 * worst;
    double raw = (double)(t->frames * t->atoms * 3 * sizeof(double));
    run.memory = (double)iw_msd_memory(msd) / raw;
    iw_msd_destroy(&msd);

    start = cpu_seconds();
    iw_vacf_options options = {t->atoms, SPECIES, t->kind, WINDOW, 0};
    iw_vacf *vacf = iw_vacf_new(&options, &err);
    check(vacf ? IW_OK : err.code, &err);
    for (size_t f = 0; f < t->frames; f++)
        check(iw_vacf_push(vacf, t->x + f * t->atoms * 3, &err), &err);
    iw_vacf_result c = {0};
    check(iw_vacf_query(vacf, &c, &err), &err);
    run.vacf = cpu_seconds() - start;
    run.vacf_memory = (double)iw_vacf_memory(vacf) / raw;
    iw_vacf_result_fini(&c);
    iw_vacf_destroy(&vacf);
    run_moments(t, &run);
    return run;
}

static void
compare_speed(size_t frames, size_t atoms, size_t block, size_t rounds)
{
    trajectory t = make_trajectory(frames, atoms);
    t.block = block;
    batch_plan plan = make_batch_plan(frames);
    double *expected = need(calloc(SPECIES * (frames / 2 + 1), sizeof *expected));
    iw_msd_result result = {0};
    double batch[MAX_ROUNDS], msd[MAX_ROUNDS], vacf[MAX_ROUNDS], query[MAX_ROUNDS],
        ratio[MAX_ROUNDS], beside[MAX_ROUNDS], moments[MAX_ROUNDS], asked[MAX_ROUNDS],
        of_batch[MAX_ROUNDS], of_msd[MAX_ROUNDS], worst[2];
    live_run run = run_live(&t, false, &result);
    double cold = run.msd;
    for (size_t i = 0; i < rounds; i++) {
        double start = cpu_seconds();
        batch_msd(&t, &plan, expected);
        batch[i] = cpu_seconds() - start;
        run = run_live(&t, false, &result);
        msd[i] = run.msd;
        vacf[i] = run.vacf;
        query[i] = run.query_ms;
        ratio[i] = msd[i] / batch[i];
        beside[i] = vacf[i] / batch[i];
        moments[i] = run.moments;
        asked[i] = run.moments_query_ms;
        of_batch[i] = moments[i] / batch[i];
        of_msd[i] = moments[i] / msd[i];
    }
    double stall = run_live(&t, true, &result).stall_ms;
    compare_direct(&t, &result, expected, worst);
    (void)printf("%8zu %7.3f %7.3f %6.2f %7.3f %7.3f %6.2f %9.1f %9.0f %8.2f %8.2f %8.0e %8.0e\n",
                 frames, median(batch, rounds), median(msd, rounds), median(ratio, rounds), cold,
                 median(vacf, rounds), median(beside, rounds), median(query, rounds), stall,
                 run.memory, run.memory + run.vacf_memory, worst[0], worst[1]);
    double took = median(moments, rounds);
    (void)printf(
        "         moments: %.3f s, %.1f us a frame, %.2f of batch, %.2f of msd; query %.2f ms; "
        "memory %.4f of the raw positions\n",
        took, 1e6 * took / (double)frames, median(of_batch, rounds), median(of_msd, rounds),
        median(asked, rounds), run.moments_memory);
    (void)fflush(stdout);
    iw_msd_result_fini(&result);
    free(expected);
    free_batch_plan(&plan);
    free(t.kind);
    iw_fft_free(t.x);
}

/* Queries at random instants near the end of a run, and the next one a frame later. */
static void
random_instants(size_t frames, size_t atoms, size_t block, size_t count)
{
    trajectory t = make_trajectory(frames, atoms);
    t.block = block;
    iw_error err = {0};
    iw_msd *msd = new_msd(&t);
    iw_msd_result result = {0};
    double took[MAX_ROUNDS], again[MAX_ROUNDS];
    uint64_t state = 99;
    size_t spread = frames / 4, gap = spread / count - 2, at = frames - spread, done = 0,
           pushed = 0;
    for (size_t i = 0; i < count; i++) {
        at += 1 + (size_t)(uniform(&state) * 2.0 * (double)gap);
        if (at + 1 >= frames)
            break;
        while (pushed < at)
            check(iw_msd_push(msd, t.x + pushed++ * atoms * 3, &err), &err);
        for (int twice = 0; twice < 2; twice++) {
            double start = cpu_seconds();
            check(iw_msd_query(msd, &result, &err), &err);
            (twice ? again : took)[done] = 1e3 * (cpu_seconds() - start);
            check(iw_msd_push(msd, t.x + pushed++ * atoms * 3, &err), &err);
            at++;
        }
        done++;
    }
    double worst = 0.0;
    for (size_t i = 0; i < done; i++)
        worst = took[i] > worst ? took[i] : worst;
    (void)printf("query at %zu random instants of %zu..%zu frames: median %.1f ms, worst %.1f ms; "
                 "one frame later: median %.1f ms\n",
                 done, frames - spread, frames, median(took, done), worst, median(again, done));
    iw_msd_result_fini(&result);
    iw_msd_destroy(&msd);
    free(t.kind);
    iw_fft_free(t.x);
}

int
main(int argc, char **argv)
{
    size_t rounds = 5, block = 0, frames = 0;
    bool smoke = false, full = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--smoke") == 0) {
            smoke = true;
        } else if (strcmp(argv[i], "--long") == 0) {
            full = true;
        } else if (i + 1 < argc && strcmp(argv[i], "--rounds") == 0) {
            rounds = strtoul(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--block") == 0) {
            block = strtoul(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--frames") == 0) {
            frames = strtoul(argv[++i], NULL, 10);
        } else {
            (void)fprintf(stderr, "usage: bench_correlate [--smoke] [--long] [--rounds N] "
                                  "[--block N] [--frames N]\n");
            return 2;
        }
    }
    rounds = rounds < 1 ? 1 : rounds > MAX_ROUNDS ? MAX_ROUNDS : rounds;
    size_t atoms = smoke ? 12 : 300;
    (void)mallopt(M_MMAP_MAX, 0);
    (void)mallopt(M_TRIM_THRESHOLD, INT32_MAX);
    (void)printf(
        "%zu atoms of %d species; CPU seconds of one thread, medians of %zu rounds; VACF "
        "window %d\n"
        "  frames   batch     msd  ratio    cold    vacf  ratio  query ms  stall ms  mem msd "
        " mem all    error  (batch)\n",
        atoms, SPECIES, rounds, WINDOW);
    if (smoke || frames) {
        compare_speed(smoke ? 3000 : frames, atoms, block, rounds);
        random_instants(smoke ? 3000 : frames, atoms, block, 20);
        return 0;
    }
    static const size_t lengths[] = {10000, 16384, 65536, 100000, 262144};
    for (size_t i = 0; i < (full ? 5U : 4U); i++)
        compare_speed(lengths[i], atoms, block, i == 4 ? 1 : rounds);
    random_instants(65536, atoms, block, 40);
    return 0;
}
