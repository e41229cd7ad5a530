/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_WIRE_FIELD_H
#define IW_WIRE_FIELD_H
/*
 * wire_field.h - the fields of every message but HELLO's and FRAME's arrays: one row each, used by
 * the encoder, the decoder and the test that compares docs/protocol.md with them.
 */
#include "wire.h"

#include <stddef.h>

typedef enum {
    IW_FIELD_VERSION, /* int; a version that is not ours ends decoding */
    IW_FIELD_ID,      /* char[IW_ID_LENGTH + 1], a UUID */
    IW_FIELD_TEXT,    /* char[room], cut at room - 1 bytes */
    IW_FIELD_WORD,    /* char[room], refused when longer */
    IW_FIELD_SEQ,     /* uint64_t */
    IW_FIELD_INTEGER, /* int64_t >= 0 */
    IW_FIELD_BOOLEAN, /* bool */
    IW_FIELD_STATUS,  /* iw_status */
    IW_FIELD_JSON     /* json and json_size, borrowed */
} iw_field_kind;

typedef struct {
    iw_msg_type type;
    const char *key;
    iw_field_kind kind;
    size_t offset; /* in iw_message */
    size_t room;
    bool required;
} iw_field;

extern const iw_field iw_wire_fields[];
extern const size_t iw_wire_n_fields;

/* "HELLO", "WELCOME", ...; NULL for a number that is no type. */
const char *iw_msg_type_name(uint64_t type);

#endif
