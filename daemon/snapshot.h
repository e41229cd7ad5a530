/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_SNAPSHOT_H
#define IW_SNAPSHOT_H
/*
 * snapshot.h - everything known about a run at one instant.
 *
 * Made by the engine, immutable afterwards, reference-counted, read by any thread.  Its fields are
 * the names of the JSON contract (publish/json.h); a quantity that is not known is NAN.
 */
#include "estimate/conductivity.h"
#include "estimate/convergence.h"
#include "estimate/diffusion.h"
#include "estimate/equilibration.h"
#include "estimate/health.h"
#include "estimate/history.h"
#include "estimate/jackknife.h"
#include "estimate/traces.h"
#include "estimate/vibration.h"
#include "events.h"
#include "fingerprint.h"
#include "frame.h"
#include "material.h"

typedef struct {
    size_t n;
    double *x, *y, *e; /* abscissa, value, standard error (e may be NULL) */
} iw_series;

typedef struct {
    char name[24]; /* "all", "mobile", "framework", or a species */
    size_t atoms;
    iw_diffusion diffusion;                               /* stderr_A2 is NULL here: see msd.e */
    double D_green_kubo_cm2_s, D_green_kubo_stderr_cm2_s; /* over the whole VACF window */
    iw_plateau D_green_kubo_plateau;
    size_t stderr_epochs; /* that the errors of Green-Kubo and VACF rest on */
    bool has_collective;
    iw_estimate D_collective; /* cm^2/s: slope of |sum of displacements|^2/(6 N) */
    iw_vibration vibration;   /* method "physical" */
    iw_vibration vibration_stderr;
    bool has_paper;
    iw_vibration paper; /* method "paper" */
    double vdos_resolution_meV;
    iw_series msd;        /* lag_ps, msd_A2, stderr_A2 */
    iw_series vacf;       /* lag_fs, c (A^2/fs^2), stderr */
    iw_series vdos;       /* energy_meV, g (1/meV), stderr */
    iw_series vdos_paper; /* empty unless has_paper */
} iw_group_snapshot;

/* Charges as a current; species are those of the run, in order. */
typedef struct {
    char name[IW_SPECIES_LENGTH + 1];
    double charge_e; /* mean over its atoms */
    bool carrier;    /* its D enters the Nernst-Einstein conductivity */
} iw_charged_species;

typedef struct {
    size_t n_species; /* 0: charges are not known */
    iw_charged_species *species;
    double total_charge_e;
    double volume_A3;            /* of the cell, mean over frames */
    iw_diffusion charge;         /* of P/sqrt(sum q^2): fit window, alpha, warning */
    iw_estimate collective;      /* mS/cm */
    iw_estimate nernst_einstein; /* mS/cm */
    iw_estimate haven_ratio;     /* nernst_einstein/collective */
    iw_series charge_msd;        /* lag_ps, msd_e2A2, stderr_e2A2 */
} iw_transport;

/* What is left out at the start, and why. */
typedef struct {
    char rule[8];            /* "auto", "none", "fixed" */
    uint64_t skipped_frames; /* of the run's, left out of every average */
    double skipped_ps;       /* the same times the spacing of frames */
    double averaged_ps;      /* time covered by the frames that are averaged */
    double detected_ps;      /* where the settled part begins, left out or not; NAN if not judged */
    char by[24];             /* the sign that tells it; "" where it is the first frame */
    char reason[240];        /* one sentence with the numbers */
    iw_equilibration_verdict verdict;
} iw_equilibration_snapshot;

typedef struct {
    char id[IW_ID_LENGTH + 1];
    char *name, *code, *code_version;
    char
        state[24]; /* "running", "stalled", "completed", "stopped", "lost", "refused", "analysed" */
    iw_material material;
    uint64_t frames;
    size_t atoms;
    double dt_fs;                  /* spacing of frames */
    double msd_dt_fs;              /* dt_fs * msd_stride */
    double time_ps;                /* (frames - segments) * dt: time covered by the segments */
    double temperature_K;          /* target; else the mean of what was measured */
    double temperature_measured_K; /* mean kinetic temperature, 3N - 3 degrees of freedom; NAN
                                      without velocities */
    size_t segments;
    bool engine_velocities; /* velocity_source: "engine" or "finite differences" */
    char drift[12];         /* "com", "framework", "none" */
    char taper[12];         /* "parzen", "hann", "none" */
    double cutoff_meV;      /* of omega30_mean */
    double vacf_window_ps;
    double paper_spacing_fs;         /* NAN until paper was computed */
    char input_hash[IW_FINGERPRINT]; /* of all frames; "" until then */
    size_t n_mobile;
    char (*mobile)[IW_SPECIES_LENGTH + 1];
    size_t n_groups;
    iw_group_snapshot *groups; /* all, mobile (if any), framework (if any), then species in order */
    iw_transport transport;
    iw_convergence convergence;
    iw_health health;
    iw_equilibration_snapshot equilibration;
    double target; /* relative error of D that is asked for, whether a rule acts on it or not */
    size_t n_history;
    iw_history_point *history; /* D of the mobile group, at each check */
    size_t n_traces;
    iw_trace_point *traces; /* health, over equal bins */
    size_t n_events;
    iw_event *events;
} iw_snapshot;

/* Arrays of n zeros, e only where asked for.  NO_MEMORY; what was allocated is in *series. */
iw_status iw_series_alloc(iw_series *series, size_t n, bool with_errors, iw_error *err);

/* One reference; no groups, no events, every number NAN or zero.  The maker fills the fields before
 * anybody else sees it; arrays and strings are malloc'd and belong to the snapshot.  NULL:
 * NO_MEMORY. */
iw_snapshot *iw_snapshot_new(void);
iw_snapshot *iw_snapshot_ref(iw_snapshot *self);
void iw_snapshot_unref(iw_snapshot **self); /* frees with the last reference; sets *self to NULL */
/* NULL when there is no such group. */
const iw_group_snapshot *iw_snapshot_group(const iw_snapshot *self, const char *name);

#endif
