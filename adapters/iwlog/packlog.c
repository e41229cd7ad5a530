/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/iwlog/packlog.h"

#include "framelog_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A large file that is synced in one go holds up everybody else's syncs. */
enum { SYNC_EVERY = 4 << 20 };
/* What is lost is searched for records, byte by byte: a bound on it, by what is there. */
enum { MOST_LOST = 256 };

static iw_status
check_watch(const iw_packlog_watch *watch, iw_error *err)
{
    return watch && watch->stop(watch->self) ? iw_fail(err, IW_CLOSED, "interrupted") : IW_OK;
}

/* What follows comes from the disk, not from memory. */
static void
drop_cache(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    (void)close(fd);
}

/* ---- packing ---- */

typedef struct {
    int fd; /* the log as bytes */
    iw_framelog_reader *records;
    iw_framelog_writer *out;
    iw_packlog_coder *coder;
    const iw_packlog_watch *watch;
    uint64_t total, start; /* bytes of the log; where the block at hand begins */
    iw_buffer bytes;       /* of the block */
    iw_buffer arrays;      /* of the block, iw_packlog_array */
    uint64_t unsynced;
} packer;

static iw_status
add_array(packer *self, const void *data, size_t words, uint32_t lane,
          const iw_framelog_record *record, iw_error *err)
{
    if (!data || words < IW_PACKLOG_MIN_WORDS)
        return IW_OK;
    uint64_t at = record->offset + IW_FRAMELOG_HEAD - self->start +
                  (uint64_t)((const char *)data - (const char *)record->data);
    iw_packlog_array array = {(uint32_t)at, (uint32_t)words, lane};
    return iw_buffer_append(&self->arrays, &array, sizeof array, err);
}

static iw_status
add_frame(packer *self, const iw_framelog_record *record, iw_error *err)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_FRAME);
    if (iw_wire_decode(record->data, record->size, &message, NULL) != IW_OK ||
        message.type != IW_MSG_FRAME)
        return IW_OK; /* bytes like others */
    const iw_frame_view *frame = &message.frame;
    size_t words = 3 * frame->n_atoms;
    bool pos_first = !frame->vel || (const char *)frame->pos < (const char *)frame->vel;
    iw_status status = IW_OK;
    for (int i = 0; i < 2 && status == IW_OK; i++)
        status = (i == 0) == pos_first
                     ? add_array(self, frame->pos, words, frame->pos_is_f32, record, err)
                     : add_array(self, frame->vel, words, 2U + frame->vel_is_f32, record, err);
    return status;
}

static iw_status
write_block(packer *self, size_t size, iw_error *err)
{
    const void *payload = NULL;
    size_t payload_size = 0;
    iw_status status = check_watch(self->watch, err);
    if (status == IW_OK)
        status = iw_buffer_reserve(&self->bytes, IW_PACKLOG_BLOCK, err);
    if (status == IW_OK)
        status = iw_framelog_read_at(self->fd, self->bytes.data, size, self->start, err);
    if (status == IW_OK)
        status = iw_packlog_encode(self->coder, self->bytes.data, size, self->total,
                                   (const iw_packlog_array *)(const void *)self->arrays.data,
                                   self->arrays.size / sizeof(iw_packlog_array), &payload,
                                   &payload_size, err);
    if (status == IW_OK)
        status =
            iw_framelog_append(self->out, IW_PACKLOG_KIND, self->start, payload, payload_size, err);
    self->unsynced += payload_size;
    if (status == IW_OK && self->unsynced >= SYNC_EVERY) {
        status = iw_framelog_sync(self->out, err);
        self->unsynced = 0;
    }
    iw_buffer_clear(&self->arrays); /* all of them are in the first piece */
    self->start += size;
    return status;
}

/* The bytes up to there, which no record crosses; more than a block where a record is so long, or
 * damage. */
static iw_status
write_up_to(packer *self, uint64_t end, iw_error *err)
{
    iw_status status = IW_OK;
    while (status == IW_OK && self->start < end) {
        uint64_t left = end - self->start;
        status = write_block(self, left < IW_PACKLOG_BLOCK ? (size_t)left : IW_PACKLOG_BLOCK, err);
    }
    return status;
}

/* A copy of the HELLO with which every log of a run begins. */
static iw_status
copy_hello(packer *self, iw_error *err)
{
    iw_framelog_record record;
    iw_status status = iw_framelog_next(self->records, &record, err);
    if (status == IW_OK && record.kind == IW_MSG_HELLO)
        status =
            iw_framelog_append(self->out, record.kind, record.seq, record.data, record.size, err);
    else if (status == IW_OK || status == IW_END || status == IW_AGAIN)
        status = iw_fail(err, IW_CORRUPT, "it does not begin with a HELLO");
    iw_framelog_rewind(self->records);
    return status;
}

static iw_status
pack_records(packer *self, iw_error *err)
{
    iw_framelog_record record;
    iw_status hello = copy_hello(self, err);
    if (hello != IW_OK && hello != IW_CORRUPT) /* without one it is packed all the same */
        return hello;
    for (;;) {
        iw_status status = iw_framelog_next(self->records, &record, err);
        if (status == IW_END || status == IW_AGAIN)
            return write_up_to(self, self->total, err);
        if (status == IW_CORRUPT)
            continue;
        if (status == IW_OK && iw_framelog_tell(self->records) - self->start > IW_PACKLOG_BLOCK)
            status = write_up_to(self, record.offset, err);
        if (status == IW_OK && record.kind == IW_MSG_FRAME &&
            iw_framelog_tell(self->records) - self->start <= IW_PACKLOG_BLOCK)
            status = add_frame(self, &record, err);
        if (status != IW_OK)
            return status;
    }
}

static iw_status
refuse_existing(const char *path, iw_error *err)
{
    return access(path, F_OK) == 0 ? iw_fail(err, IW_EXISTS, "%s is there already", path) : IW_OK;
}

static iw_status
open_packer(packer *self, const char *from, const char *to, iw_error *err)
{
    iw_status status = refuse_existing(to, err);
    if (status != IW_OK)
        return status;
    self->fd = open(from, O_RDONLY | O_CLOEXEC);
    self->records = iw_framelog_reader_open(from, err);
    self->coder = self->records ? iw_packlog_coder_new(err) : NULL;
    self->out = self->coder ? iw_framelog_writer_open(to, NULL, err) : NULL;
    if (!self->out)
        return err->code;
    if (self->fd < 0)
        return iw_fail_errno(err, "cannot open %s", from);
    self->total = iw_framelog_file_size(self->records);
    return IW_OK;
}

/* What was written is made durable if all went well. */
static iw_status
close_packer(packer *self, const char *from, iw_status status, iw_error *err)
{
    if (status == IW_OK)
        status = iw_framelog_sync(self->out, err);
    if (self->out) {
        iw_status closed = iw_framelog_writer_close(&self->out, status == IW_OK ? err : NULL);
        status = status == IW_OK ? closed : status;
    }
    if (self->records)
        iw_framelog_reader_close(&self->records);
    iw_packlog_coder_destroy(&self->coder);
    if (self->fd >= 0)
        (void)close(self->fd);
    iw_buffer_fini(&self->bytes);
    iw_buffer_fini(&self->arrays);
    return status == IW_OK ? IW_OK : iw_prefix(err, "%s", from);
}

iw_status
iw_packlog_pack(const char *from, const char *to, const iw_packlog_watch *watch, iw_error *err)
{
    iw_error unused;
    packer self = {.fd = -1, .watch = watch};
    iw_status status = open_packer(&self, from, to, err ? err : (err = &unused));
    if (status == IW_OK)
        status = pack_records(&self, err);
    return close_packer(&self, from, status, err);
}

iw_status
iw_packlog_begin(const char *from, const char *to, iw_error *err)
{
    iw_error unused;
    packer self = {.fd = -1};
    iw_status status = open_packer(&self, from, to, err ? err : (err = &unused));
    if (status == IW_OK)
        status = copy_hello(&self, err);
    return close_packer(&self, from, status, err);
}

/* ---- reading ---- */

typedef struct {
    uint64_t at;     /* of the log */
    uint64_t offset; /* of the record */
    uint32_t size;
} place;

typedef struct {
    iw_framelog_reader *records;
    iw_packlog_coder *coder;
    uint64_t total, lost;
    iw_buffer beginning; /* of the log, as the copy of its HELLO tells */
    iw_buffer places;    /* of the whole blocks, in order */
    size_t at;           /* the block in bytes, from 1; 0: none */
    iw_buffer bytes;
} packed;

static void
packed_close(void *packed_log)
{
    packed *self = packed_log;
    if (self->records)
        iw_framelog_reader_close(&self->records);
    iw_packlog_coder_destroy(&self->coder);
    iw_buffer_fini(&self->beginning);
    iw_buffer_fini(&self->places);
    iw_buffer_fini(&self->bytes);
    free(self);
}

static iw_status
take_hello(packed *self, const iw_framelog_record *hello, iw_error *err)
{
    unsigned char head[IW_FRAMELOG_HEAD];
    iw_framelog_head_fill(head, hello->kind, hello->seq, hello->data, hello->size);
    iw_buffer_clear(&self->beginning);
    iw_status status =
        iw_buffer_append(&self->beginning, iw_framelog_header, sizeof iw_framelog_header, err);
    if (status == IW_OK)
        status = iw_buffer_append(&self->beginning, head, sizeof head, err);
    if (status == IW_OK)
        status = iw_buffer_append(&self->beginning, hello->data, hello->size, err);
    return status;
}

/* Finds the blocks; those that do not fit to the ones before them count as damaged. */
static iw_status
find_places(packed *self, iw_error *err)
{
    iw_framelog_record record;
    iw_status status = IW_OK;
    uint64_t end = 0;
    uint32_t largest = 1;
    self->lost = 0;
    while (status == IW_OK || status == IW_CORRUPT) {
        uint64_t total;
        place block;
        status = iw_framelog_next(self->records, &record, err);
        if (status == IW_OK && record.kind == IW_MSG_HELLO && self->total == 0)
            status = take_hello(self, &record, err);
        if (status != IW_OK || record.kind != IW_PACKLOG_KIND ||
            iw_packlog_head(record.data, record.size, &total, &block.size, NULL) != IW_OK ||
            (self->total > 0 && total != self->total) || record.seq < end || record.seq > total ||
            block.size > total - record.seq)
            continue;
        self->total = total;
        self->lost += record.seq - end;
        block.at = record.seq;
        block.offset = record.offset;
        end = block.at + block.size;
        largest = block.size > largest ? block.size : largest;
        status = iw_buffer_append(&self->places, &block, sizeof block, err);
    }
    if (status != IW_END && status != IW_AGAIN)
        return status;
    self->lost += self->total - end;
    if (self->total == 0 || self->lost / MOST_LOST > iw_framelog_file_size(self->records))
        return iw_fail(err, IW_CORRUPT, "%llu of %llu bytes are missing",
                       (unsigned long long)self->lost, (unsigned long long)self->total);
    return iw_buffer_reserve(&self->bytes, largest, err);
}

/* What stands for bytes that are lost: zeros, but the log has a header and a HELLO. */
static void
fill(const packed *self, uint64_t offset, unsigned char *out, size_t size)
{
    size_t known = 0;
    if (offset < self->beginning.size) {
        known = self->beginning.size - (size_t)offset;
        known = known < size ? known : size;
        memcpy(out, self->beginning.data + offset, known);
    }
    memset(out + known, 0, size - known);
}

/* Unpacks block i. */
static iw_status
load(packed *self, size_t i, iw_error *err)
{
    const place *block = (const place *)(const void *)self->places.data + i;
    iw_framelog_record record;
    self->at = 0;
    iw_status status = iw_framelog_seek(self->records, block->offset, err);
    if (status == IW_OK)
        status = iw_framelog_next(self->records, &record, err);
    if (status == IW_OK)
        status = iw_packlog_decode(self->coder, record.data, record.size, self->bytes.data, err);
    if (status == IW_CORRUPT || status == IW_END || status == IW_AGAIN) {
        fill(self, block->at, self->bytes.data, block->size);
        self->lost += block->size;
        status = IW_OK;
    }
    if (status == IW_OK)
        self->at = i + 1;
    return status;
}

/* The block that holds the byte, or the next one. */
static size_t
find_block(const packed *self, uint64_t offset)
{
    const place *blocks = (const place *)(const void *)self->places.data;
    size_t low = 0;
    size_t high = self->places.size / sizeof *blocks;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (blocks[middle].at + blocks[middle].size <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static iw_status
packed_read(void *packed_log, void *to, size_t size, uint64_t offset, iw_error *err)
{
    packed *self = packed_log;
    unsigned char *out = to;
    if (offset > self->total || size > self->total - offset)
        return iw_fail(err, IW_IO, "the log ends at offset %llu", (unsigned long long)self->total);
    while (size > 0) {
        size_t i = find_block(self, offset);
        bool last = i == self->places.size / sizeof(place);
        const place *block = (const place *)(const void *)self->places.data + (last ? 0 : i);
        uint64_t n;
        if (last || block->at > offset) { /* a damaged block was here */
            n = last ? size : block->at - offset;
            n = n < size ? n : size;
            fill(self, offset, out, (size_t)n);
        } else {
            iw_status status = self->at == i + 1 ? IW_OK : load(self, i, err);
            if (status != IW_OK)
                return status;
            n = block->at + block->size - offset;
            n = n < size ? n : size;
            memcpy(out, self->bytes.data + (offset - block->at), (size_t)n);
        }
        out += n;
        offset += n;
        size -= (size_t)n;
    }
    return IW_OK;
}

static uint64_t
packed_size(const void *packed_log)
{
    return ((const packed *)packed_log)->total;
}

/* Consumes the reader of the records. */
static iw_status
open_packed(iw_framelog_reader *records, packed **out, iw_error *err)
{
    packed *self = calloc(1, sizeof *self);
    if (!self) {
        iw_framelog_reader_close(&records);
        return iw_fail(err, IW_NO_MEMORY, "out of memory");
    }
    self->records = records;
    iw_framelog_rewind(records);
    self->coder = iw_packlog_coder_new(err);
    iw_status status = self->coder ? find_places(self, err) : IW_NO_MEMORY;
    if (status != IW_OK)
        packed_close(self);
    else
        *out = self;
    return status;
}

/* Is there a block, with a HELLO alone before it? */
static bool
is_packed(iw_framelog_reader *records)
{
    iw_framelog_record record;
    iw_status status;
    do
        status = iw_framelog_next(records, &record, NULL);
    while (status == IW_CORRUPT || (status == IW_OK && record.kind == IW_MSG_HELLO));
    return status == IW_OK && record.kind == IW_PACKLOG_KIND;
}

iw_framelog_reader *
iw_packlog_reader_open(const char *path, iw_error *err)
{
    iw_error unused;
    packed *log = NULL;
    iw_framelog_reader *records = iw_framelog_reader_open(path, err ? err : (err = &unused));
    if (!records)
        return NULL;
    if (!is_packed(records)) {
        iw_framelog_rewind(records);
        return records;
    }
    if (open_packed(records, &log, err) != IW_OK) {
        (void)iw_prefix(err, "%s", path);
        return NULL;
    }
    iw_framelog_bytes bytes = {log, packed_read, packed_size, packed_close};
    return iw_framelog_reader_open_bytes(&bytes, path, err);
}

/* ---- back ---- */

/* NULL with *err. */
static packed *
open_to_unpack(const char *path, iw_error *err)
{
    packed *log = NULL;
    iw_framelog_reader *records = iw_framelog_reader_open(path, err);
    if (!records)
        return NULL;
    if (!is_packed(records)) {
        iw_framelog_reader_close(&records);
        (void)iw_fail(err, IW_CORRUPT, "%s is no packed log", path);
    } else if (open_packed(records, &log, err) != IW_OK) {
        log = NULL;
        (void)iw_prefix(err, "%s", path);
    }
    return log;
}

iw_status
iw_packlog_verify(const char *plain, const char *packed_path, const iw_packlog_watch *watch,
                  iw_error *err)
{
    iw_error unused;
    iw_buffer bytes = {0};
    drop_cache(packed_path);
    packed *log = open_to_unpack(packed_path, err ? err : (err = &unused));
    if (!log)
        return err->code;
    int fd = open(plain, O_RDONLY | O_CLOEXEC);
    iw_status status = fd < 0 ? iw_fail_errno(err, "cannot open %s", plain) : IW_OK;
    if (status == IW_OK)
        status = iw_buffer_reserve(&bytes, 2 * (size_t)IW_PACKLOG_BLOCK, err);
    uint64_t size = status == IW_OK ? iw_framelog_bytes_of(&fd).size(&fd) : 0;
    if (status == IW_OK && log->total != size)
        status = iw_fail(err, IW_CORRUPT, "%s holds %llu of %llu bytes", packed_path,
                         (unsigned long long)log->total, (unsigned long long)size);
    for (uint64_t at = 0; status == IW_OK && at < size; at += IW_PACKLOG_BLOCK) {
        size_t n = size - at < IW_PACKLOG_BLOCK ? (size_t)(size - at) : IW_PACKLOG_BLOCK;
        status = check_watch(watch, err);
        if (status == IW_OK)
            status = iw_framelog_read_at(fd, bytes.data, n, at, err);
        if (status == IW_OK)
            status = packed_read(log, bytes.data + IW_PACKLOG_BLOCK, n, at, err);
        if (status == IW_OK && memcmp(bytes.data, bytes.data + IW_PACKLOG_BLOCK, n) != 0)
            status =
                iw_fail(err, IW_CORRUPT, "%s differs from %s between bytes %llu and %llu",
                        packed_path, plain, (unsigned long long)at, (unsigned long long)(at + n));
    }
    if (fd >= 0)
        (void)close(fd);
    packed_close(log);
    iw_buffer_fini(&bytes);
    return status;
}

static iw_status
write_all(int fd, const unsigned char *data, size_t size, iw_error *err)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return iw_fail_errno(err, "writing %zu bytes", size);
        data += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return IW_OK;
}

static iw_status
write_plain(packed *log, int fd, const iw_packlog_watch *watch, iw_error *err)
{
    iw_buffer bytes = {0};
    uint64_t unsynced = 0;
    iw_status status = iw_buffer_reserve(&bytes, IW_PACKLOG_BLOCK, err);
    for (uint64_t at = 0; status == IW_OK && at < log->total; at += IW_PACKLOG_BLOCK) {
        uint64_t left = log->total - at;
        size_t n = left < IW_PACKLOG_BLOCK ? (size_t)left : IW_PACKLOG_BLOCK;
        status = check_watch(watch, err);
        if (status == IW_OK)
            status = packed_read(log, bytes.data, n, at, err);
        if (status == IW_OK)
            status = write_all(fd, bytes.data, n, err);
        unsynced += n;
        if (status == IW_OK && (unsynced >= SYNC_EVERY || left <= n)) {
            unsynced = 0;
            if (fdatasync(fd) != 0)
                status = iw_fail_errno(err, "the log could not be made durable");
        }
    }
    iw_buffer_fini(&bytes);
    return status;
}

iw_status
iw_packlog_unpack(const char *packed_path, const char *to, const iw_packlog_watch *watch,
                  uint64_t *lost, iw_error *err)
{
    iw_error unused;
    *lost = 0;
    packed *log = open_to_unpack(packed_path, err ? err : (err = &unused));
    if (!log)
        return err->code;
    iw_status status;
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        status = iw_fail(err, IW_EXISTS, "%s is there already", to);
    else if (fd < 0)
        status = iw_fail_errno(err, "cannot write %s", to);
    else
        status = write_plain(log, fd, watch, err);
    if (fd >= 0 && close(fd) != 0 && status == IW_OK)
        status = iw_fail_errno(err, "closing %s", to);
    *lost = log->lost;
    packed_close(log);
    return status == IW_OK ? IW_OK : iw_prefix(err, "%s", to);
}
