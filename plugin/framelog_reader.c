/* SPDX-License-Identifier: BSD-3-Clause */
#include "framelog_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct iw_framelog_reader {
    iw_framelog_bytes from;
    int fd;            /* of a plain file; else -1 */
    uint64_t at;       /* of the next record */
    uint64_t last;     /* of the record given out last; 0: none */
    uint64_t end;      /* size when last asked */
    uint64_t searched; /* size when a too long record was last searched past */
    iw_buffer payload; /* of the last record given out */
};

static iw_status
check_header(const iw_framelog_bytes *from, const char *name, iw_error *err)
{
    unsigned char bytes[IW_FRAMELOG_HEADER];
    uint64_t size = from->size(from->self);
    size_t n = size < sizeof bytes ? (size_t)size : sizeof bytes;
    if (from->read(from->self, bytes, n, 0, err) != IW_OK)
        return iw_prefix(err, "cannot read %s", name), err->code;
    if (memcmp(bytes, iw_framelog_header, n < 6 ? n : 6) != 0)
        return iw_fail(err, IW_CORRUPT, "%s is not a frame log", name);
    if (n < sizeof bytes)
        return iw_fail(err, IW_AGAIN, "%s has only %zu bytes yet", name, n);
    if (memcmp(bytes, iw_framelog_header, sizeof bytes) != 0)
        return iw_fail(err, IW_UNSUPPORTED, "%s is a frame log of version %u, not %d", name,
                       (unsigned)bytes[6] | (unsigned)bytes[7] << 8, IW_FRAMELOG_VERSION);
    return IW_OK;
}

static iw_framelog_reader *
new_reader(const char *name, iw_error *err)
{
    iw_framelog_reader *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory to read %s", name);
        return NULL;
    }
    self->fd = -1;
    self->at = IW_FRAMELOG_HEADER;
    return self;
}

iw_framelog_reader *
iw_framelog_reader_open(const char *path, iw_error *err)
{
    iw_error unused;
    if (!err)
        err = &unused;
    iw_framelog_reader *self = new_reader(path, err);
    if (!self)
        return NULL;
    self->fd = open(path, O_RDONLY | O_CLOEXEC);
    self->from = iw_framelog_bytes_of(&self->fd);
    if (self->fd < 0) {
        bool absent = errno == ENOENT;
        (void)iw_fail_errno(err, "cannot open %s", path);
        if (absent)
            err->code = IW_NOT_FOUND;
    }
    if (self->fd < 0 || check_header(&self->from, path, err) != IW_OK)
        iw_framelog_reader_close(&self);
    return self;
}

iw_framelog_reader *
iw_framelog_reader_open_bytes(const iw_framelog_bytes *bytes, const char *name, iw_error *err)
{
    iw_error unused;
    if (!err)
        err = &unused;
    iw_framelog_reader *self = new_reader(name, err);
    if (!self) {
        if (bytes->close)
            bytes->close(bytes->self);
        return NULL;
    }
    self->from = *bytes;
    if (check_header(&self->from, name, err) != IW_OK)
        iw_framelog_reader_close(&self);
    return self;
}

/* After damage: stands before the next whole record, or at the end. */
static iw_status
damaged(iw_framelog_reader *self, const char *what, iw_error *err)
{
    uint64_t offset = self->at;
    uint64_t found;
    iw_status status = iw_framelog_find(&self->from, offset + 1, self->end, &found, err);
    if (status != IW_OK)
        return status;
    self->at = found;
    return iw_fail(err, IW_CORRUPT, "the record at offset %llu %s; %llu bytes are passed over",
                   (unsigned long long)offset, what, (unsigned long long)(found - offset));
}

/* A record that ends behind the file is not all there yet, unless its size is damaged: then whole
 * records follow. */
static iw_status
too_long(iw_framelog_reader *self, uint32_t size, iw_error *err)
{
    if (self->searched != self->end) {
        uint64_t found;
        iw_status status = iw_framelog_find(&self->from, self->at + 1, self->end, &found, err);
        if (status != IW_OK)
            return status;
        if (found < self->end)
            return damaged(self, "has a wrong size", err);
        self->searched = self->end;
    }
    return iw_fail(err, IW_AGAIN, "the record at offset %llu has %llu of %u bytes",
                   (unsigned long long)self->at,
                   (unsigned long long)(self->end - self->at - IW_FRAMELOG_HEAD), size);
}

iw_status
iw_framelog_next(iw_framelog_reader *self, iw_framelog_record *record, iw_error *err)
{
    unsigned char bytes[IW_FRAMELOG_HEAD];
    self->last = 0;
    if (self->end < self->at + sizeof bytes)
        self->end = iw_framelog_file_size(self);
    if (self->end <= self->at)
        return IW_END;
    if (self->end - self->at < sizeof bytes)
        return iw_fail(err, IW_AGAIN, "%llu bytes of a record at offset %llu are there",
                       (unsigned long long)(self->end - self->at), (unsigned long long)self->at);
    iw_status status = self->from.read(self->from.self, bytes, sizeof bytes, self->at, err);
    if (status != IW_OK)
        return status;
    iw_framelog_head head = iw_framelog_head_read(bytes);
    if (!iw_framelog_head_plausible(&head))
        return damaged(self, "has an impossible size or kind", err);
    uint64_t start = self->at + sizeof bytes;
    if (head.size > self->end - start)
        self->end = iw_framelog_file_size(self);
    if (head.size > self->end - start)
        return too_long(self, head.size, err);
    status = iw_buffer_reserve(&self->payload, head.size ? head.size : 1, err);
    if (status == IW_OK)
        status = self->from.read(self->from.self, self->payload.data, head.size, start, err);
    if (status != IW_OK)
        return status;
    if (!iw_framelog_head_matches(bytes, self->payload.data, head.size))
        return damaged(self, "does not match its checksum", err);
    *record = (iw_framelog_record){.kind = head.kind,
                                   .seq = head.seq,
                                   .data = self->payload.data,
                                   .size = head.size,
                                   .offset = self->at};
    self->last = self->at;
    self->at = start + head.size;
    return IW_OK;
}

void
iw_framelog_rewind(iw_framelog_reader *self)
{
    self->at = IW_FRAMELOG_HEADER;
    self->last = 0;
}

uint64_t
iw_framelog_tell(const iw_framelog_reader *self)
{
    return self->at;
}

iw_status
iw_framelog_seek(iw_framelog_reader *self, uint64_t offset, iw_error *err)
{
    uint64_t size = iw_framelog_file_size(self);
    if (offset < IW_FRAMELOG_HEADER || offset > size)
        return iw_fail(err, IW_INVALID, "offset %llu is outside of the log of %llu bytes",
                       (unsigned long long)offset, (unsigned long long)size);
    self->at = offset;
    self->last = 0;
    return IW_OK;
}

static iw_status
head_at(const iw_framelog_reader *self, uint64_t offset, iw_framelog_head *head, iw_error *err)
{
    unsigned char bytes[IW_FRAMELOG_HEAD];
    iw_status status = self->from.read(self->from.self, bytes, sizeof bytes, offset, err);
    if (status == IW_OK)
        *head = iw_framelog_head_read(bytes);
    return status;
}

iw_status
iw_framelog_stand(const iw_framelog_reader *self, iw_framelog_place *place, iw_error *err)
{
    iw_framelog_head first, last;
    if (self->last == 0)
        return iw_fail(err, IW_INVALID, "no record was read last");
    iw_status status = head_at(self, IW_FRAMELOG_HEADER, &first, err);
    if (status == IW_OK)
        status = head_at(self, self->last, &last, err);
    if (status == IW_OK)
        *place = (iw_framelog_place){self->at, self->last, last.checksum, first.checksum};
    return status;
}

iw_status
iw_framelog_resume(iw_framelog_reader *self, const iw_framelog_place *place, iw_error *err)
{
    uint64_t size = iw_framelog_file_size(self);
    iw_framelog_record record = {.offset = 0};
    iw_framelog_head first, last;
    if (place->end > size || place->record < IW_FRAMELOG_HEADER || place->record >= place->end ||
        place->end - place->record < IW_FRAMELOG_HEAD)
        return iw_fail(err, IW_CORRUPT, "the log of %llu bytes has no record at offset %llu",
                       (unsigned long long)size, (unsigned long long)place->record);
    iw_status status = head_at(self, IW_FRAMELOG_HEADER, &first, err);
    if (status == IW_OK)
        status = head_at(self, place->record, &last, err);
    if (status == IW_OK &&
        (first.checksum != place->first_checksum || last.checksum != place->checksum ||
         last.size != place->end - place->record - IW_FRAMELOG_HEAD))
        status = IW_CORRUPT;
    if (status == IW_OK) {
        self->at = place->record;
        status = iw_framelog_next(self, &record, err);
    }
    if (status == IW_CORRUPT || status == IW_AGAIN)
        return iw_fail(err, IW_CORRUPT, "the log has another record at offset %llu",
                       (unsigned long long)place->record);
    return status;
}

uint64_t
iw_framelog_file_size(const iw_framelog_reader *self)
{
    return self->from.size(self->from.self);
}

void
iw_framelog_reader_close(iw_framelog_reader **self)
{
    if (!*self)
        return;
    iw_buffer_fini(&(*self)->payload);
    if ((*self)->from.close)
        (*self)->from.close((*self)->from.self);
    if ((*self)->fd >= 0)
        (void)close((*self)->fd);
    free(*self);
    *self = NULL;
}
