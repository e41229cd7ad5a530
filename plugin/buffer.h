/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_BUFFER_H
#define IW_BUFFER_H
/* buffer.h - a growing run of bytes.  Zero-initialised is empty; capacity is kept when cleared. */
#include "error.h"

typedef struct {
    unsigned char *data;
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
} iw_buffer;

iw_status iw_buffer_append(iw_buffer *self, const void *data, size_t size, iw_error *err);
iw_status iw_buffer_reserve(iw_buffer *self, size_t capacity, iw_error *err);
void iw_buffer_clear(iw_buffer *self); /* size 0, memory kept */
void iw_buffer_fini(iw_buffer *self);  /* frees and zeroes; harmless on an empty buffer */

#endif
