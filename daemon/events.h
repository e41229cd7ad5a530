/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_EVENTS_H
#define IW_EVENTS_H
/*
 * events.h - what happened to a run that its user should know, in order.
 *
 * One X-macro list gives id, severity and the text for documents; ids are stable.  Repeats of one
 * id are counted, not listed again.
 */
#include "archive.h"

#include <stdbool.h>

typedef enum { IW_NOTE, IW_WARNING, IW_FAULT } iw_severity;

/* id, severity, meaning */
#define IW_EVENT_MAP(X)                                                                            \
    X(gap, IW_WARNING, "frames are missing: a new segment starts")                                 \
    X(uneven_step, IW_WARNING, "the spacing of frames changed")                                    \
    X(step_back, IW_WARNING,                                                                       \
      "step numbers went back: a restart; repeated steps are not counted twice")                   \
    X(half_cell_jump, IW_WARNING,                                                                  \
      "an atom moved nearly half a cell between frames: unwrapping is ambiguous")                  \
    X(not_finite, IW_FAULT, "a frame with NaN or Inf was refused")                                 \
    X(singular_cell, IW_FAULT, "a frame with a singular cell was refused")                         \
    X(bad_frame, IW_FAULT, "a frame was refused")                                                  \
    X(temperature_mismatch, IW_WARNING, "kinetic and target temperature differ: a unit mistake?")  \
    X(velocity_mismatch, IW_WARNING,                                                               \
      "velocities are not the rate of change of positions: a unit mistake?")                       \
    X(near_nyquist, IW_WARNING, "the spectrum reaches the Nyquist energy of the frame spacing")    \
    X(no_mobile, IW_WARNING, "no mobile species is known")                                         \
    X(mobile_doubt, IW_WARNING, "what was measured contradicts the choice of mobile species")      \
    X(no_velocities, IW_NOTE, "velocities are forward differences of positions")                   \
    X(not_neutral, IW_WARNING, "the charges of the run do not add up to zero")                     \
    X(not_diffusive, IW_NOTE, "no diffusive regime was found")                                     \
    X(restart, IW_NOTE, "the MD code or its adapter came back")                                    \
    X(recovered, IW_NOTE, "the daemon was restarted and took the run up again")                    \
    X(torn_tail, IW_WARNING, "an unfinished record was cut from the journal")                      \
    X(stop_asked, IW_NOTE, "the run was asked to stop")                                            \
    X(converged, IW_NOTE, "the target precision was reached")                                      \
    X(futile, IW_WARNING, "the answer cannot be had within the budget, or is of no interest")      \
    X(broken, IW_FAULT, "the run is broken: what it gives from here on is no physics")             \
    X(ended, IW_NOTE, "the run ended")                                                             \
    X(filed, IW_NOTE, "the run is in the database")                                                \
    X(input, IW_NOTE, "a remark on the input")                                                     \
    X(time_mismatch, IW_WARNING, "time stamps and step numbers disagree: a unit mistake?")         \
    X(missing_velocities, IW_WARNING, "velocities came with some frames only")                     \
    X(equilibration, IW_NOTE, "the start of the run is left out of the averages")                  \
    X(not_equilibrated, IW_WARNING, "a sign of equilibration still changes")                       \
    X(input_damaged, IW_WARNING, "the input cannot be read beyond here")                           \
    X(temperature_runaway, IW_WARNING, "the temperature left its target")                          \
    X(energy_drift, IW_WARNING, "the total energy drifts")                                         \
    X(exploding_cell, IW_WARNING, "the volume of the cell changed beyond any solid")               \
    X(framework_melting, IW_WARNING, "the atoms that should stay wander")                          \
    X(centre_of_mass_drift, IW_WARNING, "the whole moves faster than heat explains")               \
    X(thinned, IW_NOTE, "fewer frames enter the MSD: the analysis came to its memory limit")       \
    X(memory, IW_WARNING, "the analysis needs more memory than its limit")                         \
    X(length_mismatch, IW_WARNING, "atoms are too near or too far apart: a unit mistake?")         \
    X(stalled, IW_WARNING, "nothing was heard of the adapter for long")                            \
    X(lost, IW_WARNING, "the adapter was silent for so long that the run is filed")                \
    X(unfiled, IW_FAULT, "the database will not have the run; its journal is kept")                \
    X(database, IW_WARNING, "the database takes nothing; what ends waits")                         \
    X(disk, IW_WARNING, "the file system of the data folder is nearly full")

typedef enum {
#define IW_EVENT_ENUM(id, severity, text) IW_EVENT_##id,
    IW_EVENT_MAP(IW_EVENT_ENUM)
#undef IW_EVENT_ENUM
        IW_EVENT_COUNT
} iw_event_kind;

typedef struct {
    iw_event_kind kind;
    uint64_t frame; /* sequence number at which it (first) happened, 0 if none */
    int64_t step;   /* MD step */
    double time_ps; /* MD time that the run had covered then */
    uint64_t count; /* how often */
    char text[240]; /* what exactly, with numbers, the first time */
} iw_event;

typedef struct {
    iw_event *items;
    size_t n, capacity;
    double time_ps; /* MD time that the run has covered so far: that of the events to come */
} iw_event_list;

const char *iw_event_id(iw_event_kind kind);
iw_severity iw_event_severity(iw_event_kind kind);
const char *iw_event_meaning(iw_event_kind kind);
const char *iw_severity_name(iw_severity severity); /* "note", "warning", "fault" */
/* Adds, or counts when the kind is there already and once is set.  NO_MEMORY. */
iw_status iw_event_add(iw_event_list *list, iw_event_kind kind, bool once, uint64_t frame,
                       int64_t step, const char *format, ...) __attribute__((format(printf, 6, 7)));
void iw_event_list_fini(iw_event_list *list);
/* What the list had before is gone after loading. */
void iw_event_list_archive(iw_event_list *list, iw_archive *archive);

#endif
