/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_IMD_H
#define IW_IMD_H
/*
 * imd.h - the bytes of IMD version 3, as a client sees them; no sockets.
 *
 * The engine sends a handshake and session information; the client answers Go; then come frames, in
 * each one packet of every announced kind.  A packet is a header of two big-endian 32-bit numbers
 * (kind, count) and a body in the engine's byte order, which the handshake tells.  Packets of a
 * frame are taken in any order.  A header is checked as soon as it is there, so that a wrong count
 * is refused before its body is waited for.
 *
 * Bytes go where iw_imd_room() says, in pieces of any size.  One frame is held; after the first
 * nothing is allocated.
 */
#include "error.h"

#include <stdbool.h>

typedef enum {
    IW_IMD_DISCONNECT = 0,
    IW_IMD_ENERGIES = 1,
    IW_IMD_COORDINATES = 2,
    IW_IMD_GO = 3,
    IW_IMD_HANDSHAKE = 4,
    IW_IMD_KILL = 5,
    IW_IMD_SESSION = 10,
    IW_IMD_TIME = 12,
    IW_IMD_BOX = 13,
    IW_IMD_VELOCITIES = 14,
    IW_IMD_FORCES = 15,
    IW_IMD_WAIT = 16
} iw_imd_kind;

enum { IW_IMD_VERSION = 3, IW_IMD_HEADER = 8, IW_IMD_KINDS = 6 };

/* What each frame of a session has. */
typedef struct {
    bool time, energies, box, coordinates;
    bool wrapped; /* coordinates are folded into the box */
    bool velocities, forces;
} iw_imd_session;

/* Numbers as the engine sent them; what the session does not have is zero or NULL. */
typedef struct {
    double dt, time;     /* of the time packet, as the step */
    int64_t step;        /* of the time packet, else of the energies */
    float temperature_K; /* of the energies, as the two below */
    float total_energy;  /* whole system */
    float potential_energy;
    float box[9];            /* rows are the vectors a, b, c */
    const float *positions;  /* [n_atoms][3], until the next byte is taken */
    const float *velocities; /* [n_atoms][3], likewise */
} iw_imd_frame;

typedef enum {
    IW_IMD_MORE,    /* bytes are missing */
    IW_IMD_GREETED, /* handshake and session are there: Go is due within a second */
    IW_IMD_FRAMED   /* iw_imd_frame_of() is the next frame */
} iw_imd_event;

typedef struct iw_imd iw_imd;

/* A decoder for an engine with that many atoms; NULL: NO_MEMORY. */
iw_imd *iw_imd_new(size_t n_atoms, iw_error *err);
void iw_imd_destroy(iw_imd **self); /* sets *self to NULL; NULL is harmless */

/* Where the next bytes go; *size of them are wanted at most, never none. */
void *iw_imd_room(iw_imd *self, size_t *size);

/* That many bytes are there.  UNSUPPORTED: another version of IMD; PROTOCOL: no IMD at all, a
 * packet that was not announced, came twice, or has a wrong count; INVALID: another number of
 * atoms; NO_MEMORY.  An error stays. */
iw_status iw_imd_took(iw_imd *self, size_t size, iw_imd_event *event, iw_error *err);

bool iw_imd_is_engine(const iw_imd *self);     /* a handshake came, whatever its version */
bool iw_imd_within_frame(const iw_imd *self);  /* the last frame is only half there */
bool iw_imd_is_swapped(const iw_imd *self);    /* the engine's byte order is not ours */
size_t iw_imd_frame_bytes(const iw_imd *self); /* of one frame; 0 before the session */
const iw_imd_session *iw_imd_session_of(const iw_imd *self);
const iw_imd_frame *iw_imd_frame_of(const iw_imd *self);

/* The 8 bytes of a packet without body. */
void iw_imd_header(unsigned char to[IW_IMD_HEADER], iw_imd_kind kind, uint32_t count);

#endif
