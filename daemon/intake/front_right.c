/* SPDX-License-Identifier: GPL-3.0-or-later */
/* front_right.c - what the sender of a message may do. */
#include "intake/front_internal.h"

#include <stdlib.h>
#include <string.h>

static const char opened_by[] = "opened_by"; /* in a run's metadata */

/* The role that a message needs, 0 if any will do; what it is, for the refusal. */
static unsigned
role_of(const iw_message *message, const char **role, const char **what)
{
    switch (message->type) {
    case IW_MSG_HELLO:
    case IW_MSG_FRAME:
    case IW_MSG_BYE:
        *role = "stream";
        *what = "send runs";
        return IW_ROLE_STREAM;
    case IW_MSG_ASK:
        if (strcmp(message->verb, "stop") == 0 || strcmp(message->verb, "rm") == 0) {
            *role = "control";
            *what = "stop or remove runs";
            return IW_ROLE_CONTROL;
        }
        *role = "read";
        *what = "read";
        return IW_ROLE_READ;
    default:
        return 0;
    }
}

/* A peer may choose the name of his end: it proves nothing without the key. */
iw_live *
iw_front_session(const iw_front *self, const iw_peer *peer)
{
    iw_live *run = iw_live_by_peer(&self->runs, peer);
    return run && strcmp(run->key, self->who.key) == 0 ? run : NULL;
}

static void
refuse(iw_front *self, const iw_peer *peer, iw_msg_type type, const char *what, const char *text)
{
    char who[80 + IW_KEY_NAME];
    (void)snprintf(who, sizeof who, "%s%s%s", self->who.name, self->who.name[0] ? " at " : "",
                   self->who.address);
    iw_gate_refused(self->gate, "intake.refused", who, what, text);
    if (type == IW_MSG_ASK)
        iw_front_answer(self, peer, IW_REFUSED, text, NULL, 0);
    else
        iw_front_refuse(self, peer, IW_REFUSED, text);
    iw_live *run = iw_front_session(self, peer);
    if (run && type != IW_MSG_ASK)
        run->peer.size = 0;
}

bool
iw_front_may(iw_front *self, const iw_peer *peer, const iw_message *message)
{
    char text[IW_WIRE_TEXT];
    const char *role = NULL, *what = NULL;
    if (self->who.roles == 0) {
        (void)snprintf(text, sizeof text,
                       "key %s is not authorised (any more): ask who runs the daemon to put it "
                       "into authorised_keys",
                       self->who.key);
        refuse(self, peer, IW_MSG_HELLO, "key", text);
        return false;
    }
    unsigned needed = message ? role_of(message, &role, &what) : 0;
    if ((self->who.roles & needed) == needed)
        return true;
    (void)snprintf(text, sizeof text,
                   "the key of %s may not %s: it lacks the role %s in authorised_keys",
                   self->who.name, what, role);
    refuse(self, peer, message->type, role, text);
    return false;
}

bool
iw_front_may_continue(iw_front *self, const iw_peer *peer, const iw_run_info *run)
{
    const char *owner = iw_run_info_metadata(run, opened_by);
    bool local = !self->who.key[0];
    if (local || (self->who.roles & IW_ROLE_CONTROL) ||
        (owner && strcmp(owner, self->who.name) == 0))
        return true;
    char text[IW_WIRE_TEXT];
    (void)snprintf(text, sizeof text,
                   "run %s was opened by somebody else: the key of %s needs the role control to go "
                   "on with it, or another run id",
                   run->id, self->who.name);
    refuse(self, peer, IW_MSG_HELLO, "owner", text);
    return false;
}

static iw_status
say_again(iw_front *self, const iw_message *hello, zmq_msg_t *bytes, iw_error *err)
{
    zmq_msg_t fresh;
    iw_buffer_clear(&self->out);
    iw_status status = iw_wire_encode(hello, &self->out, err);
    if (status != IW_OK)
        return status;
    if (zmq_msg_init_size(&fresh, self->out.size) != 0)
        return iw_fail(err, IW_NO_MEMORY, "the daemon is out of memory");
    memcpy(zmq_msg_data(&fresh), self->out.data, self->out.size);
    (void)zmq_msg_move(bytes, &fresh);
    (void)zmq_msg_close(&fresh);
    return IW_OK;
}

iw_status
iw_front_sign(iw_front *self, const iw_message *hello, iw_run_info *info, zmq_msg_t *bytes,
              iw_error *err)
{
    const char *said = iw_run_info_metadata(info, opened_by);
    if (!self->who.key[0] && !said)
        return IW_OK;
    if (!said && info->n_metadata >= IW_MAX_METADATA)
        return iw_fail(err, IW_INVALID,
                       "the run has %zu pairs of metadata: leave one to the daemon",
                       info->n_metadata);
    iw_status status = iw_run_info_set_metadata(info, opened_by, self->who.name, err);
    return status == IW_OK ? say_again(self, hello, bytes, err) : status;
}
