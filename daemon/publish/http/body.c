/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zlib.h>

enum {
    WORTH_PACKING = 500,
    MOST_PACKED = 16 << 20,
    QUICK = 3,
    RAW = -15,
    WITH_HEAD = 15 + 16,
    MEMORY = 8
};

const unsigned char iw_gzip_head[IW_GZIP_HEAD] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};

iw_body *
iw_body_new(const char *type, iw_buffer *bytes)
{
    iw_body *self = calloc(1, sizeof *self);
    if (!self) {
        iw_buffer_fini(bytes);
        return NULL;
    }
    self->references = 1;
    self->type = type;
    self->disposition = "";
    self->plain = *bytes;
    *bytes = (iw_buffer){0};
    XXH128_hash_t hash =
        XXH3_128bits(self->plain.data ? (const void *)self->plain.data : "", self->plain.size);
    (void)snprintf(self->etag, sizeof self->etag, "\"%016llx%016llx\"",
                   (unsigned long long)hash.high64, (unsigned long long)hash.low64);
    return self;
}

iw_body *
iw_body_text(const char *type, const char *text)
{
    iw_buffer bytes = {0};
    if (iw_buffer_append(&bytes, text, strlen(text), NULL) != IW_OK)
        return NULL;
    return iw_body_new(type, &bytes);
}

iw_body *
iw_body_ref(iw_body *self)
{
    self->references++;
    return self;
}

void
iw_body_unref(iw_body **self)
{
    if (*self && --(*self)->references == 0) {
        iw_buffer_fini(&(*self)->plain);
        iw_buffer_fini(&(*self)->packed);
        free(*self);
    }
    *self = NULL;
}

static iw_status
pack(const void *data, size_t size, int window, int flush, iw_buffer *out, iw_error *err)
{
    z_stream z = {0};
    if (deflateInit2(&z, QUICK, Z_DEFLATED, window, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return iw_fail(err, IW_NO_MEMORY, "no memory to compress");
    size_t room = deflateBound(&z, size) + 16;
    iw_status status = size > UINT32_MAX / 2
                           ? iw_fail(err, IW_NO_MEMORY, "%zu bytes are too many to compress", size)
                           : iw_buffer_reserve(out, out->size + room, err);
    if (status == IW_OK) {
        z.next_in = (z_const Bytef *)(uintptr_t)data;
        z.avail_in = (uInt)size;
        z.next_out = out->data + out->size;
        z.avail_out = (uInt)room;
        int done = deflate(&z, flush);
        if (done != (flush == Z_FINISH ? Z_STREAM_END : Z_OK) || z.avail_in > 0)
            status = iw_fail(err, IW_IO, "zlib: %d", done);
        else
            out->size += room - z.avail_out;
    }
    (void)deflateEnd(&z);
    return status;
}

bool
iw_body_pack(iw_body *self)
{
    iw_error err;
    if (!self->tried && self->plain.size >= WORTH_PACKING && self->plain.size <= MOST_PACKED &&
        (pack(self->plain.data, self->plain.size, WITH_HEAD, Z_FINISH, &self->packed, &err) ||
         self->packed.size >= self->plain.size))
        iw_buffer_fini(&self->packed);
    self->tried = true;
    return self->packed.size > 0;
}

iw_status
iw_gzip_part(const void *data, size_t size, iw_buffer *out, iw_error *err)
{
    return pack(data, size, RAW, Z_SYNC_FLUSH, out, err);
}
