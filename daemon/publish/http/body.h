/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_BODY_H
#define IW_HTTP_BODY_H
/*
 * body.h - the bytes of an answer, shared by all who get it: counted references, one compression.
 *
 * Owned by the thread `web`; libmicrohttpd gives references back there.
 */
#include "buffer.h"

#include <stdbool.h>

typedef struct {
    unsigned references;
    const char *type;        /* content type; a constant */
    const char *disposition; /* "" or of a download; a constant */
    iw_buffer plain;
    iw_buffer packed; /* gzip; empty: not made, not smaller, or too much to wait for */
    bool tried;       /* to pack it */
    char etag[40];    /* of plain, with quotes; that of packed ends with -gzip */
} iw_body;

/* Takes the bytes, also when it fails: NULL, no memory. */
iw_body *iw_body_new(const char *type, iw_buffer *bytes);
/* Of text; NULL: no memory. */
iw_body *iw_body_text(const char *type, const char *text);
iw_body *iw_body_ref(iw_body *self);
void iw_body_unref(iw_body **self); /* sets *self to NULL; NULL is harmless */
/* Packs it once.  True: packed is there. */
bool iw_body_pack(iw_body *self);

/* Appends bytes as a part of a gzip stream that goes on: such parts of different streams may be
 * put together in any order behind iw_gzip_head, because none refers to another. */
iw_status iw_gzip_part(const void *data, size_t size, iw_buffer *out, iw_error *err);
enum { IW_GZIP_HEAD = 10 };
extern const unsigned char iw_gzip_head[IW_GZIP_HEAD];

#endif
