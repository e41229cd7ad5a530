/* SPDX-License-Identifier: GPL-3.0-or-later */
/* analyze.c - the whole analysis of finished files in one process, by the daemon's engine. */
#include "analysis.h"
#include "filing.h"
#include "input.h"

#include "publish/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const iw_settings *settings;
    iw_reader *reader;
    iw_run_info run;
    iw_engine *engine;
    iw_frame frame;
    iw_frame first; /* for what its structure says; no atoms before it was read */
    iw_snapshot *snapshot;
    iw_structure structure; /* of the first frame */
    iw_store *store;        /* NULL without --db */
    uint64_t frames;        /* given to the engine */
    bool rewinds;           /* the input can be read again */
    bool cut;               /* the input ended with an error after at least one frame */
} analysis;

/* An event on the run that carries a remark on the input. */
static void
remark(analysis *self, iw_event_kind kind, const char *text)
{
    uint64_t frame = self->frames;
    (void)iw_event_add(iw_engine_events(self->engine), kind, false, frame,
                       frame ? self->frame.step : 0, "%s", text);
}

static void
take_notes(analysis *self)
{
    const char *note;
    while ((note = iw_reader_note(self->reader)) != NULL) {
        remark(self, IW_EVENT_input, note);
        if (self->settings->json) /* the table shows its events by itself */
            iw_complain(self->settings, "note: %s", note);
    }
}

/* Looks at the first frame for the id; a pipe, which cannot be read again, keeps a random one. */
static iw_status
identify(analysis *self, iw_error *err)
{
    iw_status status = iw_reader_rewind(self->reader, err);
    if (status == IW_UNSUPPORTED)
        return IW_OK;
    self->rewinds = true;
    if (status == IW_OK)
        status = iw_reader_next(self->reader, &self->frame, err);
    if (status == IW_OK)
        status = iw_input_identity(self->settings, &self->run, &self->frame, err);
    return status ? status : iw_reader_rewind(self->reader, err);
}

static iw_status
make_engine(analysis *self, iw_error *err)
{
    iw_engine_options options;
    iw_mobile_list mobile = {0};
    iw_status status = iw_input_engine(self->settings, &options, &mobile, err);
    if (status == IW_OK) {
        options.finished = true;
        for (iw_rule rule = 0; rule < IW_RULE_COUNT && !self->settings->judge; rule++)
            options.convergence.mode[rule] = IW_STOP_OFF;
        /* The rules judge what a daemon's would have judged, the start left out when it was. */
        options.skip.replay = !self->rewinds          ? IW_REPLAY_NEVER
                              : self->settings->judge ? IW_REPLAY_LIVE
                                                      : IW_REPLAY_AT_END;
        self->engine = iw_engine_new(&self->run, &options, err);
        status = self->engine ? IW_OK : err->code;
    }
    iw_mobile_list_fini(&mobile);
    return status;
}

static iw_status
start(analysis *self, iw_error *err)
{
    const iw_settings *settings = self->settings;
    self->reader = iw_input_open(settings, false, err);
    if (!self->reader)
        return err->code;
    iw_status status = iw_input_run(settings, self->reader, &self->run, err);
    if (status == IW_OK)
        status = iw_frame_init(&self->frame, self->run.n_atoms, err);
    if (status == IW_OK)
        status = identify(self, err);
    if (status == IW_OK)
        status = make_engine(self, err);
    if (status == IW_OK && settings->db) {
        /* Before the work, so that a mistyped path costs nothing. */
        self->store = iw_db_open(settings, settings->db, false, err);
        status = self->store ? IW_OK : err->code;
    }
    return status;
}

/* ---- the same frames once more ---- */

typedef struct {
    analysis *of;
    uint64_t given;
    iw_progress progress;
} replay;

static iw_status
replay_next(void *state, iw_frame *frame, iw_error *err)
{
    replay *self = state;
    if (iw_interrupted())
        return iw_fail(err, IW_CLOSED, "interrupted");
    if (self->given == self->of->frames)
        return IW_END; /* where the first reading ended, should the file have grown */
    iw_status status = iw_reader_next(self->of->reader, frame, err);
    if (status == IW_OK) {
        self->given++;
        iw_progress_update(&self->progress, self->given,
                           (double)self->given / (double)self->of->frames);
    }
    return status;
}

static iw_status
replay_rewind(void *state, iw_error *err)
{
    replay *self = state;
    self->given = 0;
    return iw_reader_rewind(self->of->reader, err);
}

/* What has not settled at the start is left out, or the MSD is thinned: the averages are made
 * again, and the reader stands where it stood.  An interruption leaves them at the frames read so
 * far. */
static iw_status
read_again(analysis *self, iw_error *err)
{
    replay frames = {.of = self};
    iw_source source = {
        .self = &frames, .run = &self->run, .next = replay_next, .rewind = replay_rewind};
    if (!iw_engine_wants_replay(self->engine))
        return IW_OK;
    iw_progress_start(&frames.progress, "reading again");
    iw_status status = iw_engine_replay(self->engine, &source, err);
    iw_progress_end(&frames.progress);
    while (iw_reader_note(self->reader)) /* told the first time */
        ;
    return status == IW_CLOSED && iw_interrupted() ? IW_OK : status;
}

/* ---- reading ---- */

static iw_status
keep_first(analysis *self, iw_error *err)
{
    iw_status status = iw_frame_init(&self->first, self->frame.n_atoms, err);
    if (status)
        return status;
    self->first.has_cell = self->frame.has_cell;
    memcpy(self->first.cell_A, self->frame.cell_A, sizeof self->first.cell_A);
    memcpy(self->first.pos_A, self->frame.pos_A, 3 * self->frame.n_atoms * sizeof(double));
    return IW_OK;
}

/* All frames into the engine.  A file that breaks off after some frames is an event, not the end.
 */
static iw_status
read_frames(analysis *self, iw_error *err)
{
    iw_progress progress;
    iw_status status = IW_OK;
    iw_progress_start(&progress, "reading");
    while (status == IW_OK && !iw_interrupted()) {
        status = iw_reader_next(self->reader, &self->frame, err);
        take_notes(self);
        if (status)
            break;
        if (self->frames == 0)
            status = keep_first(self, err);
        if (status == IW_OK)
            status = iw_engine_push(self->engine, &self->frame, err);
        if (status == IW_INVALID || status == IW_AGAIN)
            status = IW_OK; /* refused or repeated: the engine has made it an event */
        self->frames++;
        iw_progress_update(&progress, self->frames, iw_reader_progress(self->reader));
        if (status == IW_OK && iw_engine_wants_replay(self->engine)) {
            iw_progress_end(&progress);
            status = read_again(self, err);
            if (status)
                return status; /* the averages are of some of the frames only */
        }
    }
    iw_progress_end(&progress);
    if (status == IW_END || (status == IW_CLOSED && iw_interrupted()))
        return IW_OK;
    if (status != IW_OK && status != IW_NO_MEMORY && self->frames > 0) {
        self->cut = true;
        iw_complain(self->settings, "warning: %s: the %" PRIu64 " frames before it are analysed",
                    err->text, self->frames);
        remark(self, IW_EVENT_input_damaged, err->text);
        return IW_OK;
    }
    return status;
}

/* ---- method "paper" ---- */

/* Failure leaves the paper's numbers out, says why, and is no failure of the analysis. */
static void
compute_paper(analysis *self)
{
    iw_error err = {0};
    replay frames = {.of = self};
    iw_source source = {
        .self = &frames, .run = &self->run, .next = replay_next, .rewind = replay_rewind};
    iw_progress_start(&frames.progress, "method \"paper\"");
    iw_status status = replay_rewind(&frames, &err);
    if (status == IW_OK)
        status = iw_engine_paper(self->engine, &source, &err);
    iw_progress_end(&frames.progress);
    while (iw_reader_note(self->reader)) /* the second reading repeats the notes of the first */
        ;
    if (status && !iw_interrupted()) {
        (void)iw_prefix(&err, "no descriptors by method \"paper\"");
        iw_complain(self->settings, "warning: %s", err.text);
        remark(self, IW_EVENT_input, err.text);
    }
}

/* ---- results ---- */

static iw_status
take_results(analysis *self, iw_error *err)
{
    const iw_frame *first = self->first.n_atoms ? &self->first : NULL;
    self->snapshot = iw_engine_snapshot(self->engine, "analysed", err);
    if (!self->snapshot)
        return err->code;
    return iw_structure_of_run(self->snapshot, &self->run, first, &self->structure, err);
}

/* NULL: no memory. */
static json_t *
make_record(const analysis *self, unsigned flags)
{
    json_t *record = iw_snapshot_json(self->snapshot, flags);
    if (record && iw_record_add_structure(record, &self->structure))
        return record;
    json_decref(record);
    return NULL;
}

static iw_exit
print_record(const analysis *self)
{
    const iw_settings *settings = self->settings;
    unsigned flags = 0;
    if (settings->series || settings->full)
        flags = settings->full ? IW_JSON_SERIES | IW_JSON_FULL : IW_JSON_SERIES;
    json_t *record = make_record(self, flags);
    iw_error err = {0};
    iw_exit result = IW_EXIT_OK;
    if (!record) {
        iw_complain(settings, "no memory for the record");
        return IW_EXIT_FAILURE;
    }
    if (settings->json) {
        result = iw_print_json(settings, record, flags != 0);
    } else if (iw_record_print(record, stdout, &err)) {
        iw_complain_error(settings, &err);
        result = IW_EXIT_FAILURE;
    } else {
        iw_explain_hint();
    }
    json_decref(record);
    return result;
}

static iw_exit
file_record(analysis *self)
{
    char id[64], label[512];
    iw_error err = {0};
    iw_store_label(self->settings->db, label, sizeof label);
    if (iw_db_file(self->settings, self->store, self->snapshot, &self->run, &self->structure, id,
                   &err)) {
        iw_complain(self->settings, "%s: the run is not in the database; run the command again",
                    err.text);
        return IW_EXIT_FAILURE;
    }
    iw_complain(self->settings, "filed as number %s, id %s, in %s", id, self->run.id, label);
    return IW_EXIT_OK;
}

static iw_exit
finish(analysis *self)
{
    iw_exit result = print_record(self);
    if (self->store && iw_interrupted())
        iw_complain(self->settings, "interrupted: not filed");
    else if (self->store && result == IW_EXIT_OK)
        result = file_record(self);
    return result;
}

/* ---- the whole of it ---- */

static iw_status
analyse(analysis *self, iw_error *err)
{
    iw_run_info_init(&self->run);
    iw_status status = start(self, err);
    if (status == IW_OK)
        status = read_frames(self, err);
    if (status == IW_OK && self->frames == 0 && !iw_interrupted())
        status =
            iw_fail(err, IW_INVALID, "%s: there is no frame in it", self->settings->operands[0]);
    if (status == IW_OK && !iw_interrupted()) {
        iw_engine_conclude(self->engine);
        status = read_again(self, err);
    }
    if (status == IW_OK && !self->settings->no_paper && !iw_interrupted())
        compute_paper(self);
    return status ? status : take_results(self, err);
}

static iw_exit
failed(const iw_settings *settings, const iw_error *err)
{
    iw_complain_error(settings, err);
    return iw_interrupted() ? IW_EXIT_INTERRUPTED : IW_EXIT_FAILURE;
}

static void
fini(analysis *self)
{
    iw_store_close(&self->store);
    iw_snapshot_unref(&self->snapshot);
    iw_frame_fini(&self->frame);
    iw_frame_fini(&self->first);
    iw_engine_destroy(&self->engine);
    iw_run_info_fini(&self->run);
    iw_reader_close(&self->reader);
}

iw_exit
iw_command_analyze(const iw_settings *settings)
{
    analysis self = {.settings = settings};
    iw_error err = {0};
    iw_exit result;
    if (analyse(&self, &err)) {
        result = failed(settings, &err);
    } else {
        result = finish(&self);
        if (iw_interrupted()) {
            iw_complain(settings, "interrupted after %" PRIu64 " frames", self.frames);
            result = IW_EXIT_INTERRUPTED;
        }
    }
    fini(&self);
    return result;
}

iw_exit
iw_analyze_record(const iw_settings *settings, json_t **record)
{
    analysis self = {.settings = settings};
    iw_error err = {0};
    iw_exit result = IW_EXIT_OK;
    *record = NULL;
    iw_status status = analyse(&self, &err);
    if (status) {
        result = failed(settings, &err);
    } else if (iw_interrupted()) {
        result = IW_EXIT_INTERRUPTED;
    } else {
        *record = make_record(&self, IW_JSON_SERIES | IW_JSON_FULL);
        if (!*record) {
            iw_complain(settings, "no memory for the record of %s", settings->operands[0]);
            result = IW_EXIT_FAILURE;
        }
    }
    fini(&self);
    return result;
}
