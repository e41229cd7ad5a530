/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_IMD_LINK_H
#define IW_CLI_IMD_LINK_H
/*
 * imd_link.h - the connection to an IMD engine, and how it is left.
 *
 * An engine is easily harmed by its client.  LAMMPS ends by error when a client goes away between
 * connecting and Go, or while a frame is written, and spins for ever when a connection closes
 * without Disconnect.  So a small process of its own holds the connection, too: however this
 * program ends, killed as well, it says Go and Disconnect as they are due, and takes what the
 * engine still writes until that closes.
 */
#include "cli.h"

typedef struct {
    int fd;        /* of the engine, -1: none */
    int guard_end; /* what we say here the guard knows; its end tells it that we are gone */
    int guard_pid;
} iw_imd_link;

enum { IW_IMD_PIECE_MS = 100 }; /* longest time without a look at interruptions */

/* Connects to "host:port", at most timeout_s long.  INVALID: no such address; CLOSED: nobody
 * listens there, or interrupted; TIMEOUT; IO. */
iw_status iw_imd_link_open(iw_imd_link *self, const char *address, double timeout_s, iw_error *err);

/* Bytes into the room: *got of them.  AGAIN: none within IW_IMD_PIECE_MS; END: the engine has
 * closed the connection; IO. */
iw_status iw_imd_link_read(iw_imd_link *self, void *to, size_t size, size_t *got, iw_error *err);

/* A packet without body.  Go is told to the guard as well.  IO; CLOSED. */
iw_status iw_imd_link_send(iw_imd_link *self, int kind, uint32_t count, iw_error *err);

/* Leaves the engine in peace: what is at the other end is no engine (polite is false) and is just
 * left, else the guard takes leave.  Waits at most timeout_s for that; true: it is done, false: the
 * guard stays until the engine lets go. */
bool iw_imd_link_close(iw_imd_link *self, bool polite, double timeout_s);

#endif
