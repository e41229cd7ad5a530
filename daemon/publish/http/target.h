/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_TARGET_H
#define IW_HTTP_TARGET_H
/*
 * target.h - what a request asks for, out of its raw bytes: path, query, and the headers that we
 * read ourselves.
 *
 * Pure: nothing here knows connections.  Nothing is trusted; what is refused says why.  A segment
 * of the path may hold any text, "/" too, as %2F: names of runs come from outside.
 */
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    IW_TARGET_SEGMENTS = 6,
    IW_TARGET_PARAMETERS = 6,
    IW_TARGET_WORD = 400, /* a segment, or the value of a parameter, decoded */
    IW_TARGET_KEY = 24
};

typedef struct {
    size_t n_segments;
    char segments[IW_TARGET_SEGMENTS][IW_TARGET_WORD];
    size_t n_parameters;
    struct {
        char key[IW_TARGET_KEY];
        char value[IW_TARGET_WORD];
    } parameters[IW_TARGET_PARAMETERS];
} iw_target;

/* Of "/path/with%20signs?key=value".  INVALID: not a path, a bad %, no UTF-8, a zero byte, too
 * long, too many parts, a key twice. */
iw_status iw_target_parse(const char *raw, iw_target *target, iw_error *err);
/* NULL: it was not given. */
const char *iw_target_parameter(const iw_target *target, const char *key);

/* The value of a cookie in a Cookie header; false: it is not there, or too long. */
bool iw_cookie_find(const char *header, const char *name, char *value, size_t room);

/* Does an Accept-Encoding header (may be NULL) take gzip?  "gzip;q=0" does not. */
bool iw_accepts_gzip(const char *header);

/* Does an If-None-Match header name this tag, with its quotes? */
bool iw_etag_matches(const char *header, const char *etag);

/* The host of a Host or Origin header, in lower case without port: "[::1]:80" gives "::1".  False:
 * it is none. */
bool iw_host_of(const char *header, char *host, size_t room);
/* Is it an address, not a name?  A page of another origin cannot make its own name mean that. */
bool iw_host_is_address(const char *host);

#endif
