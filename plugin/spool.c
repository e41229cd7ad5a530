/* SPDX-License-Identifier: BSD-3-Clause */
#include "spool.h"

#include "framelog_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file is closed for appending at a sixteenth of the limit, so that room comes back in pieces. */
enum { PIECES = 16 };

iw_status
iw_spool_init(iw_spool *self, const char *folder, const char *run_id, uint64_t limit,
              const iw_buffer *hello, iw_error *err)
{
    memset(self, 0, sizeof *self);
    self->limit = limit;
    self->hello = hello;
    size_t size = strlen(folder) + IW_ID_LENGTH + sizeof "/ionwatch-.spool";
    self->stem = malloc(size);
    if (!self->stem)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the name of the spool");
    (void)snprintf(self->stem, size, "%s/ionwatch-%s.spool", folder, run_id);
    return IW_OK;
}

void
iw_spool_fini(iw_spool *self)
{
    iw_framelog_reader_close(&self->reader);
    (void)iw_framelog_writer_close(&self->writer, NULL);
    for (size_t i = 0; i < self->n_files; i++)
        free(self->files[i].path);
    free(self->files);
    free(self->stem);
    memset(self, 0, sizeof *self);
}

/* An empty place for one more file at index at. */
static iw_spool_file *
insert_file(iw_spool *self, size_t at, const char *path, iw_error *err)
{
    char *copy = strdup(path);
    iw_spool_file *files = realloc(self->files, (self->n_files + 1) * sizeof *files);
    if (files)
        self->files = files;
    if (!copy || !files) {
        free(copy);
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for one more spool file");
        return NULL;
    }
    memmove(files + at + 1, files + at, (self->n_files - at) * sizeof *files);
    self->n_files++;
    memset(&files[at], 0, sizeof files[at]);
    files[at].path = copy;
    files[at].read_at = 8;
    return &files[at];
}

static void
forget_file(iw_spool *self, size_t at)
{
    self->bytes -= self->files[at].bytes;
    free(self->files[at].path);
    self->n_files--;
    memmove(self->files + at, self->files + at + 1, (self->n_files - at) * sizeof *self->files);
}

static iw_status
append_welcome(const iw_spool *self, iw_framelog_writer *writer, iw_error *err)
{
    iw_buffer bytes = {0};
    iw_message message;
    iw_message_init(&message, IW_MSG_WELCOME);
    message.seq = self->shift + 1;
    iw_status status = iw_wire_encode(&message, &bytes, err);
    if (status == IW_OK)
        status =
            iw_framelog_append(writer, IW_MSG_WELCOME, message.seq, bytes.data, bytes.size, err);
    iw_buffer_fini(&bytes);
    return status;
}

/* A new file with its HELLO, and WELCOME if that is known; *path is freed by the caller. */
static iw_framelog_writer *
start_file(iw_spool *self, char **path, iw_error *err)
{
    size_t size = strlen(self->stem) + 16;
    *path = malloc(size);
    if (!*path) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for the name of a spool file");
        return NULL;
    }
    iw_framelog_writer *writer = NULL;
    /* A file that another process writes is passed over. */
    do {
        if (self->ordinal == 0)
            (void)snprintf(*path, size, "%s", self->stem);
        else
            (void)snprintf(*path, size, "%s.%u", self->stem, self->ordinal);
        self->ordinal++;
        writer = iw_framelog_writer_open(*path, NULL, err);
    } while (!writer && err->code == IW_EXISTS && self->ordinal < 10000);
    if (!writer)
        return NULL;
    iw_status status =
        iw_framelog_append(writer, IW_MSG_HELLO, 0, self->hello->data, self->hello->size, err);
    if (status == IW_OK && self->numbered)
        status = append_welcome(self, writer, err);
    if (status != IW_OK) {
        (void)iw_framelog_writer_close(&writer, NULL);
        (void)unlink(*path);
    }
    return writer;
}

/* What a full disk looks like; anything else will not pass by waiting. */
static iw_status
full_or_broken(iw_status status, const iw_error *err)
{
    if (status == IW_IO &&
        (err->sys_errno == ENOSPC || err->sys_errno == EDQUOT || err->sys_errno == EFBIG))
        return IW_FULL;
    return status;
}

static iw_status
begin_piece(iw_spool *self, uint64_t number, iw_error *err)
{
    char *path = NULL;
    iw_framelog_writer *writer = start_file(self, &path, err);
    iw_spool_file *file = writer ? insert_file(self, self->n_files, path, err) : NULL;
    if (writer && !file) {
        (void)iw_framelog_writer_close(&writer, NULL);
        (void)unlink(path);
    }
    free(path);
    if (!file)
        return err->code;
    file->first = number;
    file->last = number;
    file->bytes = iw_framelog_size(writer);
    self->bytes += file->bytes;
    self->writer = writer;
    return IW_OK;
}

static void
remove_file(iw_spool *self, size_t at)
{
    (void)unlink(self->files[at].path);
    forget_file(self, at);
}

iw_status
iw_spool_push(iw_spool *self, uint64_t number, const void *frame, size_t size, iw_error *err)
{
    iw_error unused;
    if (!err)
        err = &unused;
    if (self->bytes + size + 64 > self->limit)
        return iw_fail(err, IW_FULL, "the spool %s holds %llu of %llu bytes", self->stem,
                       (unsigned long long)self->bytes, (unsigned long long)self->limit);
    iw_status status = IW_OK;
    if (self->writer && self->files[self->n_files - 1].bytes > self->limit / PIECES)
        status = iw_framelog_writer_close(&self->writer, err);
    bool begun = false;
    if (status == IW_OK && !self->writer) {
        status = begin_piece(self, number, err);
        begun = status == IW_OK;
    }
    if (status == IW_OK)
        status = iw_framelog_append(self->writer, IW_MSG_FRAME, number, frame, size, err);
    if (status != IW_OK) {
        if (begun) { /* an empty file says nothing */
            (void)iw_framelog_writer_close(&self->writer, NULL);
            remove_file(self, self->n_files - 1);
        }
        return full_or_broken(status, err);
    }
    iw_spool_file *file = &self->files[self->n_files - 1];
    uint64_t bytes = iw_framelog_size(self->writer);
    self->bytes += bytes - file->bytes;
    file->bytes = bytes;
    file->last = number;
    return IW_OK;
}

bool
iw_spool_has_unread(const iw_spool *self)
{
    for (size_t i = self->reading; i < self->n_files; i++)
        if (!self->files[i].read)
            return true;
    return false;
}

static bool
is_written(const iw_spool *self, size_t at)
{
    return self->writer && at == self->n_files - 1;
}

/* The record at read_at of the file that is being read, from the file or from its writer's memory:
 * a disk that is full must not keep frames from the daemon.  *next is where the one behind it
 * begins. */
static iw_status
record_here(iw_spool *self, iw_framelog_record *record, uint64_t *next, iw_error *err)
{
    iw_spool_file *file = &self->files[self->reading];
    iw_status status = IW_AGAIN;
    if (is_written(self, self->reading))
        status = iw_framelog_peek(self->writer, file->read_at, record);
    if (status != IW_AGAIN) {
        iw_framelog_reader_close(&self->reader);
        *next = file->read_at + IW_FRAMELOG_HEAD + record->size;
        return status;
    }
    status = IW_OK;
    if (!self->reader) {
        self->reader = iw_framelog_reader_open(file->path, err);
        status = self->reader ? iw_framelog_seek(self->reader, file->read_at, err) : err->code;
    }
    if (status == IW_OK)
        status = iw_framelog_next(self->reader, record, err);
    if (self->reader)
        *next = iw_framelog_tell(self->reader);
    return status;
}

/* One frame of the file that is being read, or END when that file has no more for now. */
static iw_status
read_here(iw_spool *self, uint64_t *number, iw_buffer *frame, iw_error *err)
{
    iw_spool_file *file = &self->files[self->reading];
    for (;;) {
        iw_framelog_record record = {.size = 0};
        uint64_t next = file->read_at;
        iw_status status = record_here(self, &record, &next, err);
        if (status == IW_OK && record.kind == IW_MSG_FRAME && record.seq > self->last_read) {
            iw_buffer_clear(frame);
            status = iw_buffer_append(frame, record.data, record.size, err);
            if (status == IW_OK) {
                file->read_at = next;
                self->last_read = record.seq;
                *number = record.seq;
                return IW_OK;
            }
        }
        /* A damaged record costs itself; the sequence numbers show the gap. */
        if (status == IW_OK || status == IW_CORRUPT) {
            file->read_at = next;
            continue;
        }
        if (status == IW_END || status == IW_AGAIN)
            return IW_END;
        iw_framelog_reader_close(&self->reader); /* it is read again from read_at */
        return status;
    }
}

iw_status
iw_spool_read(iw_spool *self, uint64_t *number, iw_buffer *frame, iw_error *err)
{
    iw_error unused;
    if (!err)
        err = &unused;
    while (self->reading < self->n_files) {
        iw_spool_file *file = &self->files[self->reading];
        iw_status status = file->read ? IW_END : read_here(self, number, frame, err);
        if (status != IW_END)
            return status;
        /* Each file holds an unbroken row of frames, so that files sort by their first: what comes
         * after a pause goes into another one.  What a full disk did not take was read. */
        if (is_written(self, self->reading))
            (void)iw_framelog_writer_close(&self->writer, NULL);
        file->read = true;
        iw_framelog_reader_close(&self->reader);
        self->reading++;
    }
    return IW_END;
}

void
iw_spool_acknowledge(iw_spool *self, uint64_t number)
{
    while (self->n_files > 0 && self->files[0].read && self->files[0].last <= number) {
        if (self->reading == 0)
            iw_framelog_reader_close(&self->reader);
        else
            self->reading--;
        if (self->n_files == 1)
            (void)iw_framelog_writer_close(&self->writer, NULL);
        remove_file(self, 0);
        if (self->n_files == 0)
            self->ordinal = 0;
    }
}

iw_status
iw_spool_front_open(iw_spool *self, iw_framelog_writer **writer, iw_error *err)
{
    char *path = NULL;
    *writer = start_file(self, &path, err);
    if (!*writer) {
        free(path);
        return err->code;
    }
    iw_framelog_reader_close(&self->reader);
    iw_spool_file *file = insert_file(self, self->reading, path, err);
    if (!file) {
        (void)iw_framelog_writer_close(writer, NULL);
        (void)unlink(path);
    }
    free(path);
    return file ? IW_OK : IW_NO_MEMORY;
}

iw_status
iw_spool_front_close(iw_spool *self, iw_framelog_writer **writer, uint64_t first, uint64_t last,
                     bool keep, iw_error *err)
{
    iw_spool_file *file = &self->files[self->reading];
    file->first = first;
    file->last = last;
    file->bytes = iw_framelog_size(*writer);
    self->bytes += file->bytes;
    iw_status status = keep ? iw_framelog_sync(*writer, err) : IW_CLOSED;
    if (status == IW_OK && self->reading + 1 == self->n_files) {
        self->writer = *writer; /* later frames are appended to it */
        *writer = NULL;
    } else {
        iw_status closed = iw_framelog_writer_close(writer, status == IW_OK ? err : NULL);
        status = status == IW_OK ? closed : status;
    }
    if (status == IW_OK)
        self->last_read = first - 1;
    else
        remove_file(self, self->reading);
    return status;
}

/* Files go oldest first, so the newest one must know the shift. */
iw_status
iw_spool_set_shift(iw_spool *self, uint64_t shift, iw_error *err)
{
    iw_error unused;
    if (!err)
        err = &unused;
    if (self->numbered && self->shift == shift && !self->unsaid)
        return IW_OK;
    self->numbered = true;
    self->shift = shift;
    self->unsaid = self->n_files > 0;
    if (!self->unsaid)
        return IW_OK;
    iw_status status = IW_OK;
    if (self->writer)
        status = append_welcome(self, self->writer, err);
    else /* a new file begins with it */
        status = begin_piece(self, self->files[self->n_files - 1].last, err);
    if (status == IW_OK)
        status = iw_framelog_sync(self->writer, err);
    self->unsaid = status != IW_OK;
    return status;
}

iw_status
iw_spool_push_bye(iw_spool *self, uint64_t number, const char *why, iw_error *err)
{
    iw_buffer bytes = {0};
    iw_message message;
    iw_error unused;
    if (!err)
        err = &unused;
    iw_message_init(&message, IW_MSG_BYE);
    message.seq = number;
    (void)snprintf(message.text, sizeof message.text, "%s", why);
    iw_status status = iw_wire_encode(&message, &bytes, err);
    if (status == IW_OK && !self->writer)
        status = begin_piece(self, number, err);
    if (status == IW_OK)
        status = iw_framelog_append(self->writer, IW_MSG_BYE, number, bytes.data, bytes.size, err);
    iw_buffer_fini(&bytes);
    return status;
}

iw_status
iw_spool_flush(iw_spool *self, bool durable, iw_error *err)
{
    if (!self->writer)
        return IW_OK;
    return durable ? iw_framelog_sync(self->writer, err) : iw_framelog_flush(self->writer, err);
}
