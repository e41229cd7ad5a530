/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_WIRE_H
#define IW_WIRE_H
/*
 * wire.h - messages of protocol version 1 (docs/protocol.md): msgpack maps, one per ZeroMQ message.
 *
 * Encoding appends to a buffer; decoding trusts nothing: every announced count is checked against
 * the bytes that are left before anything is allocated, nesting is bounded, unknown keys are
 * skipped, and numbers that are not finite are refused where a number is needed.  A decoded
 * message borrows from the bytes it was decoded from; text is copied into fixed fields.
 */
#include "buffer.h"
#include "frame.h"

/* Sequence numbers stop at IW_SEQ_MAX, so that JSON and SQL can hold them and one more. */
enum { IW_PROTOCOL_VERSION = 1, IW_WIRE_TEXT = 400 };
#define IW_SEQ_MAX ((uint64_t)INT64_MAX - 1)
/* The difference of any two MD steps is a number as well. */
#define IW_STEP_MAX (INT64_MAX / 2)

typedef enum {
    IW_MSG_HELLO = 1, /* adapter -> daemon */
    IW_MSG_WELCOME,   /* daemon -> adapter: next sequence number wanted */
    IW_MSG_FRAME,     /* adapter -> daemon */
    IW_MSG_ACK,       /* daemon -> adapter: highest durable sequence number */
    IW_MSG_CONTROL,   /* daemon -> adapter: stop with a reason, or a stride wish */
    IW_MSG_BYE,       /* adapter -> daemon: why the run ended, after the last frame */
    IW_MSG_FILED,     /* daemon -> adapter: in the database, with its id */
    IW_MSG_REFUSED,   /* daemon -> adapter or reader: status and reason; the session is over */
    IW_MSG_PING,      /* either way, answered with PONG; keeps a session alive */
    IW_MSG_PONG,
    IW_MSG_ASK,   /* reader -> daemon: verb ("list", "show", "status", ...) and arguments */
    IW_MSG_ANSWER /* daemon -> reader: status, reason, JSON text */
} iw_msg_type;

/* A frame as it lies in the message: arrays are borrowed, little-endian, unaligned. */
typedef struct {
    uint64_t seq;
    int64_t step;
    double time_fs;
    bool has_cell;
    double cell_A[9];
    size_t n_atoms;
    bool pos_is_f32, has_velocities, vel_is_f32;
    const void *pos; /* 3 * n_atoms values, Angstrom */
    const void *vel; /* 3 * n_atoms values, Angstrom/fs; NULL if none */
    double potential_energy_eV, kinetic_energy_eV, temperature_K; /* NAN if not known */
} iw_frame_view;

/* One message; which fields matter is told by type. */
typedef struct {
    iw_msg_type type;
    int version;                    /* HELLO, WELCOME, REFUSED, ASK */
    char run_id[IW_ID_LENGTH + 1];  /* HELLO; ASK may use arg instead */
    char adapter[IW_ID_LENGTH + 1]; /* HELLO: UUID of the sending handle, the same whenever it
                                       connects again; "" if not given */
    iw_run_info *run;    /* HELLO: filled by decode into the caller's object (may be NULL: skip) */
    iw_frame_view frame; /* FRAME */
    uint64_t seq;        /* WELCOME: next wanted; ACK: highest durable; BYE: last sent */
    char text[IW_WIRE_TEXT]; /* CONTROL, BYE, REFUSED, ANSWER: reason; FILED: database id */
    bool stop;               /* CONTROL */
    int64_t stride;          /* CONTROL: wish, 0 if none */
    iw_status status;        /* REFUSED, ANSWER */
    char verb[32];           /* ASK */
    char arg[IW_WIRE_TEXT];  /* ASK: run id or name, "" if none */
    bool flag;               /* ASK: "show": with series; "list": all */
    bool full;               /* ASK: "show": series at full length */
    const char *json;        /* ANSWER: borrowed, json_size bytes, no terminating zero */
    size_t json_size;
} iw_message;

void iw_message_init(iw_message *message, iw_msg_type type);

/* Appends the encoded message to *out.  NO_MEMORY; INVALID for a message that lacks a field. */
iw_status iw_wire_encode(const iw_message *message, iw_buffer *out, iw_error *err);

/* The same for a FRAME, with positions and velocities multiplied by the factors on their way, in
 * one pass over memory.  *finite says whether all of them came out finite: the caller refuses the
 * frame otherwise, and iw_frame_view_check() names the atom. */
iw_status iw_wire_encode_frame(const iw_frame_view *frame, double pos_factor, double vel_factor,
                               iw_buffer *out, bool *finite, iw_error *err);

/* Decodes one message of size bytes into *out, made by iw_message_init(); out->run is the caller's
 * (made by iw_run_info_init, or NULL) and filled by a HELLO alone.  PROTOCOL: not a message of
 * version 1, with what and where. HELLO, WELCOME or ASK of another version decodes with type and
 * version only: UNSUPPORTED.  The numbers in a FRAME's arrays are not looked at: see
 * iw_frame_view_check(). */
iw_status iw_wire_decode(const void *data, size_t size, iw_message *out, iw_error *err);

/* Changes the sequence number of a FRAME made by iw_wire_encode(), in place.  PROTOCOL: it is not
 * such a FRAME. */
iw_status iw_wire_set_seq(void *frame, size_t size, uint64_t seq, iw_error *err);

/* What makes a frame unusable: INVALID for a position, velocity or cell that is not finite (with
 * the atom's index, from 0), or a cell whose volume is (nearly) zero. */
iw_status iw_frame_view_check(const iw_frame_view *view, iw_error *err);
iw_status iw_frame_view_check_cell(const iw_frame_view *view, iw_error *err); /* the cell alone */

/* Copies a view into a frame of the same atom count, converting f32 to f64.  INVALID when the
 * counts differ. */
iw_status iw_frame_view_load(const iw_frame_view *view, iw_frame *frame, iw_error *err);

/* A view that borrows a frame's own arrays (f64). */
void iw_frame_view_of(const iw_frame *frame, iw_frame_view *view);

/* The endpoint used when none is given: $IONWATCH_ENDPOINT, else
 * ipc://$XDG_RUNTIME_DIR/ionwatch.sock, else ipc:///tmp/ionwatch-UID/ionwatch.sock.  The folder in
 * /tmp is made 0700 and refused when it belongs to somebody else. */
iw_status iw_default_endpoint(char *text, size_t size, iw_error *err);

/* Before a socket is bound to a path, which removes what is there.  REFUSED: that is a file, not
 * the socket of a daemon that was killed. */
iw_status iw_socket_file_check(const char *path, iw_error *err);

#endif
