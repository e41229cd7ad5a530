/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/bulk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PATH_SIZE = 1100 };

static const uint64_t WORTH_RENEWING = 1 << 20; /* bytes: a smaller file is left as it is */

iw_status
iw_bulk_write_at(int fd, const void *data, size_t size, uint64_t offset, iw_error *err)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pwrite(fd, (const char *)data + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return iw_fail_errno(err, "writing %zu bytes at offset %llu", size,
                                 (unsigned long long)offset);
        done += (size_t)n;
    }
    return IW_OK;
}

iw_status
iw_bulk_read_at(int fd, void *data, size_t size, uint64_t offset, iw_error *err)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(fd, (char *)data + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return iw_fail_errno(err, "reading %zu bytes at offset %llu", size,
                                 (unsigned long long)offset);
        if (n == 0)
            return iw_fail(err, IW_CORRUPT, "it ends at offset %llu: %zu bytes are wanted at %llu",
                           (unsigned long long)offset + done, size, (unsigned long long)offset);
        done += (size_t)n;
    }
    return IW_OK;
}

static void
path_of(const iw_bulk *self, uint64_t file, char path[PATH_SIZE])
{
    (void)snprintf(path, PATH_SIZE, "%s/blocks-%c.iwck", self->folder, file ? 'b' : 'a');
}

static void
free_file(iw_bulk_file *file)
{
    free(file->items);
    *file = (iw_bulk_file){0};
}

void
iw_bulk_init(iw_bulk *self, const char *folder)
{
    memset(self, 0, sizeof *self);
    (void)snprintf(self->folder, sizeof self->folder, "%s", folder);
    self->fd = -1;
    self->renew = true; /* what lies there is not known */
}

void
iw_bulk_close(iw_bulk *self)
{
    if (self->fd >= 0)
        (void)close(self->fd);
    self->fd = -1;
}

void
iw_bulk_fini(iw_bulk *self)
{
    iw_bulk_close(self);
    free_file(&self->now);
    free_file(&self->next);
}

static iw_bulk_item *
find(iw_bulk_file *file, iw_archive_key key, size_t size)
{
    for (size_t k = 0; k < file->n; k++) {
        size_t i = file->likely + k < file->n ? file->likely + k : file->likely + k - file->n;
        iw_bulk_item *item = &file->items[i];
        if (item->key.low == key.low && item->key.high == key.high && item->size == size) {
            file->likely = i + 1 < file->n ? i + 1 : 0;
            return item;
        }
    }
    return NULL;
}

uint64_t
iw_bulk_bytes(const iw_bulk *self)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < self->now.n; i++)
        bytes += self->now.items[i].size;
    return bytes;
}

static bool
mostly_useless(const iw_bulk *self)
{
    uint64_t useless = self->now.size - iw_bulk_bytes(self);
    return self->now.size > WORTH_RENEWING && useless > self->now.size / 2;
}

/* ---- making ---- */

static iw_status
copy_items(iw_bulk_file *to, const iw_bulk_file *from, iw_error *err)
{
    *to = *from;
    to->likely = 0;
    to->room = from->n;
    to->items = NULL;
    if (from->n == 0)
        return IW_OK;
    to->items = malloc(from->n * sizeof *to->items);
    if (!to->items)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu blocks", from->n);
    memcpy(to->items, from->items, from->n * sizeof *to->items);
    for (size_t i = 0; i < to->n; i++)
        to->items[i].used = false;
    return IW_OK;
}

iw_status
iw_bulk_begin(iw_bulk *self, iw_error *err)
{
    char path[PATH_SIZE];
    iw_status status = IW_OK;
    self->next = (iw_bulk_file){.file = !self->now.file};
    if (!self->renew)
        status = copy_items(&self->next, &self->now, err);
    if (status != IW_OK)
        return status;
    path_of(self, self->next.file, path);
    self->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (self->renew ? O_TRUNC : 0), 0600);
    return self->fd < 0 ? iw_fail_errno(err, "cannot write %s", path) : IW_OK;
}

iw_status
iw_bulk_put(iw_bulk *self, iw_archive_key key, const void *data, size_t size, iw_error *err)
{
    iw_bulk_file *file = &self->next;
    iw_bulk_item *item = find(file, key, size);
    if (item) {
        item->used = true;
        return IW_OK;
    }
    if (file->n == file->room) {
        size_t room = file->room ? 2 * file->room : 64;
        iw_bulk_item *items = realloc(file->items, room * sizeof *items);
        if (!items)
            return iw_fail(err, IW_NO_MEMORY, "no memory for %zu blocks", room);
        file->items = items;
        file->room = room;
    }
    iw_status status = iw_bulk_write_at(self->fd, data, size, file->size, err);
    if (status != IW_OK)
        return status;
    file->items[file->n++] = (iw_bulk_item){key, file->size, size, true};
    file->size += size;
    return IW_OK;
}

void
iw_bulk_begin_sync(iw_bulk *self)
{
    (void)sync_file_range(self->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

iw_status
iw_bulk_sync(iw_bulk *self, iw_error *err)
{
    if (!self->renew && self->next.size == self->now.size)
        return IW_OK;
    return fdatasync(self->fd) == 0 ? IW_OK : iw_fail_errno(err, "the blocks are not durable");
}

static void
keep_used(iw_bulk_file *file)
{
    size_t n = 0;
    for (size_t i = 0; i < file->n; i++)
        if (file->items[i].used)
            file->items[n++] = file->items[i];
    file->n = n;
    file->likely = 0;
}

void
iw_bulk_end(iw_bulk *self, bool done)
{
    char path[PATH_SIZE];
    bool other = self->next.file != self->now.file;
    iw_bulk_close(self);
    path_of(self, done ? self->now.file : self->next.file, path);
    if (other)
        (void)unlink(path);
    if (!done) { /* what was written at the end is written over by the next one, or cut off here */
        if (!other && truncate(path, (off_t)self->now.size) != 0)
            self->renew = true;
        free_file(&self->next);
        return;
    }
    free_file(&self->now);
    self->now = self->next;
    self->next = (iw_bulk_file){0};
    keep_used(&self->now);
    self->renew = mostly_useless(self);
}

/* ---- loading ---- */

iw_status
iw_bulk_open(iw_bulk *self, iw_error *err)
{
    char path[PATH_SIZE];
    struct stat info;
    iw_bulk_file *file = &self->now;
    path_of(self, !file->file, path);
    (void)unlink(path); /* of a checkpoint that was not finished */
    path_of(self, file->file, path);
    self->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (self->fd < 0)
        return iw_fail_errno(err, "cannot open %s", path);
    if (fstat(self->fd, &info) != 0)
        return iw_fail_errno(err, "cannot look at %s", path);
    if ((uint64_t)info.st_size < file->size)
        return iw_fail(err, IW_CORRUPT, "%s has %lld of its %llu bytes", path,
                       (long long)info.st_size, (unsigned long long)file->size);
    uint64_t left = file->size; /* blocks do not overlap: their sum cannot overflow */
    for (size_t i = 0; i < file->n; i++) {
        const iw_bulk_item *item = &file->items[i];
        if (item->size > left || item->offset > file->size - item->size)
            return iw_fail(err, IW_CORRUPT, "block %zu is not within %s", i, path);
        left -= item->size;
    }
    self->renew = mostly_useless(self);
    return IW_OK;
}

iw_status
iw_bulk_get(iw_bulk *self, iw_archive_key key, void *data, size_t size, iw_error *err)
{
    const iw_bulk_item *item = find(&self->now, key, size);
    if (!item)
        return iw_fail(err, IW_CORRUPT, "a block of %zu bytes is not there", size);
    iw_status status = iw_bulk_read_at(self->fd, data, size, item->offset, err);
    if (status != IW_OK)
        return iw_prefix(err, "a block"), status;
    XXH128_hash_t hash = XXH3_128bits(data, size);
    if (hash.low64 != key.low || hash.high64 != key.high)
        return iw_fail(err, IW_CORRUPT, "the block at offset %llu does not match its checksum",
                       (unsigned long long)item->offset);
    return IW_OK;
}

void
iw_bulk_drop(iw_bulk *self)
{
    char path[PATH_SIZE];
    iw_bulk_close(self);
    free_file(&self->now);
    self->renew = true;
    for (uint64_t file = 0; file < 2; file++) {
        path_of(self, file, path);
        (void)unlink(path);
    }
}
