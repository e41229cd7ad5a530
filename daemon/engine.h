/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_ENGINE_H
#define IW_ENGINE_H
/*
 * engine.h - the whole analysis of one run: frames in, snapshots out.
 *
 * trajectory (door checks, segments, unwrapping, drift, groups) -> correlate -> estimate.  The
 * daemon's workers and `ionwatch analyze` use nothing else.  What it computes depends only on the
 * frames and the options, never on how they were cut or batched.  Owned by one thread at a time.
 */
#include "archive.h"
#include "estimate/convergence.h"
#include "estimate/health.h"
#include "estimate/vdos.h"
#include "snapshot.h"
#include "source.h"
#include "trajectory/trajectory.h"

/* What is left out at the start: what has not settled, nothing, or so many ps. */
typedef enum { IW_SKIP_AUTO, IW_SKIP_NONE, IW_SKIP_FIXED } iw_skip_rule;
/* When the caller can have frames read again, as the rule "auto" needs: see
 * iw_engine_wants_replay. */
typedef enum { IW_REPLAY_NEVER, IW_REPLAY_AT_END, IW_REPLAY_LIVE } iw_replay_when;

typedef struct {
    iw_skip_rule rule;
    double fixed_ps; /* of MD time from the first frame, >= 0; for the rule "fixed" */
    iw_replay_when replay;
} iw_skip_options;

typedef struct {
    iw_drift drift;            /* IW_DRIFT_COM */
    size_t n_mobile;           /* 0: by the design's rule */
    const char *const *mobile; /* species names; borrowed for new() */
    size_t msd_stride;         /* frames; 0: about 10 fs apart */
    double vacf_window_ps;     /* 4 */
    size_t memory_mib;         /* 4096; where the analysis would hold more, the stride of the MSD
                                  doubles and the frames are read again; 0: no limit */
    iw_taper taper;            /* parzen */
    double cutoff_meV;         /* 30, of omega30_mean */
    double temperature_K;      /* overrides the run's; NAN: the run's, else the measured one */
    double paper_spacing_fs;   /* NAN: as streamed */
    iw_diffusion_options diffusion;
    /* Without a rule nothing is judged while frames come: a snapshot is judged by itself.  With
     * one, at each check, which are those of the history of D. */
    iw_convergence_options convergence;
    /* The frames are those of a finished run: a snapshot is judged by itself, one look has to do;
     * decisions say where the run could have ended.  Default false. */
    bool finished;
    iw_skip_options skip; /* auto, never */
} iw_engine_options;

typedef struct iw_engine iw_engine;

/* "auto", "none", or ps; replay is left as it is.  INVALID. */
iw_status iw_skip_parse(const char *text, iw_skip_options *options, iw_error *err);

void iw_engine_options_init(iw_engine_options *options);

/* NULL: INVALID (a mobile species that is not in the run, with those that are; atoms of one species
 * that differ in mass; no atoms), NO_MEMORY. */
iw_engine *iw_engine_new(const iw_run_info *run, const iw_engine_options *options, iw_error *err);
void iw_engine_destroy(iw_engine **self);

/* Takes one frame.  AGAIN: a step that was counted already (a restart).  A frame that is refused
 * (INVALID: not finite, singular cell, ...) is an event, opens a gap, and the run goes on;
 * NO_MEMORY ends the analysis. */
iw_status iw_engine_push(iw_engine *self, const iw_frame *frame, iw_error *err);

/* An immutable snapshot of the frames so far; series at full length.  The caller owns one
 * reference.  NULL: NO_MEMORY. */
iw_snapshot *iw_engine_snapshot(iw_engine *self, const char *state, iw_error *err);

/* True when what is left out at the start is to change, or the MSD is to be thinned, and the frames
 * are to be read again from the first one before the next push.  In between the averages are of
 * some of the frames only.  After a push: with IW_REPLAY_LIVE at frame counts that grow by a
 * quarter, and unless the replay is NEVER wherever memory_mib would be passed.  The same frames
 * want the same at the same moment. */
bool iw_engine_wants_replay(const iw_engine *self);
/* The next frame from the start again, refused ones too, until nothing is wanted any more.  Events
 * are not told twice.  NO_MEMORY ends the analysis. */
iw_status iw_engine_replay_push(iw_engine *self, const iw_frame *frame, iw_error *err);
/* All of them.  CORRUPT: there were less than the first time; that and a failure of the source end
 * the analysis. */
iw_status iw_engine_replay(iw_engine *self, const iw_source *source, iw_error *err);
/* The input has ended: the start is judged by all frames, and a replay may be wanted.  What is left
 * out then does not depend on what was judged while frames came. */
void iw_engine_conclude(iw_engine *self);

/* Computes method "paper" from the frames again and keeps it for later snapshots. */
iw_status iw_engine_paper(iw_engine *self, const iw_source *source, iw_error *err);

/* Remarks by the caller (restart, recovered, stop_asked, ...) join the run's events. */
iw_event_list *iw_engine_events(iw_engine *self);

/* True once a rule of mode "stop" has fired, and for good: the moment depends on the frames alone,
 * never on when snapshots were asked for.  *reason (may be NULL) belongs to the engine. */
bool iw_engine_should_stop(const iw_engine *self, const char **reason);

/* What the rules said at the last check; valid until the next push. */
const iw_convergence *iw_engine_convergence(const iw_engine *self);

/* The state after the frames so far, refused ones included; belongs to the engine and changes with
 * the next push. */
const iw_health *iw_engine_health(const iw_engine *self);

/* The state after the frames so far, see archive.h.  An engine that is loaded was just made of the
 * same run with the same options: CORRUPT says what differs.  Then it goes on as the saved one: the
 * same snapshots, events and decisions to the last bit.  INVALID while frames are read again (they
 * are wanted and some came), and for loading into an engine that has seen frames. */
void iw_engine_archive(iw_engine *self, iw_archive *archive);

uint64_t iw_engine_frames(const iw_engine *self);
/* MD time covered by the segments, ps; NAN before two frames. */
double iw_engine_time_ps(const iw_engine *self);
/* Bytes held at most until the next frame has been taken, with a snapshot; by frames and options
 * alone. */
size_t iw_engine_memory(const iw_engine *self);

#endif
