/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_LISTEN_H
#define IW_HTTP_LISTEN_H
/* listen.h - the socket that browsers connect to. */
#include "error.h"

#include <stdbool.h>

typedef struct {
    int fd;         /* -1: off */
    bool local;     /* nobody beyond this machine can reach it */
    char url[280];  /* "http://127.0.0.1:8417/", or "unix:/path" */
    char path[108]; /* of a socket file, to be removed at the end; "" */
} iw_listen;

/* where: see address.h.  IO: taken, or not possible, and why. */
iw_status iw_listen_open(iw_listen *self, const char *where, iw_error *err);
void iw_listen_close(iw_listen *self); /* harmless on a closed one */

#endif
