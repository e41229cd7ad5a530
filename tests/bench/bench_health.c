/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_health.c - how often does health cry wolf, and what does it cost?
 *
 *   build/tests/bench/bench_health [RUNS [FRAMES]]
 *
 * Stationary synthetic runs (tests/unit/estimate/health_run.h) of 20, 60, 150 and 300 atoms, frames
 * 2, 5 and 10 fs apart, with and without a target: every event is a false alarm.
 */
#include "../unit/estimate/health_run.h"

#include <time.h>

static double
cpu_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Microseconds for a frame of so many atoms: the same frame again and again. */
static double
cost_us(size_t atoms)
{
    enum { FRAMES = 20000 };
    health_run r;
    health_run_init(&r, atoms, 2.0, 600.0, 1);
    health_run_frames(&r, 10);
    const double cell[9] = {r.edge_A, 0, 0, 0, r.edge_A, 0, 0, 0, r.edge_A};
    iw_health_frame frame = {.dt_fs = 2.0,
                             .pos_A = r.seen,
                             .raw_A = r.raw,
                             .cell_A = cell,
                             .volume_A3 = 1000.0,
                             .kinetic_K = 600.0,
                             .energy_eV = 1.0};
    iw_error err;
    double start = cpu_s();
    for (int t = 0; t < FRAMES; t++)
        (void)iw_health_push(r.monitor, &frame, &err);
    double us = 1e6 * (cpu_s() - start) / FRAMES;
    health_run_fini(&r);
    return us;
}

int
main(int argc, char **argv)
{
    static const size_t atoms[] = {20, 60, 150, 300};
    static const double spacing_fs[] = {2.0, 5.0, 10.0};
    size_t runs = argc > 1 ? strtoul(argv[1], NULL, 10) : 200;
    size_t frames = argc > 2 ? strtoul(argv[2], NULL, 10) : 10000;
    size_t alarmed = 0;
    double ps = 0.0, drift = 0.0, ratio = 0.0;
    for (size_t i = 0; i < runs; i++) {
        health_run r;
        health_run_init(&r, atoms[i % 4], spacing_fs[i % 3], i % 2 ? 600.0 : (double)NAN, i + 1);
        health_run_frames(&r, frames);
        const iw_health *now = iw_health_now(r.monitor);
        ps += r.dt_fs * (double)frames / 1000.0;
        drift =
            fmax(drift, fabs(now->energy_drift_meV_atom_ps) / now->energy_drift_stderr_meV_atom_ps);
        ratio = fmax(ratio, now->lindemann);
        alarmed += r.events.n > 0 ? 1 : 0;
        for (size_t e = 0; e < r.events.n; e++)
            printf("  run %zu, %zu atoms, %g fs: %s at %.3f ps, %llu times: %s\n", i, r.n, r.dt_fs,
                   iw_event_id(r.events.items[e].kind), r.events.items[e].time_ps,
                   (unsigned long long)r.events.items[e].count, r.events.items[e].text);
        health_run_fini(&r);
    }
    printf("false alarms: %zu of %zu runs of %zu frames (%.4g ns in all); largest drift at an end "
           "%.1f errors, largest Lindemann ratio %.3f\n",
           alarmed, runs, frames, ps / 1000.0, drift, ratio);
    printf("cost of a frame: %.2f us for 100 atoms, %.2f us for 300\n", cost_us(100), cost_us(300));
    return alarmed > 0;
}
