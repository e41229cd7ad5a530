/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HEALTH_RUN_H
#define IW_HEALTH_RUN_H
/*
 * health_run.h - a synthetic solid electrolyte for the monitor of health.
 *
 * Langevin atoms on a simple cubic lattice of 3 A: two thirds are framework on springs (4 THz), the
 * others, lithium, wander freely.  Friction 1/ps; leapfrog steps of dt_fs, a frame each.  What a
 * case spoils is a field.
 */
#include "constants.h"
#include "estimate/health.h"
#include "iw_test.h"

#define HEALTH_A 3.0
#define HEALTH_W (6.283185307179586 * 4e-3) /* 4 THz in 1/fs */

typedef struct {
    /* what a case may change at any time */
    double T_K;           /* of the thermostat */
    double spring;        /* 1: as above; 0: the framework is free */
    double drift_eV_ps;   /* of the total energy, per atom */
    double scale;         /* of the cell */
    double wind_A_ps;     /* of the whole */
    int loose;            /* a species whose springs are cut, or 0 */
    const double *offset; /* [n][3] added to positions, or NULL */
    bool new_segment;     /* with the next frame */
    bool velocities;      /* kinetic temperature is known */
    /* the run */
    size_t n;
    double dt_fs;
    uint64_t seed, seq;
    double added_eV, centre_A;
    double *pos, *vel, *raw, *seen, *mass;
    uint16_t *kind;
    unsigned char *framework;
    double edge_A;
    iw_event_list events;
    iw_health_monitor *monitor;
} health_run;

static inline void
health_run_init(health_run *r, size_t n, double dt_fs, double target_K, uint64_t seed)
{
    *r = (health_run){.T_K = 600.0,
                      .spring = 1.0,
                      .scale = 1.0,
                      .velocities = true,
                      .n = n,
                      .dt_fs = dt_fs,
                      .seed = seed};
    r->pos = calloc(3 * n, sizeof(double));
    r->vel = calloc(3 * n, sizeof(double));
    r->raw = calloc(3 * n, sizeof(double));
    r->seen = calloc(3 * n, sizeof(double));
    r->mass = calloc(n, sizeof(double));
    r->kind = calloc(n, sizeof *r->kind);
    r->framework = calloc(n, 1);
    size_t side = 1;
    while (side * side * side < n)
        side++;
    r->edge_A = HEALTH_A * (double)side;
    for (size_t i = 0; i < n; i++) {
        r->kind[i] = (uint16_t)(i % 3);
        r->framework[i] = r->kind[i] > 0;
        r->mass[i] = r->kind[i] == 0 ? 6.94 : r->kind[i] == 1 ? 32.06 : 30.974;
        const size_t at[3] = {i % side, i / side % side, i / side / side};
        for (size_t k = 0; k < 3; k++) {
            double thermal = sqrt(r->T_K / (IW_AMU_A2_FS2_K * r->mass[i]));
            r->raw[3 * i + k] = HEALTH_A * (double)at[k];
            r->vel[3 * i + k] = thermal * iw_test_normal(&r->seed);
            if (r->framework[i])
                r->pos[3 * i + k] = thermal / HEALTH_W * iw_test_normal(&r->seed);
        }
    }
    iw_health_options options = {.n_atoms = n,
                                 .mass_amu = r->mass,
                                 .kind = r->kind,
                                 .framework = r->framework,
                                 .target_K = target_K};
    iw_error err;
    r->monitor = iw_health_new(&options, &r->events, &err);
    if (!r->monitor)
        fail_msg("%s", err.text);
}

static inline void
health_run_fini(health_run *r)
{
    iw_health_destroy(&r->monitor);
    iw_event_list_fini(&r->events);
    free(r->pos);
    free(r->vel);
    free(r->raw);
    free(r->seen);
    free(r->mass);
    free(r->kind);
    free(r->framework);
}

/* Moves the atoms by one frame; returns kinetic and potential energy, eV. */
static inline void
health_run_move(health_run *r, double *kinetic_K, double *energy_eV)
{
    const double keep = exp(-1e-3 * r->dt_fs), kick = sqrt(1.0 - keep * keep);
    double twice_kinetic = 0.0, twice_potential = 0.0, momentum[3] = {0.0}, total = 0.0;
    for (size_t i = 0; i < r->n; i++) {
        double thermal = sqrt(r->T_K / (IW_AMU_A2_FS2_K * r->mass[i]));
        for (size_t k = 0; k < 3; k++) {
            double *x = &r->pos[3 * i + k], *v = &r->vel[3 * i + k];
            double pull = r->framework[i] && !(r->loose && r->kind[i] == r->loose)
                              ? HEALTH_W * HEALTH_W * r->spring
                              : 0.0;
            *v = keep * *v + kick * thermal * iw_test_normal(&r->seed) - pull * *x * r->dt_fs;
            *x += *v * r->dt_fs;
            momentum[k] += r->mass[i] * *v;
            twice_kinetic += r->mass[i] * *v * *v;
            twice_potential += r->mass[i] * pull * *x * *x;
        }
        total += r->mass[i];
    }
    const double eV = IW_AMU_A2_FS2_K * IW_BOLTZMANN_MEV_K / 1000.0; /* amu A^2/fs^2 */
    double whole = 0.0;
    for (size_t k = 0; k < 3; k++)
        whole += momentum[k] * momentum[k] / total;
    *kinetic_K = (twice_kinetic - whole) * IW_AMU_A2_FS2_K / (3.0 * (double)r->n - 3.0);
    *energy_eV = 0.5 * eV * (twice_kinetic + twice_potential);
}

static inline void
health_run_frames(health_run *r, size_t frames)
{
    for (size_t t = 0; t < frames; t++) {
        double kinetic_K, energy_eV, total = 0.0;
        health_run_move(r, &kinetic_K, &energy_eV);
        r->added_eV += r->drift_eV_ps * (double)r->n * r->dt_fs / 1000.0;
        r->centre_A += r->wind_A_ps * r->dt_fs / 1000.0;
        double centre[3] = {0.0, 0.0, 0.0};
        for (size_t i = 0; i < r->n; i++) {
            total += r->mass[i];
            for (size_t k = 0; k < 3; k++)
                centre[k] += r->mass[i] * r->pos[3 * i + k];
        }
        for (size_t i = 0; i < 3 * r->n; i++)
            r->seen[i] = r->pos[i] - centre[i % 3] / total + (r->offset ? r->offset[i] : 0.0);
        double edge_A = r->edge_A * r->scale;
        const double cell[9] = {edge_A, 0, 0, 0, edge_A, 0, 0, 0, edge_A};
        iw_health_frame frame = {
            .seq = ++r->seq,
            .step = (int64_t)r->seq,
            .dt_fs = r->seq > 1 ? r->dt_fs : (double)NAN,
            .new_segment = r->seq == 1 || r->new_segment,
            .pos_A = r->seen,
            .raw_A = r->raw,
            .cell_A = cell,
            .volume_A3 = edge_A * edge_A * edge_A,
            .centre_A = {centre[0] / total + r->centre_A, centre[1] / total, centre[2] / total},
            .kinetic_K = r->velocities ? kinetic_K : (double)NAN,
            .energy_eV = energy_eV + r->added_eV - 4.0 * (double)r->n};
        iw_error err;
        assert_ok(iw_health_push(r->monitor, &frame, &err), err);
        r->new_segment = false;
    }
}

static inline size_t
health_run_ps(const health_run *r, double ps)
{
    return (size_t)(1000.0 * ps / r->dt_fs + 0.5);
}

static inline const iw_event *
health_run_event(const health_run *r, iw_event_kind kind)
{
    for (size_t i = 0; i < r->events.n; i++) {
        if (r->events.items[i].kind == kind)
            return &r->events.items[i];
    }
    return NULL;
}

#endif
