/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { INPUT = 1 << 16, WINDOW_LOG = 27, TAIL = 64 };
#define XZ_MEMORY ((uint64_t)256 << 20) /* a decoder that asks for more is refused */

typedef enum { PLAIN, GZIP, XZ, ZSTD } coding;

struct iw_bytes {
    char *path;
    int fd;
    coding coding;
    bool regular;
    bool ended;      /* the compressed file is read to its end */
    bool mid_stream; /* a compressed stream has begun and not ended */
    dev_t device;
    ino_t inode;
    uint64_t done;
    unsigned char *input; /* [INPUT] bytes of the file that are not decoded yet */
    size_t at, filled;
    unsigned char tail[TAIL]; /* the last bytes that were read of the file */
    size_t tail_size;
    z_stream gz;
    lzma_stream xz;
    ZSTD_DStream *zst;
};

static const char *const coding_names[] = {"plain", "gzip", "xz", "zstd"};

/* read(2) that signals do not stop, except where it may wait for ever: a pipe that stalls. */
static iw_status
read_some(const iw_bytes *self, void *data, size_t size, size_t *got, iw_error *err)
{
    ssize_t n;
    do
        n = read(self->fd, data, size);
    while (n < 0 && errno == EINTR && iw_bytes_seekable(self));
    if (n < 0 && errno == EINTR)
        return iw_fail(err, IW_CLOSED, "%s: interrupted while waiting for data", self->path);
    if (n < 0)
        return iw_fail_errno(err, "%s: cannot read", self->path);
    *got = (size_t)n;
    return IW_OK;
}

static void
keep_tail(iw_bytes *self, const unsigned char *data, size_t size)
{
    size_t n = size < TAIL ? size : TAIL;
    size_t keep = self->tail_size < TAIL - n ? self->tail_size : TAIL - n;
    memmove(self->tail, self->tail + self->tail_size - keep, keep);
    memcpy(self->tail + keep, data + size - n, n);
    self->tail_size = keep + n;
}

/* CORRUPT: the file was cut off and written again, beyond where it was read to, between two reads.
 */
static iw_status
check_tail(const iw_bytes *self, iw_error *err)
{
    unsigned char now[TAIL];
    size_t n = self->tail_size;
    if (!self->regular || self->coding != PLAIN || n == 0 ||
        (pread(self->fd, now, n, (off_t)(self->done - n)) == (ssize_t)n &&
         memcmp(now, self->tail, n) == 0))
        return IW_OK;
    return iw_fail(err, IW_CORRUPT,
                   "%s was written anew: what stands before byte %llu is not what was read of it; "
                   "follow it again as another piece of the run",
                   self->path, (unsigned long long)self->done);
}

static iw_status
fill(iw_bytes *self, iw_error *err)
{
    if (self->at < self->filled)
        return IW_OK;
    size_t got = 0;
    iw_status status = read_some(self, self->input, INPUT, &got, err);
    if (status != IW_OK)
        return status;
    self->at = 0;
    self->filled = got;
    self->done += got;
    return IW_OK;
}

/* The first bytes stay in the input buffer, where every coding takes them from. */
static iw_status
sniff(iw_bytes *self, iw_error *err)
{
    static const unsigned char gz[] = {0x1f, 0x8b}, xz[] = {0xfd, '7', 'z', 'X', 'Z', 0},
                               zst[] = {0x28, 0xb5, 0x2f, 0xfd}, bz[] = {'B', 'Z', 'h'};
    while (self->filled < sizeof xz) {
        size_t got;
        iw_status status =
            read_some(self, self->input + self->filled, INPUT - self->filled, &got, err);
        if (status != IW_OK)
            return status;
        if (got == 0)
            break;
        self->filled += got;
        self->done += got;
    }
#define STARTS(magic) (self->filled >= sizeof(magic) && !memcmp(self->input, magic, sizeof(magic)))
    if (STARTS(gz))
        self->coding = GZIP;
    else if (STARTS(xz))
        self->coding = XZ;
    else if (STARTS(zst))
        self->coding = ZSTD;
    else if (STARTS(bz))
        return iw_fail(err, IW_UNSUPPORTED,
                       "%s: bzip2 is not read; unpack it, or pack it with gzip, xz or zstd",
                       self->path);
#undef STARTS
    keep_tail(self, self->input, self->filled);
    return IW_OK;
}

static iw_status
start_decoder(iw_bytes *self, iw_error *err)
{
    bool ready = true;
    if (self->coding == GZIP) {
        ready = inflateInit2(&self->gz, 15 + 16) == Z_OK;
    } else if (self->coding == XZ) {
        ready = lzma_stream_decoder(&self->xz, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK;
    } else if (self->coding == ZSTD) {
        self->zst = ZSTD_createDStream();
        ready = self->zst &&
                !ZSTD_isError(ZSTD_DCtx_setParameter(self->zst, ZSTD_d_windowLogMax, WINDOW_LOG));
    }
    if (!ready) {
        self->coding = PLAIN; /* nothing to end */
        return iw_fail(err, IW_NO_MEMORY, "%s: no memory to unpack it", self->path);
    }
    return IW_OK;
}

iw_bytes *
iw_bytes_open(const char *path, iw_error *err)
{
    iw_bytes *self = calloc(1, sizeof *self);
    if (!self || !(self->path = strdup(path)) || !(self->input = malloc(INPUT))) {
        if (self)
            self->fd = -1;
        (void)iw_fail(err, IW_NO_MEMORY, "%s: no memory to read it", path);
        goto fail;
    }
    self->xz = (lzma_stream)LZMA_STREAM_INIT;
    self->fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (self->fd < 0 || fstat(self->fd, &info) != 0) {
        if (errno == ENOENT)
            (void)iw_fail(err, IW_NOT_FOUND, "%s: there is no such file%s", path,
                          strcmp(path, "-") == 0 ? "; standard input is /dev/stdin" : "");
        else
            (void)iw_fail_errno(err, "%s: cannot open", path);
        goto fail;
    }
    if (S_ISDIR(info.st_mode)) {
        (void)iw_fail(err, IW_INVALID, "%s is a folder; name the trajectory file in it", path);
        goto fail;
    }
    self->regular = S_ISREG(info.st_mode);
    self->device = info.st_dev;
    self->inode = info.st_ino;
    if (sniff(self, err) != IW_OK || start_decoder(self, err) != IW_OK)
        goto fail;
    return self;
fail:
    iw_bytes_close(&self);
    return NULL;
}

void
iw_bytes_close(iw_bytes **selfp)
{
    iw_bytes *self = *selfp;
    *selfp = NULL;
    if (!self)
        return;
    if (self->coding == GZIP)
        (void)inflateEnd(&self->gz);
    else if (self->coding == XZ)
        lzma_end(&self->xz);
    (void)ZSTD_freeDStream(self->zst);
    if (self->fd >= 0)
        (void)close(self->fd);
    free(self->input);
    free(self->path);
    free(self);
}

static iw_status
damaged(const iw_bytes *self, const char *why, iw_error *err)
{
    return iw_fail(err, IW_CORRUPT, "%s: the %s data are damaged near byte %llu: %s", self->path,
                   coding_names[self->coding],
                   (unsigned long long)(self->done - (self->filled - self->at)), why);
}

static iw_status
decode_gzip(iw_bytes *self, unsigned char *out, size_t size, size_t *got, iw_error *err)
{
    if (!self->mid_stream && inflateReset(&self->gz) != Z_OK)
        return damaged(self, "decoder cannot start", err);
    self->mid_stream = true;
    self->gz.next_in = self->input + self->at;
    self->gz.avail_in = (uInt)(self->filled - self->at);
    self->gz.next_out = out;
    self->gz.avail_out = (uInt)size;
    int result = inflate(&self->gz, Z_NO_FLUSH);
    self->at = self->filled - self->gz.avail_in;
    *got = size - self->gz.avail_out;
    if (result == Z_STREAM_END)
        self->mid_stream = false;
    else if (result != Z_OK && result != Z_BUF_ERROR)
        return damaged(self, self->gz.msg ? self->gz.msg : "no valid stream", err);
    return IW_OK;
}

static iw_status
decode_xz(iw_bytes *self, unsigned char *out, size_t size, size_t *got, iw_error *err)
{
    self->xz.next_in = self->input + self->at;
    self->xz.avail_in = self->filled - self->at;
    self->xz.next_out = out;
    self->xz.avail_out = size;
    bool no_more = self->xz.avail_in == 0;
    lzma_ret result = lzma_code(&self->xz, no_more ? LZMA_FINISH : LZMA_RUN);
    self->at = self->filled - self->xz.avail_in;
    *got = size - self->xz.avail_out;
    if (result == LZMA_STREAM_END)
        self->ended = true;
    else if (result == LZMA_BUF_ERROR)
        return damaged(self, "cut short", err);
    else if (result == LZMA_MEMLIMIT_ERROR)
        return damaged(self, "its dictionary is larger than 256 MiB", err);
    else if (result != LZMA_OK)
        return damaged(self, "no valid stream", err);
    return IW_OK;
}

static iw_status
decode_zstd(iw_bytes *self, void *out, size_t size, size_t *got, iw_error *err)
{
    ZSTD_inBuffer in = {self->input, self->filled, self->at};
    ZSTD_outBuffer to = {out, size, 0};
    size_t result = ZSTD_decompressStream(self->zst, &to, &in);
    self->at = in.pos;
    *got = to.pos;
    if (ZSTD_isError(result))
        return damaged(self, ZSTD_getErrorName(result), err);
    self->mid_stream = result != 0;
    return IW_OK;
}

static iw_status
read_plain(iw_bytes *self, void *data, size_t size, size_t *got, iw_error *err)
{
    if (self->at < self->filled) {
        *got = self->filled - self->at < size ? self->filled - self->at : size;
        memcpy(data, self->input + self->at, *got);
        self->at += *got;
        return IW_OK;
    }
    iw_status status = read_some(self, data, size, got, err);
    if (status == IW_OK && *got > 0)
        status = check_tail(self, err);
    if (status != IW_OK)
        *got = 0;
    keep_tail(self, data, *got);
    self->done += *got;
    return status;
}

iw_status
iw_bytes_read(iw_bytes *self, void *data, size_t size, size_t *got, iw_error *err)
{
    *got = 0;
    if (self->coding == PLAIN)
        return read_plain(self, data, size, got, err);
    while (*got == 0 && !self->ended) {
        iw_status status = fill(self, err);
        if (status != IW_OK)
            return status;
        bool no_input = self->at == self->filled;
        if (self->coding == XZ) {
            status = decode_xz(self, data, size, got, err);
        } else if (no_input && !self->mid_stream) {
            self->ended = true;
        } else if (self->coding == GZIP) {
            status = decode_gzip(self, data, size, got, err);
        } else {
            status = decode_zstd(self, data, size, got, err);
        }
        if (status != IW_OK)
            return status;
        if (no_input && *got == 0 && self->mid_stream)
            return damaged(self, "cut short", err);
    }
    return IW_OK;
}

iw_status
iw_bytes_check_same(const iw_bytes *self, iw_error *err)
{
    struct stat info;
    if (!self->regular)
        return IW_OK;
    if (fstat(self->fd, &info) == 0 && (uint64_t)info.st_size < self->done)
        return iw_fail(err, IW_CORRUPT,
                       "%s became shorter than what was read of it (%llu of %llu bytes): it was "
                       "written anew; follow it again as another piece of the run",
                       self->path, (unsigned long long)info.st_size,
                       (unsigned long long)self->done);
    if (stat(self->path, &info) == 0 && (info.st_dev != self->device || info.st_ino != self->inode))
        return iw_fail(err, IW_CORRUPT,
                       "%s was replaced by another file; follow it again as another piece of the "
                       "run",
                       self->path);
    return check_tail(self, err);
}

bool
iw_bytes_can_grow(const iw_bytes *self)
{
    return self->coding == PLAIN && self->regular;
}

bool
iw_bytes_seekable(const iw_bytes *self)
{
    return self->regular;
}

const char *
iw_bytes_path(const iw_bytes *self)
{
    return self->path;
}

uint64_t
iw_bytes_done(const iw_bytes *self)
{
    return self->done - (self->filled - self->at);
}

uint64_t
iw_bytes_total(const iw_bytes *self)
{
    struct stat info;
    return self->regular && fstat(self->fd, &info) == 0 ? (uint64_t)info.st_size : 0;
}
