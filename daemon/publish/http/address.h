/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_ADDRESS_H
#define IW_HTTP_ADDRESS_H
/* address.h - where the page is: "ADDRESS:PORT" (127.0.0.1, [::1], localhost, a name; port 0: any
 * free one), "unix:PATH", or "off".  Pure. */
#include "error.h"

typedef struct {
    char host[256], port[6]; /* without brackets; "": a socket file, or off */
    char path[108];          /* of a socket file; "" */
} iw_address;

/* INVALID: none of these. */
iw_status iw_address_parse(const char *text, iw_address *address, iw_error *err);

#endif
