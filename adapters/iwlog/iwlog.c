/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iwlog.c - frame logs (plugin/framelog.h): what a file:// endpoint, a spool or the daemon's
 * journal holds, packed or not.  HELLO describes the run, FRAMEs follow, BYE ends it; a restarted
 * run says HELLO again in the same file.
 */
#include "adapters/format.h"
#include "adapters/iwlog/packlog.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    iw_piece *piece;
    iw_framelog_reader *log;
    iw_run_info run; /* of the first HELLO */
    bool described;
    bool over; /* the last message was a BYE: nothing more is awaited */
} iwlog;

static iw_status
iwlog_open(void *state, iw_piece *piece, iw_error *err)
{
    iwlog *self = state;
    self->piece = piece;
    iw_run_info_init(&self->run);
    self->log = iw_packlog_reader_open(piece->path, err);
    if (!self->log && err->code == IW_AGAIN && !piece->follow)
        return iw_fail(err, IW_INVALID, "%s ends within its header: there is nothing to read",
                       piece->path);
    return self->log ? IW_OK : err->code;
}

/* The atoms of a later HELLO must be those of the first. */
static iw_status
check_hello(const iwlog *self, const iw_run_info *again, uint64_t offset, iw_error *err)
{
    const iw_run_info *run = &self->run;
    bool same = again->n_atoms == run->n_atoms && again->n_species == run->n_species &&
                memcmp(again->kind, run->kind, run->n_atoms * sizeof *run->kind) == 0;
    for (size_t k = 0; same && k < run->n_species; k++)
        same = strcmp(again->species[k], run->species[k]) == 0;
    return same ? IW_OK
                : iw_fail(err, IW_INVALID,
                          "%s byte %llu: HELLO with other atoms than before: the atoms of a run "
                          "do not change",
                          self->piece->path, (unsigned long long)offset);
}

static iw_status
take_hello(iwlog *self, const iw_framelog_record *record, iw_error *err)
{
    iw_run_info again;
    iw_run_info_init(&again);
    iw_message message;
    iw_message_init(&message, IW_MSG_HELLO);
    message.run = self->described ? &again : &self->run;
    iw_status status = iw_wire_decode(record->data, record->size, &message, err);
    if (status == IW_OK && message.type != IW_MSG_HELLO)
        status = iw_fail(err, IW_CORRUPT, "another message than the record says");
    if (status == IW_OK && self->described)
        status = check_hello(self, &again, record->offset, err);
    else if (status == IW_OK)
        memcpy(self->run.id, message.run_id, sizeof self->run.id);
    self->described = self->described || status == IW_OK;
    iw_run_info_fini(&again);
    return status;
}

static iw_status
take_frame(const iwlog *self, const iw_framelog_record *record, iw_frame *frame, iw_error *err)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_FRAME);
    iw_status status = iw_wire_decode(record->data, record->size, &message, err);
    if (status == IW_OK && message.type != IW_MSG_FRAME)
        status = iw_fail(err, IW_CORRUPT, "another message than the record says");
    if (status == IW_OK && !self->described)
        status = iw_fail(err, IW_CORRUPT, "a frame before any HELLO");
    if (status == IW_OK)
        status = iw_frame_view_check(&message.frame, err);
    return status == IW_OK ? iw_frame_view_load(&message.frame, frame, err) : status;
}

/* The next record; the end of a log that is followed is AGAIN until a BYE was read.  A damaged
 * record costs itself alone, and leaves a gap in the steps. */
static iw_status
next_record(iwlog *self, iw_framelog_record *record, iw_error *err)
{
    iw_status status;
    while ((status = iw_framelog_next(self->log, record, err)) == IW_CORRUPT)
        iw_notes_add(self->piece->notes, "%s: %s: left out", self->piece->path, err->text);
    if (status == IW_AGAIN && (!self->piece->follow || self->over)) {
        iw_notes_add(self->piece->notes, "%s: its last record is cut short and left out",
                     self->piece->path);
        return IW_END;
    }
    if (status == IW_END && self->piece->follow && !self->over)
        return IW_AGAIN;
    return status;
}

/* frame NULL: stops behind the first HELLO. */
static iw_status
advance(iwlog *self, iw_frame *frame, iw_error *err)
{
    for (;;) {
        iw_framelog_record record;
        iw_status status = next_record(self, &record, err);
        if (status != IW_OK)
            return status;
        self->over = record.kind == IW_MSG_BYE;
        bool done = false;
        if (record.kind == IW_MSG_HELLO) {
            status = take_hello(self, &record, err);
            done = !frame;
        } else if (record.kind == IW_MSG_FRAME) {
            status = frame ? take_frame(self, &record, frame, err)
                           : iw_fail(err, IW_CORRUPT, "a frame before any HELLO");
            done = true;
        }
        if (status != IW_OK) {
            (void)iw_prefix(err, "%s byte %llu", self->piece->path,
                            (unsigned long long)record.offset);
            return status;
        }
        if (done)
            return IW_OK;
    }
}

static iw_status
iwlog_describe(void *state, iw_run_info *run, iw_error *err)
{
    iwlog *self = state;
    iw_status status = advance(self, NULL, err);
    return status == IW_OK ? iw_run_info_copy(run, &self->run, err) : status;
}

static iw_status
iwlog_next(void *state, iw_frame *frame, iw_error *err)
{
    return advance(state, frame, err);
}

static void
iwlog_close(void *state)
{
    iwlog *self = state;
    iw_framelog_reader_close(&self->log);
    iw_run_info_fini(&self->run);
}

static void
iwlog_progress(const void *state, uint64_t *done, uint64_t *total)
{
    const iwlog *self = state;
    *done = iw_framelog_tell(self->log);
    *total = iw_framelog_file_size(self->log);
}

static bool
iwlog_seekable(const void *state)
{
    (void)state;
    return true;
}

static int
iwlog_guess(const iw_head *head)
{
    return head->size >= 6 && memcmp(head->data, "IWLOG\0", 6) == 0 ? 100 : 0;
}

const iw_format iw_format_iwlog = {
    .name = "iwlog",
    .text = "ionwatch's own frame log (file:// endpoints, spools, journals)",
    .code = "",
    .dt_advice = "the adapter did not say: give --dt FS",
    .state_size = sizeof(iwlog),
    .guess = iwlog_guess,
    .open = iwlog_open,
    .describe = iwlog_describe,
    .next = iwlog_next,
    .close = iwlog_close,
    .progress = iwlog_progress,
    .seekable = iwlog_seekable,
};
