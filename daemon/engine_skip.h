/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_ENGINE_SKIP_H
#define IW_ENGINE_SKIP_H
/*
 * engine_skip.h - what the engine leaves out of the averages, and the frames that it reads again
 * when that changes.  Part of engine_private.h.
 */
#include "correlate/sum.h"
#include "estimate/equilibration.h"
#include "snapshot.h"
#include "source.h"
#include "trajectory/trajectory.h"

/* Whose temperature is watched; told by the first frame. */
typedef enum { IW_HEAT_UNKNOWN, IW_HEAT_KINETIC, IW_HEAT_SENT, IW_HEAT_DIFFERENCES } iw_heat;

typedef struct {
    iw_equilibration *signs;
    iw_heat heat;
    double *site_A;      /* [n][3] positions that the cage size is measured from */
    unsigned char *cage; /* [n] 1: an atom of the framework, or every atom where there is none */
    size_t since_site;   /* frames since then; 0: site_A is not set */

    uint64_t frames;         /* left out, or to be left out */
    uint64_t taken;          /* frames that came so far, since the correlators were made */
    uint64_t kept, segments; /* of those, frames and segments that entered the averages */
    uint64_t first_seq;      /* the first frame that entered, where frames > 0 */
    iw_sum kinetic_K;        /* of those */
    uint64_t kinetic_frames;

    uint64_t next_judgement; /* frames */
    uint64_t next_replay;    /* frames; before, nothing is read again */
    bool judged;             /* found is what the last judgement found */
    uint64_t found;
    bool wants; /* the frames are to be read again, leaving out `wanted` */
    uint64_t wanted;
    iw_trajectory *again; /* of the frames that are read again; NULL before the first one */
    iw_event_list unsaid; /* its events: they were told the first time */
} iw_skip;

struct iw_engine;

iw_status iw_skip_init(struct iw_engine *engine, iw_error *err);
void iw_skip_fini(iw_skip *self); /* harmless on zeroed state */

size_t iw_skip_memory(const iw_skip *self, size_t n_atoms); /* bytes */

/* Not between two frames that are read again. */
void iw_skip_archive(iw_skip *self, size_t n_atoms, iw_archive *archive);

/* An accepted frame: its signs of equilibration, then into the averages unless it is left out. */
iw_status iw_engine_take(struct iw_engine *self, const iw_frame *frame, const iw_step *step,
                         iw_error *err);
/* Judges when it is time to, while frames come. */
void iw_engine_judge_start(struct iw_engine *self);

/* Wants the frames again, leaving out the same ones: the correlators are to be made anew. */
void iw_engine_read_again(struct iw_engine *self);

/* MD time that entered the averages, ps; NAN before two frames. */
double iw_engine_averaged_ps(const struct iw_engine *self);
/* MD time of the frames left out so far, ps. */
double iw_engine_skipped_ps(const struct iw_engine *self);
/* The sign that has not settled, or why the averages are not those of the settled part yet; NULL:
 * nothing speaks against them. */
const char *iw_engine_unequilibrated(const struct iw_engine *self);
/* Mean kinetic temperature of those frames; NAN without velocities. */
double iw_engine_measured_K(const struct iw_engine *self);

void iw_engine_fill_equilibration(const struct iw_engine *self, iw_snapshot *out);
/* What is left out, and what does not settle, as events of a snapshot. */
iw_status iw_engine_note_equilibration(const struct iw_engine *self, const iw_snapshot *out,
                                       iw_event_list *events);

/* The frames of another source that enter the averages, and those that were refused. */
typedef struct {
    const struct iw_engine *engine;
    const iw_source *from;
    iw_trajectory
        *judge; /* of all frames: it knows which ones a restart repeats; NULL: at the start */
    iw_event_list unsaid; /* its events */
    uint64_t repeated;    /* frames that it passed over */
} iw_kept_frames;
/* Borrows all three; fini when it is done. */
iw_source iw_engine_kept_frames(const struct iw_engine *self, const iw_source *source,
                                iw_kept_frames *state);
void iw_kept_frames_fini(iw_kept_frames *state);

#endif
