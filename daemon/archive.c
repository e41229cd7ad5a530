/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "archive.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { TAG_ROOM = 32 };

void
iw_archive_begin(iw_archive *self, const iw_archive_place *place)
{
    *self = (iw_archive){.place = *place, .error = {.code = IW_OK}};
}

bool
iw_archive_loading(const iw_archive *self)
{
    return !self->place.write;
}

bool
iw_archive_ok(const iw_archive *self)
{
    return self->error.code == IW_OK;
}

iw_status
iw_archive_status(const iw_archive *self, iw_error *err)
{
    if (err && self->error.code != IW_OK)
        *err = self->error;
    return self->error.code;
}

void
iw_archive_fail(iw_archive *self, iw_status code, const char *format, ...)
{
    if (self->error.code != IW_OK)
        return;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(self->error.text, sizeof self->error.text, format, args);
    va_end(args);
    self->error.code = code;
}

/* What a place answered. */
static void
take_error(iw_archive *self, iw_status status, const iw_error *err)
{
    if (status == IW_OK)
        return;
    self->error = *err;
    self->error.code = status;
}

void
iw_archive_bytes(iw_archive *self, void *data, size_t size)
{
    if (iw_archive_ok(self) && size > 0) {
        iw_error err = {.code = IW_OK};
        iw_status status = iw_archive_loading(self)
                               ? self->place.read(self->place.self, data, size, &err)
                               : self->place.write(self->place.self, data, size, &err);
        take_error(self, status, &err);
    }
    if (!iw_archive_ok(self) && iw_archive_loading(self) && size > 0)
        memset(data, 0, size);
}

void
iw_archive_tag(iw_archive *self, const char *name, unsigned version)
{
    char wanted[TAG_ROOM] = "", found[TAG_ROOM];
    (void)snprintf(wanted, sizeof wanted, "%s %u", name, version);
    memcpy(found, wanted, sizeof found);
    iw_archive_bytes(self, found, sizeof found);
    if (iw_archive_ok(self) && memcmp(found, wanted, sizeof found) != 0)
        iw_archive_fail(self, IW_CORRUPT, "\"%s\" is not there, or of another version", wanted);
}

void
iw_archive_doubles(iw_archive *self, double *values, size_t n)
{
    iw_archive_bytes(self, values, n * sizeof *values);
}

void
iw_archive_double(iw_archive *self, double *value)
{
    iw_archive_bytes(self, value, sizeof *value);
}

void
iw_archive_u64(iw_archive *self, uint64_t *value)
{
    iw_archive_bytes(self, value, sizeof *value);
}

void
iw_archive_i64(iw_archive *self, int64_t *value)
{
    iw_archive_bytes(self, value, sizeof *value);
}

void
iw_archive_size(iw_archive *self, size_t *value)
{
    iw_archive_bytes(self, value, sizeof *value);
}

void
iw_archive_u32(iw_archive *self, uint32_t *value)
{
    iw_archive_bytes(self, value, sizeof *value);
}

void
iw_archive_bool(iw_archive *self, bool *value)
{
    unsigned char byte = !iw_archive_loading(self) && *value;
    iw_archive_bytes(self, &byte, 1);
    if (byte > 1)
        iw_archive_fail(self, IW_CORRUPT, "%u is neither yes nor no", byte);
    *value = byte == 1;
}

void
iw_archive_text(iw_archive *self, char *text, size_t room)
{
    iw_archive_bytes(self, text, room);
    if (room > 0 && text[room - 1] != '\0') {
        text[room - 1] = '\0';
        iw_archive_fail(self, IW_CORRUPT, "a text of %zu bytes has no end", room);
    }
}

void
iw_archive_limited(iw_archive *self, size_t *value, size_t most, const char *what)
{
    iw_archive_size(self, value);
    if (iw_archive_loading(self) && *value > most) {
        iw_archive_fail(self, IW_CORRUPT, "%s: %zu is more than %zu", what, *value, most);
        *value = 0;
    }
}

void
iw_archive_count(iw_archive *self, size_t *n, size_t item_bytes, const char *what)
{
    iw_archive_size(self, n);
    if (!iw_archive_loading(self) || !iw_archive_ok(self))
        return;
    uint64_t left = self->place.left(self->place.self);
    if (*n > left / (item_bytes ? item_bytes : 1)) {
        iw_archive_fail(self, IW_CORRUPT, "%s: %zu of %zu bytes each are more than the %llu left",
                        what, *n, item_bytes, (unsigned long long)left);
        *n = 0;
    }
}

void
iw_archive_same(iw_archive *self, uint64_t value, const char *what)
{
    uint64_t found = value;
    iw_archive_u64(self, &found);
    if (iw_archive_ok(self) && found != value)
        iw_archive_fail(self, IW_CORRUPT, "%s: %llu was saved, %llu is wanted", what,
                        (unsigned long long)found, (unsigned long long)value);
}

void
iw_archive_bulk(iw_archive *self, void *data, size_t size, iw_archive_key *key)
{
    bool loading = iw_archive_loading(self);
    if (loading ? !self->place.get : !self->place.put) {
        iw_archive_bytes(self, data, size);
        return;
    }
    if (!loading && key->low == 0 && key->high == 0) {
        XXH128_hash_t hash = XXH3_128bits(data, size);
        *key = (iw_archive_key){hash.low64, hash.high64};
    }
    iw_archive_bytes(self, key, sizeof *key);
    if (iw_archive_ok(self)) {
        iw_error err = {.code = IW_OK};
        iw_status status = loading ? self->place.get(self->place.self, *key, data, size, &err)
                                   : self->place.put(self->place.self, *key, data, size, &err);
        take_error(self, status, &err);
    }
    if (!iw_archive_ok(self) && loading)
        memset(data, 0, size);
}

/* ---- memory ---- */

static iw_status
write_buffer(void *self, const void *data, size_t size, iw_error *err)
{
    return iw_buffer_append(self, data, size, err);
}

static iw_status
read_memory(void *self, void *data, size_t size, iw_error *err)
{
    iw_archive_cursor *cursor = self;
    if (size > cursor->size - cursor->at)
        return iw_fail(err, IW_CORRUPT, "%zu bytes are wanted, %zu are left", size,
                       cursor->size - cursor->at);
    memcpy(data, cursor->data + cursor->at, size);
    cursor->at += size;
    return IW_OK;
}

static uint64_t
left_in_memory(const void *self)
{
    const iw_archive_cursor *cursor = self;
    return cursor->size - cursor->at;
}

void
iw_archive_to_buffer(iw_archive *self, iw_buffer *buffer)
{
    iw_archive_begin(self, &(iw_archive_place){.self = buffer, .write = write_buffer});
}

void
iw_archive_from_memory(iw_archive *self, iw_archive_cursor *cursor)
{
    iw_archive_begin(
        self, &(iw_archive_place){.self = cursor, .read = read_memory, .left = left_in_memory});
}
