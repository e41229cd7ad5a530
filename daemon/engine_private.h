/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_ENGINE_PRIVATE_H
#define IW_ENGINE_PRIVATE_H
/* engine_private.h - the engine's inside, shared by engine.c (frames in) and engine_snapshot.c. */
#include "collective.h"
#include "correlate/epochs.h"
#include "correlate/moments.h"
#include "correlate/msd.h"
#include "correlate/vacf.h"
#include "engine.h"
#include "engine_skip.h"
#include "estimate/history.h"
#include "estimate/jackknife.h"
#include "estimate/paper.h"
#include "estimate/traces.h"
#include "groups.h"

/* A frame that waits until the spacing of frames is known. */
typedef struct {
    bool new_segment, has_velocities;
    double *values; /* [2][n_atoms][3] positions, velocities */
} iw_waiting;

struct iw_engine {
    iw_run_info run;
    iw_engine_options options; /* its mobile list is not used after new() */
    iw_groups groups;
    iw_event_list events;
    iw_trajectory *trajectory;
    iw_msd *msd;              /* NULL until the spacing of frames is known */
    iw_vacf *vacf;            /* likewise */
    iw_moments *moments;      /* likewise; has the same frames as msd */
    iw_epochs *epochs;        /* likewise; of vacf */
    iw_collective collective; /* sums over ions */
    iw_skip skip;
    iw_waiting *waiting;
    size_t n_waiting;
    size_t stride;          /* frames from one MSD frame to the next */
    size_t thinning;        /* a power of two: of the stride that options ask for */
    size_t window;          /* lags of the VACF */
    size_t in_segment;      /* frames of this segment so far */
    bool vacf_broken;       /* the next velocities do not follow on the last ones */
    bool over_limit;        /* more memory is needed than options allow, and that was said */
    uint64_t last_seq;      /* of the last frame, for events */
    int64_t last_step;      /* likewise */
    iw_msd_result msd_sums; /* of the last query, kept for their memory */
    iw_vacf_result vacf_sums;
    iw_moments_result moment_sums;
    iw_convergence convergence;
    uint64_t last_checked; /* frames at which the rules judged last; 0: other averages, or never */
    bool unjudged;         /* a check came while frames were wanted again: the rules are due */
    iw_history history;
    iw_traces traces;
    bool stop;
    char stop_reason[IW_REASON_TEXT];
    iw_health_monitor *health;
    iw_paper_group *paper; /* [groups.n_groups], NULL until asked for */
    double paper_spacing_fs;
    char input_hash[IW_FINGERPRINT]; /* "" until paper was computed */
};

/* MSD of one group.  Arrays are malloc'd and belong to the caller. */
typedef struct {
    double *mean, *axis; /* [n_lags], [3][n_lags]; axis follows mean in one block: free(mean) */
    iw_msd_curve curve;  /* borrows them, and the origins of self->msd_sums */
} iw_group_msd;

/* One more trajectory as the engine's own.  NULL: NO_MEMORY. */
iw_trajectory *iw_engine_new_trajectory(const iw_engine *self, iw_event_list *events,
                                        iw_error *err);
/* engine_feed.c: one prepared frame into the correlators, which are made when the spacing of frames
 * is known; frames wait until then. */
iw_status iw_engine_feed(iw_engine *self, const iw_step *step, iw_error *err);
/* Empty ones, by self->stride and self->window.  NO_MEMORY. */
iw_status iw_engine_make_correlators(iw_engine *self, iw_error *err);
/* engine_memory.c: keeps what is held within options.memory_mib, by a thinner MSD. */
iw_status iw_engine_bound_memory(iw_engine *self, iw_error *err);
/* Throws away the correlators and what they were fed. */
void iw_engine_discard(iw_engine *self);
/* From self->msd_sums, which must be fresh. */
iw_status iw_engine_group_msd(const iw_engine *self, const iw_group *group, iw_group_msd *out,
                              iw_error *err);
/* engine_spectra.c: what the velocities tell of every group of *out. */
iw_status iw_engine_fill_spectra(iw_engine *self, iw_snapshot *out, iw_error *err);
/* D of a group from self->moment_sums, which must be fresh; curve: as for iw_diffusion_estimate.
 * NO_MEMORY; too few lags are an answer, not an error. */
iw_status iw_engine_diffusion(iw_engine *self, const iw_group *group, const iw_msd_curve *curve,
                              iw_diffusion *out, iw_error *err);
/* engine_collective.c: motion as a whole and what the charges give, once the groups of *out are
 * filled. */
iw_status iw_engine_fill_transport(iw_engine *self, iw_snapshot *out, iw_error *err);
/* An event where the charges of the run do not add up to zero. */
iw_status iw_engine_note_charges(iw_engine *self, iw_error *err);
/* D of the mobile group goes into the history where that is due, and the rules judge it. */
iw_status iw_engine_check(iw_engine *self, iw_error *err);
/* After each frame: does so when it is time to. */
iw_status iw_engine_check_due(iw_engine *self, iw_error *err);
/* After each frame that is read again: the history alone, which is of the present averages. */
iw_status iw_engine_check_again(iw_engine *self, iw_error *err);
/* Looks at the health after a frame, taken or refused. */
iw_status iw_engine_check_health(iw_engine *self, const iw_frame *frame, iw_error *err);
/* Do the rules judge while frames come? */
bool iw_engine_checks(const iw_engine *self);
/* What a snapshot adds to *out, a copy of the state at the last check; self->moment_sums must be
 * fresh. */
void iw_engine_look(const iw_engine *self, const iw_diffusion *mobile, iw_convergence *out);
/* engine_health.c: every frame tells the monitor of health once, accepted or refused (*err says
 * why; its code is returned unless memory is exhausted). */
iw_status iw_engine_health_begin(iw_engine *self, iw_error *err);
iw_status iw_engine_health_push(iw_engine *self, const iw_frame *frame, const iw_step *step,
                                iw_error *err);
/* engine_history.c: an accepted frame in the traces of health, and what a snapshot has of the past.
 * NO_MEMORY. */
void iw_engine_trace(iw_engine *self, const iw_health_frame *seen);
iw_status iw_engine_fill_history(const iw_engine *self, iw_snapshot *out, iw_error *err);
/* Into a snapshot whose groups are filled: a framework that diffuses slowly is seen in its D. */
void iw_engine_fill_health(const iw_engine *self, iw_snapshot *out);
iw_status iw_engine_health_refuse(iw_engine *self, const iw_frame *frame, iw_error *err);
/* The one that descriptors use: options, else the run's target, else measured. */
double iw_engine_temperature_K(const iw_engine *self);

#endif
