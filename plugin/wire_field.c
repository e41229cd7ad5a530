/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_field.h"

#define FIELD(type, key, kind, member, required)                                                   \
    {                                                                                              \
        IW_MSG_##type, (key), IW_FIELD_##kind, offsetof(iw_message, member),                       \
            sizeof(((iw_message *)0)->member), (required)                                          \
    }

const iw_field iw_wire_fields[] = {
    FIELD(HELLO, "version", VERSION, version, true),
    FIELD(HELLO, "run_id", ID, run_id, true),
    FIELD(HELLO, "adapter", ID, adapter, false),
    FIELD(WELCOME, "version", VERSION, version, true),
    FIELD(WELCOME, "seq", SEQ, seq, true),
    FIELD(ACK, "seq", SEQ, seq, true),
    FIELD(CONTROL, "stop", BOOLEAN, stop, false),
    FIELD(CONTROL, "reason", TEXT, text, false),
    FIELD(CONTROL, "stride", INTEGER, stride, false),
    FIELD(BYE, "seq", SEQ, seq, true),
    FIELD(BYE, "reason", TEXT, text, false),
    FIELD(FILED, "id", TEXT, text, false),
    FIELD(REFUSED, "version", VERSION, version, false),
    FIELD(REFUSED, "status", STATUS, status, true),
    FIELD(REFUSED, "reason", TEXT, text, false),
    FIELD(ASK, "version", VERSION, version, true),
    FIELD(ASK, "verb", WORD, verb, true),
    FIELD(ASK, "arg", WORD, arg, false),
    FIELD(ASK, "run_id", ID, run_id, false),
    FIELD(ASK, "flag", BOOLEAN, flag, false),
    FIELD(ASK, "full", BOOLEAN, full, false),
    FIELD(ANSWER, "status", STATUS, status, true),
    FIELD(ANSWER, "reason", TEXT, text, false),
    FIELD(ANSWER, "json", JSON, json, false),
};

const size_t iw_wire_n_fields = sizeof iw_wire_fields / sizeof *iw_wire_fields;

const char *
iw_msg_type_name(uint64_t type)
{
    static const char *const names[] = {NULL,      "HELLO", "WELCOME", "FRAME",   "ACK",
                                        "CONTROL", "BYE",   "FILED",   "REFUSED", "PING",
                                        "PONG",    "ASK",   "ANSWER"};
    return type < sizeof names / sizeof *names ? names[type] : NULL;
}
