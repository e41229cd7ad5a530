/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/reader.h"

#include "ionwatchd/mail.h"

#include <stdlib.h>
#include <string.h>

struct iw_journal_reader {
    iw_framelog_reader *log;
    iw_run_info run;
    iw_frame frame;
    uint64_t source_limit;
};

static iw_status
read_run(iw_journal_reader *self, const char *path, iw_error *err)
{
    iw_framelog_record record;
    iw_status status = iw_framelog_next(self->log, &record, err);
    if (status == IW_END || status == IW_AGAIN)
        return iw_fail(err, IW_CORRUPT, "journal %s holds no whole record", path);
    if (status != IW_OK)
        return iw_prefix(err, "journal %s", path), status;
    iw_message message;
    iw_message_init(&message, IW_MSG_HELLO);
    message.run = &self->run;
    status = iw_wire_decode(record.data, record.size, &message, err);
    if (status != IW_OK)
        return iw_prefix(err, "journal %s: first record", path), IW_CORRUPT;
    if (message.type != IW_MSG_HELLO)
        return iw_fail(err, IW_CORRUPT, "journal %s: the first record is of kind %u, not HELLO",
                       path, record.kind);
    return IW_OK;
}

iw_journal_reader *
iw_journal_reader_open(const char *path, iw_error *err)
{
    iw_journal_reader *self = calloc(1, sizeof *self);
    if (!self) {
        iw_fail(err, IW_NO_MEMORY, "journal %s: out of memory", path);
        return NULL;
    }
    iw_run_info_init(&self->run);
    self->log = iw_framelog_reader_open(path, err);
    if (!self->log || read_run(self, path, err) != IW_OK ||
        iw_frame_init(&self->frame, self->run.n_atoms, err) != IW_OK) {
        iw_journal_reader_close(&self);
        return NULL;
    }
    iw_framelog_rewind(self->log);
    return self;
}

void
iw_journal_reader_close(iw_journal_reader **reader)
{
    iw_journal_reader *self = *reader;
    if (!self)
        return;
    if (self->log)
        iw_framelog_reader_close(&self->log);
    iw_run_info_fini(&self->run);
    iw_frame_fini(&self->frame);
    free(self);
    *reader = NULL;
}

const iw_run_info *
iw_journal_reader_run(const iw_journal_reader *self)
{
    return &self->run;
}

static void
take_text(iw_journal_item *item, const char *text)
{
    iw_text_copy(item->text, sizeof item->text, text);
}

iw_status
iw_journal_reader_next(iw_journal_reader *self, uint64_t limit, iw_journal_item *item,
                       iw_error *err)
{
    if (iw_framelog_tell(self->log) >= limit)
        return IW_END;
    iw_framelog_record record;
    iw_status status = iw_framelog_next(self->log, &record, err);
    if (status == IW_AGAIN)
        return IW_END;
    if (status != IW_OK)
        return status;
    item->kind = (iw_msg_type)record.kind;
    item->seq = record.seq;
    item->end = iw_framelog_tell(self->log);
    item->frame = NULL;
    item->stop = false;
    item->text[0] = '\0';
    iw_message message;
    iw_message_init(&message, item->kind);
    iw_error why;
    status = iw_wire_decode(record.data, record.size, &message, &why);
    if (status == IW_OK && message.type == IW_MSG_FRAME)
        status = iw_frame_view_load(&message.frame, &self->frame, &why);
    if (status != IW_OK) { /* checked at the door; a later version may be stricter */
        take_text(item, why.text);
        return IW_OK;
    }
    if (message.type == IW_MSG_FRAME)
        item->frame = &self->frame;
    else
        take_text(item, message.type == IW_MSG_HELLO ? message.adapter : message.text);
    item->stop = message.type == IW_MSG_CONTROL && message.stop;
    return IW_OK;
}

void
iw_journal_reader_rewind(iw_journal_reader *self)
{
    iw_framelog_rewind(self->log);
}

iw_status
iw_journal_reader_stand(const iw_journal_reader *self, iw_framelog_place *place, iw_error *err)
{
    return iw_framelog_stand(self->log, place, err);
}

iw_status
iw_journal_reader_resume(iw_journal_reader *self, const iw_framelog_place *place, iw_error *err)
{
    return iw_framelog_resume(self->log, place, err);
}

static iw_status
source_next(void *reader, iw_frame *frame, iw_error *err)
{
    iw_journal_reader *self = reader;
    iw_journal_item item;
    do {
        iw_status status = iw_journal_reader_next(self, self->source_limit, &item, err);
        if (status != IW_OK)
            return status;
    } while (item.kind != IW_MSG_FRAME || !item.frame);
    const iw_frame *from = item.frame;
    iw_frame kept = *frame;
    *frame = *from;
    frame->pos_A = kept.pos_A;
    frame->vel_A_fs = kept.vel_A_fs;
    memcpy(frame->pos_A, from->pos_A, 3 * from->n_atoms * sizeof(double));
    if (from->has_velocities)
        memcpy(frame->vel_A_fs, from->vel_A_fs, 3 * from->n_atoms * sizeof(double));
    return IW_OK;
}

static iw_status
source_rewind(void *reader, iw_error *err)
{
    (void)err;
    iw_journal_reader_rewind(reader);
    return IW_OK;
}

iw_source
iw_journal_reader_source(iw_journal_reader *self, uint64_t limit)
{
    self->source_limit = limit;
    return (iw_source){
        .self = self, .run = &self->run, .next = source_next, .rewind = source_rewind};
}
