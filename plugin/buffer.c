/* SPDX-License-Identifier: BSD-3-Clause */
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

iw_status
iw_buffer_reserve(iw_buffer *self, size_t capacity, iw_error *err)
{
    if (capacity <= self->capacity)
        return IW_OK;
    unsigned char *data = realloc(self->data, capacity);
    if (!data)
        return iw_fail(err, IW_NO_MEMORY, "no memory for a buffer of %zu bytes", capacity);
    self->data = data;
    self->capacity = capacity;
    return IW_OK;
}

iw_status
iw_buffer_append(iw_buffer *self, const void *data, size_t size, iw_error *err)
{
    if (size == 0)
        return IW_OK;
    if (size > self->capacity - self->size) {
        if (size > SIZE_MAX / 2 - self->size)
            return iw_fail(err, IW_NO_MEMORY, "a buffer cannot grow by %zu bytes", size);
        size_t needed = self->size + size;
        size_t doubled = self->capacity <= SIZE_MAX / 4 ? 2 * self->capacity : needed;
        iw_status status = iw_buffer_reserve(self, doubled > needed ? doubled : needed, err);
        if (status != IW_OK)
            return status;
    }
    memcpy(self->data + self->size, data, size);
    self->size += size;
    return IW_OK;
}

void
iw_buffer_clear(iw_buffer *self)
{
    self->size = 0;
}

void
iw_buffer_fini(iw_buffer *self)
{
    free(self->data);
    memset(self, 0, sizeof *self);
}
