/* SPDX-License-Identifier: GPL-3.0-or-later */
/* journal_write.c - from the mails of one run to its file. */
#include "ionwatchd/log.h"
#include "journal/folder.h"
#include "journal/journal_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

iw_status
iw_entry_cut_back(const iw_entry *run, const char *path, iw_error *err)
{
    struct stat info;
    if (run->durable_bytes == 0 || stat(path, &info) != 0 ||
        (uint64_t)info.st_size <= run->durable_bytes)
        return IW_OK;
    if (truncate(path, (off_t)run->durable_bytes) != 0)
        return iw_fail_errno(err, "cannot cut %s back to %llu bytes", path,
                             (unsigned long long)run->durable_bytes);
    return IW_OK;
}

/* How the journal stands that was just opened: a filed run that goes on is read again from its
 * start. */
static iw_status
take_stock(iw_turn *at, const char *path, uint64_t bytes, iw_error *err)
{
    iw_entry *run = at->run;
    if (run->durable_bytes == bytes)
        return IW_OK;
    iw_journal_scan scan;
    iw_status status = iw_journal_scan_file(path, &scan, err);
    if (status == IW_NOT_FOUND) { /* new, or it never held a whole record */
        run->durable_bytes = bytes;
        return IW_OK;
    }
    if (status != IW_OK)
        return status;
    run->durable_seq = scan.last_seq;
    run->durable_bytes = scan.bytes;
    at->found = scan.info;
    return IW_OK;
}

/* Opens the file for appending.  The entry gets the writer only once it is known what in the file
 * is durable: nobody may cut it back before that. */
static iw_status
open_writer(iw_turn *at, iw_error *err)
{
    const char *data = at->journal->data;
    iw_entry *run = at->run;
    char path[IW_JOURNAL_PATH];
    iw_folder_path(data, run->id, "journal.iwlog", path, sizeof path);
    if (iw_folder_make_run(data, run->id, err) != IW_OK ||
        iw_entry_cut_back(run, path, err) != IW_OK)
        return err->code;
    iw_framelog_writer *writer =
        iw_framelog_writer_open_from(path, run->durable_bytes, &at->cut, err);
    if (!writer)
        return err->code;
    if (at->cut > 0)
        iw_log("journal.torn_tail", "run %s: %llu bytes cut from %s", run->id,
               (unsigned long long)at->cut, path);
    iw_status status = iw_folder_sync(data, run->id, err);
    if (status == IW_OK)
        status = take_stock(at, path, iw_framelog_size(writer), err);
    if (status == IW_OK)
        run->writer = writer;
    else
        (void)iw_framelog_writer_close(&writer, NULL);
    return status;
}

bool
iw_is_record(iw_mail_kind kind)
{
    return kind == IW_MAIL_HELLO || kind == IW_MAIL_FRAME || kind == IW_MAIL_BYE ||
           kind == IW_MAIL_CONTROL || kind == IW_MAIL_FILED;
}

static iw_status
append_filed(iw_entry *run, const iw_mail *mail, iw_error *err)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_FILED);
    iw_text_copy(message.text, sizeof message.text, mail->text);
    iw_buffer bytes = {0};
    iw_status status = iw_wire_encode(&message, &bytes, err);
    if (status == IW_OK)
        status = iw_framelog_append(run->writer, IW_MSG_FILED, run->durable_seq, bytes.data,
                                    bytes.size, err);
    iw_buffer_fini(&bytes);
    return status;
}

static iw_status
append(iw_entry *run, iw_mail *mail, iw_error *err)
{
    if (mail->kind == IW_MAIL_FILED)
        return append_filed(run, mail, err);
    uint32_t kind = mail->kind == IW_MAIL_HELLO   ? IW_MSG_HELLO
                    : mail->kind == IW_MAIL_FRAME ? IW_MSG_FRAME
                    : mail->kind == IW_MAIL_BYE   ? IW_MSG_BYE
                                                  : IW_MSG_CONTROL;
    return iw_framelog_append(run->writer, kind, mail->seq, zmq_msg_data(&mail->message),
                              zmq_msg_size(&mail->message), err);
}

/* A run that was never here before. */
static bool
is_new(const iw_journal *self, const iw_entry *run)
{
    char path[IW_JOURNAL_PATH];
    iw_folder_path(self->data, run->id, "", path, sizeof path);
    return run->durable_bytes == 0 && access(path, F_OK) != 0;
}

/* FULL: it is refused; IO: it waits.  What is small and ends a run is written all the same. */
static iw_status
check_room(const iw_journal *self, const iw_entry *run, iw_error *err)
{
    bool grows = false;
    for (const iw_mail *mail = run->mails.first; mail && !grows; mail = mail->next)
        grows = mail->kind == IW_MAIL_FRAME || mail->kind == IW_MAIL_HELLO;
    if (!grows || !self->low)
        return IW_OK;
    *err = self->low_error;
    err->code = is_new(self, run) ? IW_FULL : IW_IO;
    return err->code;
}

static iw_status
write_all(iw_turn *at, iw_error *err)
{
    iw_entry *run = at->run;
    iw_status status = check_room(at->journal, run, err);
    if (status == IW_OK && !run->writer)
        status = open_writer(at, err);
    at->last_seq = run->durable_seq;
    bool any = false;
    for (iw_mail *mail = run->mails.first; status == IW_OK && mail; mail = mail->next) {
        if (!iw_is_record(mail->kind))
            continue;
        status = append(run, mail, err);
        any = true;
        if (mail->kind == IW_MAIL_FRAME)
            at->last_seq = mail->seq;
    }
    return status == IW_OK && any ? iw_framelog_sync(run->writer, err) : status;
}

void
iw_turn_take(void *item)
{
    iw_turn *at = item;
    at->status = write_all(at, &at->err);
}
