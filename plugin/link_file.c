/* SPDX-License-Identifier: BSD-3-Clause */
/* The link to a file: a frame log that a daemon or `ionwatch analyze` reads, now or later. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    ionwatch *w;
    uint64_t written; /* highest sequence number in the file */
    uint64_t durable; /* of them */
    uint64_t durable_bytes;
    bool doubtful; /* what is beyond durable_bytes may have been lost by the disk */
    int64_t synced_ms;
    int64_t stop_checked_ms;
    int64_t frames_at_ms; /* when the last frame was written */
    int64_t retry_ms;     /* after a failure, not before */
    bool bye_written;
} file_link;

/* Only the run that the file was begun with may go on in it. */
static iw_status
check_owner(ionwatch *w, const iw_framelog_record *record, iw_error *err)
{
    iw_run_info theirs;
    iw_message message;
    iw_run_info_init(&theirs);
    iw_message_init(&message, IW_MSG_HELLO);
    message.run = &theirs;
    iw_status status = iw_wire_decode(record->data, record->size, &message, err);
    if (status == IW_OK && strcmp(theirs.id, w->run.id) != 0)
        status = iw_fail(err, IW_EXISTS, "%s holds run %s, this is run %s", w->path, theirs.id,
                         w->run.id);
    if (status == IW_OK && theirs.n_atoms != w->run.n_atoms)
        status = iw_fail(err, IW_INVALID, "%s holds frames of %zu atoms, this run has %zu", w->path,
                         theirs.n_atoms, w->run.n_atoms);
    iw_run_info_fini(&theirs);
    w->file_has_hello = true;
    return status;
}

static iw_status
read_existing(ionwatch *w, iw_error *err)
{
    iw_framelog_record record;
    iw_framelog_reader *reader = iw_framelog_reader_open(w->path, err);
    if (!reader)
        return err->code;
    iw_status status = IW_OK;
    while (status == IW_OK || status == IW_CORRUPT) {
        status = iw_framelog_next(reader, &record, err);
        if (status != IW_OK)
            continue;
        if (record.kind == IW_MSG_HELLO)
            status = check_owner(w, &record, err);
        else if (record.kind == IW_MSG_FRAME && record.seq > w->file_seq)
            w->file_seq = record.seq;
    }
    iw_framelog_reader_close(&reader);
    return status == IW_END || status == IW_AGAIN ? IW_OK : status;
}

iw_status
iw_link_file_open(ionwatch *w, iw_error *err)
{
    size_t size = strlen(w->path) + sizeof ".stop";
    w->stop_path = malloc(size);
    if (!w->stop_path)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the name of the stop file");
    (void)snprintf(w->stop_path, size, "%s.stop", w->path);
    /* First the writer, which cuts off what a crash has torn: only what is left counts. */
    w->file = iw_framelog_writer_open(w->path, NULL, err);
    if (!w->file)
        return err->code;
    iw_status status = read_existing(w, err);
    if (status == IW_OK && !w->file_has_hello)
        status = iw_framelog_append(w->file, IW_MSG_HELLO, 0, w->hello.data, w->hello.size, err);
    if (status == IW_OK)
        status = iw_framelog_sync(w->file, err);
    return status;
}

static void
failed(file_link *self, const iw_error *err)
{
    ionwatch *w = self->w;
    self->retry_ms = iw_now_ms() + w->timing.sync_ms;
    pthread_mutex_lock(&w->lock);
    (void)iw_fail(&w->link_error, err->code, "%s: %s", w->path, err->text);
    w->connected = false;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* Takes frames out of the outbox until it is empty or the disk is full. */
static iw_status
write_frames(file_link *self, iw_error *err)
{
    ionwatch *w = self->w;
    for (;;) {
        uint64_t seq = 0;
        pthread_mutex_lock(&w->lock);
        iw_packet *packet = iw_outbox_next(&w->outbox, &seq);
        if (!packet && !iw_outbox_window_is_full(&w->outbox) &&
            iw_spool_has_unread(&w->outbox.spool)) {
            if (iw_outbox_refill(&w->outbox, err) != IW_OK)
                w->link_error = *err;
            if (iw_outbox_is_empty(&w->outbox)) /* who flushes waits for that */
                pthread_cond_broadcast(&w->changed);
            packet = iw_outbox_next(&w->outbox, &seq);
        }
        pthread_mutex_unlock(&w->lock);
        if (!packet)
            return iw_framelog_flush(w->file, err);
        iw_status status = iw_wire_set_seq(packet->bytes.data, packet->bytes.size, seq, err);
        if (status == IW_OK)
            status = iw_framelog_append(w->file, IW_MSG_FRAME, seq, packet->bytes.data,
                                        packet->bytes.size, err);
        if (status != IW_OK) {
            pthread_mutex_lock(&w->lock);
            iw_outbox_undo_next(&w->outbox);
            pthread_mutex_unlock(&w->lock);
            return status;
        }
        self->written = seq;
    }
}

/* After a sync that failed: what it was to make durable is written anew. */
static iw_status
begin_again(file_link *self, iw_error *err)
{
    ionwatch *w = self->w;
    iw_status status = iw_framelog_cut(w->file, self->durable_bytes, err);
    if (status != IW_OK)
        return status;
    self->doubtful = false;
    self->written = self->durable;
    self->bye_written = false;
    pthread_mutex_lock(&w->lock);
    iw_outbox_send_again(&w->outbox, self->durable + 1);
    pthread_mutex_unlock(&w->lock);
    return IW_OK;
}

static iw_status
make_durable(file_link *self, iw_error *err)
{
    ionwatch *w = self->w;
    iw_status status = iw_framelog_flush(w->file, err);
    if (status != IW_OK)
        return status;
    status = iw_framelog_sync(w->file, err);
    if (status != IW_OK) {
        self->doubtful = true;
        return status;
    }
    self->durable = self->written;
    self->durable_bytes = iw_framelog_size(w->file);
    self->synced_ms = iw_now_ms();
    pthread_mutex_lock(&w->lock);
    iw_outbox_acknowledge(&w->outbox, self->durable);
    pthread_cond_broadcast(&w->changed);
    w->connected = true;
    if (self->bye_written)
        w->bye_done = true;
    pthread_mutex_unlock(&w->lock);
    return IW_OK;
}

static iw_status
write_bye(file_link *self, iw_error *err)
{
    ionwatch *w = self->w;
    iw_buffer bytes = {0};
    iw_message bye;
    iw_message_init(&bye, IW_MSG_BYE);
    pthread_mutex_lock(&w->lock);
    memcpy(bye.text, w->bye, sizeof bye.text);
    pthread_mutex_unlock(&w->lock);
    bye.seq = self->written;
    iw_status status = iw_wire_encode(&bye, &bytes, err);
    if (status == IW_OK)
        status = iw_framelog_append(w->file, IW_MSG_BYE, bye.seq, bytes.data, bytes.size, err);
    self->bye_written = status == IW_OK;
    iw_buffer_fini(&bytes);
    return status;
}

/* "<path>.stop" asks the run to end; its first line says why. */
static void
check_stop(file_link *self, int64_t now_ms)
{
    char reason[IW_WIRE_TEXT] = "";
    if (now_ms - self->stop_checked_ms < self->w->timing.stop_check_ms)
        return;
    self->stop_checked_ms = now_ms;
    FILE *file = fopen(self->w->stop_path, "re");
    if (!file)
        return;
    if (fgets(reason, sizeof reason, file))
        reason[strcspn(reason, "\r\n")] = '\0';
    (void)fclose(file);
    iw_client_request_stop(self->w, reason[0] ? reason : "asked by a stop file");
}

static void
work(file_link *self, int64_t now_ms)
{
    ionwatch *w = self->w;
    iw_error err;
    if (now_ms < self->retry_ms)
        return;
    iw_status status = self->doubtful ? begin_again(self, &err) : IW_OK;
    const uint64_t before = self->written;
    if (status == IW_OK)
        status = write_frames(self, &err);
    if (self->written > before)
        self->frames_at_ms = now_ms;
    pthread_mutex_lock(&w->lock);
    bool all = status == IW_OK && iw_outbox_all_sent(&w->outbox);
    bool bye = all && w->finishing && !self->bye_written;
    bool urgent = w->flushing || w->closing || w->finishing || iw_outbox_window_is_full(&w->outbox);
    pthread_mutex_unlock(&w->lock);
    if (bye)
        status = write_bye(self, &err);
    bool dirty = self->written > self->durable || bye || (self->bye_written && !w->bye_done);
    if (status == IW_OK && dirty && (urgent || now_ms - self->synced_ms >= w->timing.sync_ms))
        status = make_durable(self, &err);
    if (status != IW_OK)
        failed(self, &err);
}

static void
wait_for_events(file_link *self, int64_t now_ms)
{
    ionwatch *w = self->w;
    struct pollfd item = {.fd = w->wake_fd, .events = POLLIN};
    int wait_ms = w->timing.stop_check_ms;
    if (self->written > self->durable && wait_ms > w->timing.sync_ms)
        wait_ms = w->timing.sync_ms;
    pthread_mutex_lock(&w->lock);
    if (w->closing && w->deadline_ms - now_ms < wait_ms)
        wait_ms = w->deadline_ms > now_ms ? (int)(w->deadline_ms - now_ms) : 0;
    bool retrying = self->retry_ms > now_ms;
    if (retrying && self->retry_ms - now_ms < wait_ms)
        wait_ms = (int)(self->retry_ms - now_ms);
    /* Where frames come fast the next one needs no wake-up either. */
    bool busy = now_ms - self->frames_at_ms <= INT64_C(5) * w->timing.doze_ms;
    bool news = !retrying && (busy || !iw_outbox_all_sent(&w->outbox));
    if (news && wait_ms > w->timing.doze_ms)
        wait_ms = w->timing.doze_ms;
    w->asleep = !news;
    pthread_mutex_unlock(&w->lock);
    if (poll(&item, 1, wait_ms) > 0) {
        uint64_t count;
        ssize_t ignored = read(w->wake_fd, &count, sizeof count);
        (void)ignored;
    }
}

void
iw_link_file_run(ionwatch *w)
{
    file_link self = {.w = w,
                      .written = w->file_seq,
                      .durable = w->file_seq,
                      .durable_bytes = iw_framelog_size(w->file)};
    pthread_mutex_lock(&w->lock);
    iw_outbox_welcome(&w->outbox, w->file_seq + 1);
    w->connected = true;
    pthread_mutex_unlock(&w->lock);
    for (;;) {
        int64_t now_ms = iw_now_ms();
        work(&self, now_ms);
        check_stop(&self, now_ms);
        pthread_mutex_lock(&w->lock);
        bool end = iw_client_may_end(w, now_ms);
        pthread_mutex_unlock(&w->lock);
        if (end)
            break;
        wait_for_events(&self, now_ms);
    }
    if (self.doubtful) /* the spool has it */
        (void)iw_framelog_cut(w->file, self.durable_bytes, NULL);
}
