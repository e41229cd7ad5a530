/* SPDX-License-Identifier: BSD-3-Clause */
#include "framelog_record.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Appends gather here and go out in one write. */
enum { GATHER = 1 << 20 };

struct iw_framelog_writer {
    int fd;
    bool mark;          /* the next record follows a sync */
    uint64_t on_disk;   /* bytes of whole records (and header) in the file */
    iw_buffer gathered; /* whole records that are not in the file yet */
};

/* The path of the folder that holds path is made durable, so that the new file has a name. */
static void
sync_folder(const char *path)
{
    char copy[PATH_MAX];
    if (strlen(path) >= sizeof copy)
        return;
    memcpy(copy, path, strlen(path) + 1);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
}

static iw_status
cut(int fd, uint64_t size, iw_error *err)
{
    if (ftruncate(fd, (off_t)size) != 0)
        return iw_fail_errno(err, "cannot cut the log to %llu bytes", (unsigned long long)size);
    return IW_OK;
}

/* The largest file that this process may write: going beyond it would raise SIGXFSZ. */
static uint64_t
size_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return UINT64_MAX;
    return limit.rlim_cur;
}

/* Writes at the end of what is on disk; *written tells how far it came. */
static iw_status
write_out(iw_framelog_writer *self, uint64_t offset, const unsigned char *data, size_t size,
          size_t *written, iw_error *err)
{
    uint64_t limit = size_limit();
    size_t allowed = size;
    if (offset >= limit)
        allowed = 0;
    else if (size > limit - offset)
        allowed = (size_t)(limit - offset);
    *written = 0;
    while (*written < allowed) {
        ssize_t n =
            pwrite(self->fd, data + *written, allowed - *written, (off_t)(offset + *written));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return iw_fail_errno(err, "writing %zu bytes at offset %llu", size,
                                 (unsigned long long)offset);
        *written += (size_t)n;
    }
    if (allowed < size) {
        errno = EFBIG;
        return iw_fail_errno(err, "writing %zu bytes at offset %llu", size,
                             (unsigned long long)offset);
    }
    return IW_OK;
}

/* Bytes of the whole records at the front of the gathered ones that fit into size bytes. */
static size_t
whole_records(const iw_buffer *gathered, size_t size)
{
    size_t at = 0;
    while (at + IW_FRAMELOG_HEAD <= size) {
        size_t record = IW_FRAMELOG_HEAD + (size_t)iw_framelog_head_read(gathered->data + at).size;
        if (record > size - at)
            break;
        at += record;
    }
    return at;
}

iw_status
iw_framelog_flush(iw_framelog_writer *self, iw_error *err)
{
    if (self->gathered.size == 0)
        return IW_OK;
    size_t written;
    iw_status status =
        write_out(self, self->on_disk, self->gathered.data, self->gathered.size, &written, err);
    size_t whole = whole_records(&self->gathered, written);
    self->on_disk += whole;
    self->gathered.size -= whole;
    memmove(self->gathered.data, self->gathered.data + whole, self->gathered.size);
    /* What could not be written stays gathered and is tried again by the next flush. */
    if (status != IW_OK && written > whole)
        (void)cut(self->fd, self->on_disk, NULL);
    return status;
}

/* Walks the records of an existing file from offset *end: *end is where the last whole one ends, or
 * the first damage that no mark follows. */
static iw_status
find_end(int fd, uint64_t size, uint64_t *end, iw_error *err)
{
    unsigned char bytes[IW_FRAMELOG_HEAD];
    iw_framelog_bytes file = iw_framelog_bytes_of(&fd);
    iw_buffer payload = {0};
    iw_status status = IW_OK;
    uint64_t at = *end;
    bool damaged = false;
    while (status == IW_OK && at < size && size - at >= sizeof bytes) {
        status = iw_framelog_read_at(fd, bytes, sizeof bytes, at, err);
        if (status != IW_OK)
            break;
        iw_framelog_head head = iw_framelog_head_read(bytes);
        bool whole = iw_framelog_head_plausible(&head) && head.size <= size - at - sizeof bytes;
        if (whole) {
            status = iw_buffer_reserve(&payload, head.size ? head.size : 1, err);
            if (status == IW_OK)
                status = iw_framelog_read_at(fd, payload.data, head.size, at + sizeof bytes, err);
            whole = status == IW_OK && iw_framelog_head_matches(bytes, payload.data, head.size);
        }
        if (status == IW_OK && whole) {
            damaged = damaged && !head.marked;
            at += sizeof bytes + head.size;
            if (!damaged)
                *end = at;
        } else if (status == IW_OK) {
            damaged = true;
            status = iw_framelog_find(&file, at + 1, size, &at, err);
        }
    }
    iw_buffer_fini(&payload);
    return status;
}

static iw_status
make_durable(iw_framelog_writer *self, iw_error *err)
{
    if (fdatasync(self->fd) != 0)
        return iw_fail_errno(err, "the log could not be made durable");
    self->mark = true;
    return IW_OK;
}

static iw_status
start_file(iw_framelog_writer *self, const char *path, iw_error *err)
{
    size_t written;
    iw_status status =
        write_out(self, 0, iw_framelog_header, sizeof iw_framelog_header, &written, err);
    /* Alone: after a sync that fails records are written again, but never the header. */
    if (status == IW_OK)
        status = make_durable(self, err);
    self->mark = false; /* there is no record before the first */
    if (status != IW_OK) {
        (void)cut(self->fd, 0, NULL);
        (void)iw_prefix(err, "%s", path);
        return status;
    }
    self->on_disk = sizeof iw_framelog_header;
    sync_folder(path);
    return IW_OK;
}

static iw_status
adopt_file(iw_framelog_writer *self, const char *path, uint64_t size, uint64_t known,
           uint64_t *cut_bytes, iw_error *err)
{
    unsigned char bytes[IW_FRAMELOG_HEADER];
    size_t have = size < sizeof bytes ? (size_t)size : sizeof bytes;
    iw_status status = iw_framelog_read_at(self->fd, bytes, have, 0, err);
    if (status != IW_OK)
        return status;
    /* A file whose first write was lost or torn by a power cut: what its name can do without. */
    size_t written = 0;
    while (written < have && bytes[written] == iw_framelog_header[written])
        written++;
    bool torn = written < sizeof bytes;
    for (size_t i = written; i < have; i++)
        if (bytes[i] != 0)
            return iw_fail(err, IW_CORRUPT, "%s is not a frame log of version %d", path,
                           IW_FRAMELOG_VERSION);
    if (torn) {
        *cut_bytes = size;
        status = cut(self->fd, 0, err);
        return status == IW_OK ? start_file(self, path, err) : status;
    }
    sync_folder(path); /* who made the file may have been killed before it came to that */
    self->on_disk = known > IW_FRAMELOG_HEADER && known <= size ? known : IW_FRAMELOG_HEADER;
    status = find_end(self->fd, size, &self->on_disk, err);
    if (status == IW_OK && self->on_disk < size)
        status = cut(self->fd, self->on_disk, err);
    if (status == IW_OK)
        *cut_bytes = size - self->on_disk;
    return status == IW_OK ? make_durable(self, err) : status;
}

iw_framelog_writer *
iw_framelog_writer_open(const char *path, uint64_t *cut_bytes, iw_error *err)
{
    return iw_framelog_writer_open_from(path, 0, cut_bytes, err);
}

iw_framelog_writer *
iw_framelog_writer_open_from(const char *path, uint64_t known, uint64_t *cut_bytes, iw_error *err)
{
    uint64_t unused;
    struct stat info;
    iw_framelog_writer *self = calloc(1, sizeof *self);
    if (!cut_bytes)
        cut_bytes = &unused;
    *cut_bytes = 0;
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory to write %s", path);
        return NULL;
    }
    self->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (self->fd < 0) {
        (void)iw_fail_errno(err, "cannot open %s", path);
        goto failed;
    }
    /* A file system without locks is used without. */
    if (flock(self->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        (void)iw_fail(err, IW_EXISTS, "%s is being written by another process", path);
        goto failed;
    }
    if (fstat(self->fd, &info) != 0) {
        (void)iw_fail_errno(err, "cannot look at %s", path);
        goto failed;
    }
    iw_status status = info.st_size == 0
                           ? start_file(self, path, err)
                           : adopt_file(self, path, (uint64_t)info.st_size, known, cut_bytes, err);
    if (status != IW_OK)
        goto failed;
    return self;

failed:
    if (self->fd >= 0)
        (void)close(self->fd);
    iw_buffer_fini(&self->gathered);
    free(self);
    return NULL;
}

/* A record larger than the gathering place: head and payload go straight to the file. */
static iw_status
append_large(iw_framelog_writer *self, const unsigned char *head, const void *data, size_t size,
             iw_error *err)
{
    size_t written = 0;
    iw_status status = iw_framelog_flush(self, err);
    if (status != IW_OK)
        return status;
    status = write_out(self, self->on_disk, head, IW_FRAMELOG_HEAD, &written, err);
    if (status == IW_OK)
        status = write_out(self, self->on_disk + IW_FRAMELOG_HEAD, data, size, &written, err);
    if (status == IW_OK)
        self->on_disk += IW_FRAMELOG_HEAD + size;
    else
        (void)cut(self->fd, self->on_disk, NULL);
    return status;
}

iw_status
iw_framelog_append(iw_framelog_writer *self, uint32_t kind, uint64_t seq, const void *data,
                   size_t size, iw_error *err)
{
    unsigned char head[IW_FRAMELOG_HEAD];
    if (size > IW_FRAMELOG_MAX_PAYLOAD || kind == 0 || kind > IW_FRAMELOG_MAX_KIND)
        return iw_fail(err, IW_INVALID, "a record of %zu bytes and kind %u is not possible", size,
                       kind);
    iw_framelog_head_fill(head, self->mark ? kind | IW_FRAMELOG_MARK : kind, seq, data, size);
    iw_status status = IW_OK;
    if (size > GATHER - sizeof head) {
        status = append_large(self, head, data, size, err);
    } else {
        if (self->gathered.size + sizeof head + size > GATHER)
            status = iw_framelog_flush(self, err);
        if (status == IW_OK)
            status = iw_buffer_reserve(&self->gathered, GATHER, err);
        if (status == IW_OK) {
            (void)iw_buffer_append(&self->gathered, head, sizeof head, NULL);
            (void)iw_buffer_append(&self->gathered, data, size, NULL);
        }
    }
    if (status == IW_OK)
        self->mark = false;
    return status;
}

iw_status
iw_framelog_sync(iw_framelog_writer *self, iw_error *err)
{
    iw_status status = iw_framelog_flush(self, err);
    return status == IW_OK ? make_durable(self, err) : status;
}

iw_status
iw_framelog_cut(iw_framelog_writer *self, uint64_t size, iw_error *err)
{
    iw_status status = cut(self->fd, size, err);
    if (status != IW_OK)
        return status;
    self->on_disk = size;
    iw_buffer_clear(&self->gathered);
    return make_durable(self, err);
}

iw_status
iw_framelog_peek(const iw_framelog_writer *self, uint64_t offset, iw_framelog_record *record)
{
    if (offset < self->on_disk)
        return IW_AGAIN;
    if (offset >= iw_framelog_size(self))
        return IW_END;
    const unsigned char *bytes = self->gathered.data + (offset - self->on_disk);
    iw_framelog_head head = iw_framelog_head_read(bytes);
    *record = (iw_framelog_record){.kind = head.kind,
                                   .seq = head.seq,
                                   .data = bytes + IW_FRAMELOG_HEAD,
                                   .size = head.size,
                                   .offset = offset};
    return IW_OK;
}

uint64_t
iw_framelog_size(const iw_framelog_writer *self)
{
    return self->on_disk + self->gathered.size;
}

iw_status
iw_framelog_writer_close(iw_framelog_writer **self, iw_error *err)
{
    if (!*self)
        return IW_OK;
    iw_status status = iw_framelog_flush(*self, err);
    if (close((*self)->fd) != 0 && status == IW_OK)
        status = iw_fail_errno(err, "closing the log");
    iw_buffer_fini(&(*self)->gathered);
    free(*self);
    *self = NULL;
    return status;
}
