/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HEALTH_H
#define IW_HEALTH_H
/*
 * health.h - is the simulation itself sound?
 *
 * A monitor that sees every frame once and judges temperature, energy, volume, framework, centre of
 * mass and refused frames by the rules of docs/physics.md, "Health".  A finding is a warning, or it
 * breaks the run: what is measured from there on means nothing.  Each new finding is an event.
 *
 * Pure; what it says depends on the frames alone.  Memory: 36 numbers for each atom of the
 * framework; a push reads each of them once.
 */
#include "events.h"

#include <stdbool.h>

typedef enum { IW_HEALTH_GOOD, IW_HEALTH_WARNING, IW_HEALTH_BROKEN } iw_health_state;

/* An event's name and its sentence. */
enum { IW_HEALTH_REASON = 280 };

/* What is known now.  A number that is not known is NAN. */
typedef struct {
    iw_health_state state;         /* of the gravest finding */
    char reason[IW_HEALTH_REASON]; /* its sentence with the numbers; never empty */
    double temperature_mean_K;
    double temperature_recent_K; /* mean of the last 0.5 ps */
    /* Of the total energy over the later half of the run, and its standard error. */
    double energy_drift_meV_atom_ps, energy_drift_stderr_meV_atom_ps;
    double volume_ratio; /* of the last frame to the first ones */
    double lindemann;    /* r.m.s. distance of framework atoms from their mean positions of the last
                            4.5 ps, over the distance of neighbours */
    double framework_msd_A2; /* mean square distance of those atoms from where the segment began */
    double neighbour_A;      /* distance of neighbours in the framework, in the first frame */
    double com_drift_A_ps;   /* speed of the centre of mass over the last 4.5 ps */
    uint64_t refused_frames;
} iw_health;

void iw_health_init(iw_health *self); /* good, and no number known */

typedef struct {
    size_t n_atoms;
    const double *mass_amu;         /* [n_atoms]; borrowed for new() */
    const uint16_t *kind;           /* [n_atoms] species; likewise */
    const unsigned char *framework; /* [n_atoms] 1 where the atom ought to stay; likewise */
    double target_K;                /* NAN: that of the early run */
} iw_health_options;

/* What one accepted frame shows.  Arrays are borrowed for the call. */
typedef struct {
    uint64_t seq; /* both for events */
    int64_t step;
    double dt_fs;         /* spacing of frames; NAN before it is known */
    bool new_segment;     /* pos_A begins anew */
    const double *pos_A;  /* [n][3] unwrapped, relative to the segment's first frame */
    const double *raw_A;  /* [n][3] as the frame came */
    const double *cell_A; /* [9], or NULL */
    double volume_A3;     /* NAN without a cell */
    double centre_A[3];   /* centre of mass, relative to the segment's first frame */
    double kinetic_K;     /* kinetic temperature of 3N - 3 degrees of freedom; NAN */
    double energy_eV;     /* potential and kinetic; NAN */
} iw_health_frame;

typedef struct iw_health_monitor iw_health_monitor;

const char *iw_health_state_name(iw_health_state state); /* "good", "warning", "broken" */

/* events is borrowed while the monitor lives: findings are added, and what others added is looked
 * at (a changed spacing, jumps of half a cell, mistaken units).  NULL: NO_MEMORY. */
iw_health_monitor *iw_health_new(const iw_health_options *options, iw_event_list *events,
                                 iw_error *err);
void iw_health_destroy(iw_health_monitor **self);

/* An accepted frame, in order.  NO_MEMORY. */
iw_status iw_health_push(iw_health_monitor *self, const iw_health_frame *frame, iw_error *err);
/* A frame that could not be used, and why. */
iw_status iw_health_refuse(iw_health_monitor *self, uint64_t seq, int64_t step, const char *why,
                           iw_error *err);

size_t iw_health_memory(const iw_health_monitor *self); /* bytes */
/* For one of the same options; its events are archived by their owner. */
void iw_health_archive(iw_health_monitor *self, iw_archive *archive);
/* Belongs to the monitor; changes with the next push. */
const iw_health *iw_health_now(const iw_health_monitor *self);

#endif
