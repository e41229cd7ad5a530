/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_latency - how long after a frame D, its interval and the stop state are up to date.
 *
 *     bench_latency [--smoke] [--frames N] [--atoms N]
 *
 * CPU time of one thread, which is wall time where a processor is free: frames with velocities
 * through the whole engine, every one of them an MSD frame; over the last tenth each push is timed,
 * and at 100 frames, evenly spread over it, the push with the check of convergence that follows it.
 * The longest pushes are those after a block of the exact MSD closed.
 */
#include "engine_private.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CHECKS = 100 };

#define DT_FS     10.0
#define BOUND_MS  50.0
#define THERMAL   0.0085 /* A/fs: lithium at 600 K */
#define MEMORY    0.9    /* of a velocity from frame to frame */
#define STIFFNESS 0.002  /* 1/fs^2 per frame spacing: pull of the framework to its sites */

static double
now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

static double
normal(uint64_t *state) /* near enough: the sum of four uniform numbers */
{
    double sum = 0.0;
    for (int i = 0; i < 4; i++) {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        sum += (double)((*state * 0x2545F4914F6CDD1DULL) >> 11) * 0x1.0p-53 - 0.5;
    }
    return sum * 1.7320508075688772;
}

/* Moves every atom by one frame: a third are free, the others are held. */
static void
advance(iw_frame *frame, const double *site, uint64_t *state)
{
    frame->seq++;
    frame->step++;
    frame->time_fs += DT_FS;
    for (size_t c = 0; c < 3 * frame->n_atoms; c++) {
        double *x = &frame->pos_A[c], *v = &frame->vel_A_fs[c];
        bool held = c / 3 % 3 != 0;
        *v = MEMORY * *v + sqrt(1.0 - MEMORY * MEMORY) * THERMAL * normal(state);
        if (held)
            *v -= STIFFNESS * (*x - site[c]);
        *x += DT_FS * *v;
    }
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void
print_row(const char *name, double *ms, size_t n)
{
    if (n == 0)
        return;
    qsort(ms, n, sizeof *ms, by_value);
    (void)printf("%-28s %7zu %9.3f %9.3f %9.3f\n", name, n, ms[n / 2], ms[(n - 1) * 99 / 100],
                 ms[n - 1]);
}

static iw_engine *
make_engine(size_t atoms, iw_error *err)
{
    static const char *const names[] = {"Li", "S", "P"};
    const char **name = calloc(atoms, sizeof *name);
    iw_engine *engine = NULL;
    iw_run_info run;
    iw_run_info_init(&run);
    for (size_t i = 0; name && i < atoms; i++)
        name[i] = names[i % 3];
    if (name && iw_run_info_set_atoms(&run, atoms, name, err) == IW_OK) {
        run.timestep_fs = DT_FS;
        run.temperature_K = 600.0;
        iw_engine_options options;
        iw_engine_options_init(&options);
        options.msd_stride = 1;
        options.convergence.mode[IW_RULE_PRECISION] = IW_STOP_ADVISE;
        engine = iw_engine_new(&run, &options, err);
    }
    iw_run_info_fini(&run);
    free(name);
    return engine;
}

/* Times of pushes [*n_pushes] and of pushes with a check [CHECKS]. */
static iw_status
run(iw_engine *engine, iw_frame *frame, const double *site, size_t frames, double *push,
    size_t *n_pushes, double *checked, iw_error *err)
{
    uint64_t state = 4711;
    size_t start = frames - frames / 10, every = frames / 10 / CHECKS, done = 0;
    for (size_t t = 0; t < frames; t++) {
        advance(frame, site, &state);
        double before = now_ms();
        iw_status status = iw_engine_push(engine, frame, err);
        double pushed = now_ms();
        if (status != IW_OK)
            return status;
        if (t < start)
            continue;
        push[(*n_pushes)++] = pushed - before;
        if ((t - start) % every != 0 || done == CHECKS)
            continue;
        status = iw_engine_check(engine, err);
        if (status != IW_OK)
            return status;
        checked[done++] = now_ms() - before;
    }
    return IW_OK;
}

int
main(int argc, char **argv)
{
    size_t frames = 100000, atoms = 300;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--smoke") == 0) {
            frames = 2000;
            atoms = 12;
        } else if (i + 1 < argc && strcmp(argv[i], "--frames") == 0) {
            frames = strtoul(argv[++i], NULL, 10);
        } else if (i + 1 < argc && strcmp(argv[i], "--atoms") == 0) {
            atoms = strtoul(argv[++i], NULL, 10);
        } else {
            (void)fprintf(stderr, "usage: bench_latency [--smoke] [--frames N] [--atoms N]\n");
            return 2;
        }
    }
    frames = frames < 10 * CHECKS ? 10 * CHECKS : frames;
    iw_error err = {0};
    iw_frame frame = {0};
    iw_engine *engine = make_engine(atoms, &err);
    double *site = calloc(3 * atoms, sizeof *site), *push = calloc(frames, sizeof *push);
    double checked[CHECKS];
    size_t n_pushes = 0;
    bool ok = engine && site && push && iw_frame_init(&frame, atoms, &err) == IW_OK;
    if (ok) {
        frame.has_velocities = true;
        for (size_t c = 0; c < 3 * atoms; c++)
            frame.pos_A[c] = site[c] = (double)(c * 7919 % 1500) / 100.0;
        ok = run(engine, &frame, site, frames, push, &n_pushes, checked, &err) == IW_OK;
    }
    if (ok) {
        (void)printf("%zu atoms, %zu frames; milliseconds, CPU\n"
                     "%-28s %7s %9s %9s %9s\n",
                     atoms, frames, "", "number", "median", "99 %", "worst");
        print_row("a frame", push, n_pushes);
        print_row("a frame and the stop state", checked, CHECKS);
        (void)printf("bound for both: %g ms\n", BOUND_MS);
    } else {
        (void)fprintf(stderr, "bench_latency: %s\n", err.text);
    }
    iw_frame_fini(&frame);
    free(site);
    free(push);
    iw_engine_destroy(&engine);
    return ok ? 0 : 1;
}
