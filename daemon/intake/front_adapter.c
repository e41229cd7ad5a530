/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "intake/front_internal.h"
#include "ionwatchd/log.h"

#include <stdlib.h>
#include <string.h>

static const double RIVAL_PATIENCE_S = 3;

enum { FRAME_REST = 1024 }; /* bytes of a FRAME beside its arrays, at most */

/* The bytes move into the mail: nothing is copied. */
static iw_mail *
record(iw_mail_kind kind, const iw_live *run, zmq_msg_t *bytes)
{
    iw_mail *mail = iw_mail_new(kind, run->number);
    if (!mail)
        return NULL;
    memcpy(mail->id, run->info->id, sizeof mail->id);
    (void)zmq_msg_move(&mail->message, bytes);
    return mail;
}

/* A record that the daemon itself has to say. */
static void
own_record(iw_front *self, iw_mail_kind kind, const iw_live *run, const iw_message *message)
{
    iw_error err = {.text = "out of memory"};
    zmq_msg_t bytes;
    self->out.size = 0;
    if (iw_wire_encode(message, &self->out, &err) != IW_OK ||
        zmq_msg_init_size(&bytes, self->out.size) != 0) {
        iw_log("intake.record", "run %s: %s", run->info->id, err.text);
        return;
    }
    memcpy(zmq_msg_data(&bytes), self->out.data, self->out.size);
    iw_mail *mail = record(kind, run, &bytes);
    (void)zmq_msg_close(&bytes);
    if (!mail)
        return;
    mail->seq = run->next_seq - 1;
    (void)iw_mail_send(self->journal, &mail);
}

static void
tell_seq(iw_front *self, const iw_live *run, iw_msg_type type, uint64_t seq)
{
    iw_message message;
    iw_message_init(&message, type);
    message.seq = seq;
    if (run->peer.size > 0)
        (void)iw_front_send(self, &run->peer, &message);
}

static void
tell_filed(iw_front *self, const iw_live *run)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_FILED);
    iw_text_copy(message.text, sizeof message.text, run->record);
    if (run->peer.size > 0)
        (void)iw_front_send(self, &run->peer, &message);
}

static void
tell_stop(iw_front *self, const iw_live *run)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_CONTROL);
    message.stop = true;
    memcpy(message.text, run->stop, sizeof message.text);
    if (run->peer.size > 0)
        (void)iw_front_send(self, &run->peer, &message);
}

static void
park(iw_live *run, iw_mail *hello)
{
    iw_mail_destroy(&run->parked);
    run->parked = hello;
}

/* The last record of its journal says so: only a HELLO can follow. */
static bool
has_ended(const iw_live *run)
{
    return run->filed || run->unfiled;
}

/* A run that had ended goes on: the MD code was started again. */
static void
go_on(iw_live *run)
{
    run->filed = run->unfiled = run->history = run->gone = run->bye_durable = false;
    run->why[0] = run->stop[0] = '\0';
}

/* The first new frame of a filed run: now the HELLO counts.  The frame stays with the adapter until
 * the journal is ready, which takes long if it has to be unpacked. */
static void
wake(iw_front *self, iw_live *run)
{
    iw_mail *hello = run->parked;
    run->parked = NULL;
    run->opening = true;
    iw_log("intake.again", "run %s goes on", run->info->id);
    (void)iw_mail_send(self->keeper, &hello);
}

/* For ipc libzmq says "localhost:UID:GID:PID". */
static void
take_address(iw_live *run, const char *address)
{
    const char *process = strrchr(address, ':');
    if (strncmp(address, "localhost:", 10) == 0 && process)
        (void)snprintf(run->address, sizeof run->address, "process %.20s", process + 1);
    else
        iw_text_copy(run->address, sizeof run->address, address);
}

/* The run's session now belongs to the sender of this HELLO; the journal speaks next. */
static void
admit(iw_front *self, iw_live *run, iw_mail *hello)
{
    bool again = run->adapter[0] && strcmp(run->adapter, hello->text) == 0;
    bool same_peer = iw_peer_equal(&run->peer, &hello->peer);
    run->peer = hello->peer;
    memcpy(run->adapter, hello->text, sizeof run->adapter);
    memcpy(run->key, hello->key, sizeof run->key);
    take_address(run, hello->address);
    run->heard_s = iw_now();
    run->lagging = run->asked = false;
    run->left = 0;
    hello->run = run->number;
    if (run->filed) { /* nothing changes unless a new frame comes */
        park(run, hello);
        tell_seq(self, run, IW_MSG_WELCOME, run->next_seq);
        return;
    }
    if (run->unfiled)
        go_on(run);
    if (run->opening && (again || same_peer)) { /* its record is on the way: one is enough */
        iw_mail_destroy(&hello);
        return;
    }
    run->opening = true;
    iw_log("intake.hello", "run %s \"%s\" (%s, %zu atoms) from %s", run->info->id,
           run->info->name ? run->info->name : "",
           run->info->code && *run->info->code ? run->info->code : "code not named",
           run->info->n_atoms, run->address);
    (void)iw_mail_send(self->journal, &hello);
}

/* True when the older adapter of the run must be asked whether it still lives. */
static bool
is_contested(iw_front *self, const iw_live *run, const iw_peer *peer, const char *adapter)
{
    if (run->peer.size == 0 || iw_peer_equal(&run->peer, peer))
        return false;
    if (run->adapter[0] && strcmp(run->adapter, adapter) == 0)
        return false; /* the same handle over a new connection */
    iw_message ping;
    iw_message_init(&ping, IW_MSG_PING);
    return iw_front_send(self, &run->peer, &ping);
}

static iw_mail *
hello_mail(const iw_front *self, const iw_peer *peer, const iw_message *hello, iw_run_info **info,
           zmq_msg_t *bytes)
{
    iw_mail *mail = iw_mail_new(IW_MAIL_HELLO, 0);
    if (!mail)
        return NULL;
    memcpy(mail->id, (*info)->id, sizeof mail->id);
    iw_text_copy(mail->text, sizeof mail->text, hello->adapter);
    memcpy(mail->key, self->who.key, sizeof mail->key);
    memcpy(mail->address, self->who.address, sizeof mail->address);
    mail->peer = *peer;
    mail->info = *info;
    *info = NULL;
    (void)zmq_msg_move(&mail->message, bytes);
    return mail;
}

static iw_live *
add_run(iw_front *self, const iw_run_info *hello)
{
    iw_run_info *info = malloc(sizeof *info);
    if (!info)
        return NULL;
    iw_run_info_init(info);
    if (iw_run_info_copy(info, hello, NULL) != IW_OK) {
        iw_run_info_fini(info);
        free(info);
        return NULL;
    }
    return iw_live_add(&self->runs, self->runs.last_number + 1, &info);
}

/* The very handle that streamed it, not another program that starts the run anew.  NULL: whoever it
 * is, because the removal goes on still. */
static bool
is_removed(const iw_front *self, const char *run, const char *adapter)
{
    for (size_t i = 0; i < IW_REMOVED && i < self->n_removed; i++)
        if (strcmp(self->removed[i].run, run) == 0 &&
            (adapter ? *adapter && strcmp(self->removed[i].adapter, adapter) == 0
                     : self->removed[i].pending))
            return true;
    return false;
}

static size_t
count_going(const iw_front *self)
{
    size_t n = 0;
    for (size_t i = 0; i < self->runs.n; i++) {
        const iw_live *run = self->runs.items[i];
        n += !run->filed && !run->unfiled && !run->ending;
    }
    return n;
}

/* What this daemon does not take.  FULL may pass, INVALID stays.  run: NULL for a new one. */
static iw_status
check_limits(const iw_front *self, const iw_live *run, const iw_run_info *hello, iw_error *err)
{
    size_t frame_bytes = hello->n_atoms * 6 * sizeof(double) + FRAME_REST;
    if (hello->n_atoms > self->max_atoms)
        return iw_fail(err, IW_INVALID,
                       "run %s has %zu atoms, this daemon takes %zu: set its max_atoms", hello->id,
                       hello->n_atoms, self->max_atoms);
    if (frame_bytes > self->message_limit)
        return iw_fail(err, IW_INVALID,
                       "a frame of %zu atoms takes up to %zu MiB, this daemon takes %zu MiB: set "
                       "its message_limit_mib",
                       hello->n_atoms, (frame_bytes >> 20) + 1, self->message_limit >> 20);
    if (run && run->journal_bytes >= self->max_run_bytes)
        return iw_fail(err, IW_INVALID,
                       "run %s has reached the daemon's max_run_mib = %llu: its frames are filed, "
                       "no more are taken",
                       hello->id, (unsigned long long)self->max_run_bytes >> 20);
    if ((!run || run->filed || run->unfiled) && count_going(self) >= self->max_runs)
        return iw_fail(err, IW_FULL,
                       "%zu runs are going on, this daemon's max_runs: frames stay with the "
                       "adapter until one of them has ended",
                       self->max_runs);
    return IW_OK;
}

void
iw_front_hello(iw_front *self, const iw_peer *peer, const iw_message *hello, iw_run_info **info,
               zmq_msg_t *bytes)
{
    iw_error err;
    iw_live *run = iw_live_by_id(&self->runs, (*info)->id);
    iw_live *other = iw_front_session(self, peer);
    if (other && other != run) {
        iw_front_refuse(self, peer, IW_INVALID, "one connection carries one run");
        return;
    }
    if (run && !iw_front_may_continue(self, peer, run->info))
        return;
    iw_status limit = check_limits(self, run, *info, &err);
    if (limit != IW_OK) {
        iw_gate_refused(self->gate, "intake.refused", self->who.address,
                        limit == IW_FULL ? "full" : "size", err.text);
        iw_front_refuse(self, peer, limit, err.text);
        return;
    }
    if (run && iw_live_match(run->info, *info, &err) != IW_OK) {
        iw_gate_refused(self->gate, "intake.refused", self->who.address, (*info)->id, err.text);
        iw_front_refuse(self, peer, err.code, err.text);
        return;
    }
    if (run && run->filed && run->gone) {
        char text[IW_WIRE_TEXT];
        (void)snprintf(text, sizeof text,
                       "run %s was filed (%s) and its frames are not kept here, so that it cannot "
                       "go on: give the continuation another run id",
                       (*info)->id, run->why);
        iw_gate_refused(self->gate, "intake.refused", self->who.address, (*info)->id, text);
        iw_front_refuse(self, peer, IW_REFUSED, text);
        return;
    }
    if (!run && is_removed(self, (*info)->id, NULL)) {
        iw_front_refuse(self, peer, IW_FULL, "the run is being removed: ask again");
        return;
    }
    if (!run && is_removed(self, (*info)->id, hello->adapter)) {
        char text[IW_WIRE_TEXT];
        (void)snprintf(text, sizeof text,
                       "run %s was removed at the daemon (`ionwatch rm`): no more of its frames "
                       "are taken; another job starts it anew",
                       (*info)->id);
        iw_gate_refused(self->gate, "intake.refused", self->who.address, (*info)->id, text);
        iw_front_refuse(self, peer, IW_REFUSED, text);
        return;
    }
    if (!run)
        run = add_run(self, *info);
    iw_mail *mail = run ? hello_mail(self, peer, hello, info, bytes) : NULL;
    if (!mail) {
        iw_front_refuse(self, peer, IW_NO_MEMORY, "the daemon is out of memory");
        return;
    }
    if (run->ending) {
        park(run, mail); /* first the database, then it goes on */
    } else if (is_contested(self, run, peer, mail->text)) {
        park(run, mail);
        run->rival_until_s = iw_now() + RIVAL_PATIENCE_S;
    } else {
        admit(self, run, mail);
    }
}

/* The older adapter has spoken: the newcomer is turned away. */
static void
turn_rival_away(iw_front *self, iw_live *run)
{
    char text[IW_WIRE_TEXT];
    (void)snprintf(text, sizeof text,
                   "run %s is being streamed by another adapter (%s): end that one, or use another "
                   "run id",
                   run->info->id, run->address);
    iw_gate_refused(self->gate, "intake.refused", run->parked->address, run->info->id, text);
    iw_front_refuse(self, &run->parked->peer, IW_EXISTS, text);
    iw_mail_destroy(&run->parked);
    run->rival_until_s = 0;
}

/* The run of a peer, heard now; NULL for a stranger, who is asked to say HELLO. */
static iw_live *
session(iw_front *self, const iw_peer *peer)
{
    iw_live *run = iw_front_session(self, peer);
    if (!run) {
        iw_front_refuse(self, peer, IW_CLOSED, "no session: say HELLO first");
        return NULL;
    }
    run->heard_s = iw_now();
    if (run->rival_until_s > 0)
        turn_rival_away(self, run);
    return run;
}

void
iw_front_sign_of_life(iw_front *self, const iw_peer *peer, bool ping)
{
    iw_live *run = session(self, peer);
    if (!run || !ping)
        return;
    if (run->ending && !run->bye_durable)
        run->pongs_due++; /* the PONG behind a BYE says that it is on disk */
    else
        tell_seq(self, run, IW_MSG_PONG, 0);
}

static void
end_run(iw_front *self, iw_live *run, const char *why)
{
    self->tally.ended++;
    run->ending = true;
    run->bye_durable = false;
    run->pongs_due = 0;
    iw_text_copy(run->why, sizeof run->why, *why ? why : "ended");
    iw_log("intake.ended", "run %s: %s after %llu frames", run->info->id, run->why,
           (unsigned long long)(run->next_seq - 1));
}

static void
end_by_daemon(iw_front *self, iw_live *run, const char *why)
{
    iw_message bye;
    iw_message_init(&bye, IW_MSG_BYE);
    bye.seq = run->next_seq - 1;
    iw_text_copy(bye.text, sizeof bye.text, why);
    own_record(self, IW_MAIL_BYE, run, &bye);
    end_run(self, run, why);
}

/* A frame of another system ends the run; a filed one stays as it is. */
static void
refuse_atoms(iw_front *self, iw_live *run, const iw_peer *peer, const iw_frame_view *frame)
{
    char text[IW_WIRE_TEXT];
    (void)snprintf(text, sizeof text,
                   "run %s: frame %llu has %zu atoms, the run has %zu: the frames before it are "
                   "kept and filed",
                   run->info->id, (unsigned long long)frame->seq, frame->n_atoms,
                   run->info->n_atoms);
    iw_log("intake.refused", "%s", text);
    iw_front_refuse(self, peer, IW_INVALID, text);
    if (!run->filed)
        end_by_daemon(self, run, "refused");
    run->peer.size = 0;
}

void
iw_front_frame(iw_front *self, const iw_peer *peer, const iw_message *message, zmq_msg_t *bytes)
{
    const iw_frame_view *frame = &message->frame;
    iw_live *run = session(self, peer);
    if (run && run->opening)
        iw_live_leave(run, frame->seq);
    if (!run || run->opening || run->ending || self->quitting)
        return;
    if (has_ended(run) && !run->parked) {
        iw_front_refuse(self, peer, IW_CLOSED, "the run has ended: say HELLO to go on");
        return;
    }
    if (frame->n_atoms != run->info->n_atoms) {
        refuse_atoms(self, run, peer, frame);
        return;
    }
    if (run->filed && frame->seq >= run->next_seq) {
        iw_live_leave(run, frame->seq);
        wake(self, run);
        return;
    }
    size_t size = zmq_msg_size(bytes);
    switch (iw_live_frame(&self->runs, run, frame->seq, size)) {
    case IW_FRAME_TAKE: {
        iw_mail *mail = record(IW_MAIL_FRAME, run, bytes);
        if (!mail) {
            run->next_seq = frame->seq;
            run->lagging = true;
            iw_live_landed(&self->runs, run, size);
            return;
        }
        mail->seq = frame->seq;
        self->tally.received++;
        self->tally.received_bytes += size;
        (void)iw_mail_send(self->journal, &mail);
        break;
    }
    case IW_FRAME_REPEATED:
        self->tally.repeated++;
        tell_seq(self, run, IW_MSG_ACK, run->durable_seq);
        break;
    case IW_FRAME_LEAVE:
        self->tally.deferred++;
        break;
    }
}

void
iw_front_bye(iw_front *self, const iw_peer *peer, const iw_message *message, zmq_msg_t *bytes)
{
    iw_live *run = session(self, peer);
    if (!run || run->opening || run->ending || self->quitting || run->lagging)
        return;
    if (run->filed) { /* said before, perhaps to a daemon that was killed since */
        tell_filed(self, run);
        return;
    }
    if (run->unfiled) {
        iw_front_refuse(self, peer, IW_CLOSED, "the run has ended: say HELLO to go on");
        return;
    }
    iw_mail *mail = record(IW_MAIL_BYE, run, bytes);
    if (!mail)
        return;
    mail->seq = run->next_seq - 1;
    (void)iw_mail_send(self->journal, &mail);
    end_run(self, run, message->text);
}

void
iw_front_opened(iw_front *self, iw_live *run, const iw_mail *mail)
{
    bool expected = run->opening;
    run->opening = run->waiting = false;
    if (mail->status != IW_OK) { /* the journal has dropped what it had of it */
        iw_gate_refused(self->gate, "intake.refused", run->address,
                        mail->status == IW_FULL ? "full" : run->info->id, mail->text);
        iw_front_refuse(self, &run->peer, mail->status, mail->text);
        iw_live_landed(&self->runs, run, run->in_flight);
        run->peer.size = 0;
        run->gone = run->filed && mail->status == IW_REFUSED;
        if (run->durable_seq == 0 && !run->filed)
            iw_live_remove(&self->runs, run);
        return;
    }
    if (!expected)
        return;
    bool again = run->filed;
    if (again)
        go_on(run);
    self->tally.begun += again || run->journal_bytes == 0;
    run->durable_seq = mail->seq;
    run->next_seq = mail->seq + 1;
    iw_live_ask(run);
    tell_seq(self, run, IW_MSG_WELCOME, run->next_seq);
    if (run->stop[0])
        tell_stop(self, run);
    iw_mail *later = run->parked; /* its adapter said HELLO once more meanwhile */
    if (again && later && run->rival_until_s == 0) {
        run->parked = NULL;
        admit(self, run, later);
    }
}

void
iw_front_durable(iw_front *self, iw_live *run, const iw_mail *mail)
{
    run->waiting = false;
    if (mail->seq > run->durable_seq) {
        run->durable_seq = mail->seq;
        tell_seq(self, run, IW_MSG_ACK, mail->seq);
    }
    if (mail->text[0])
        run->bye_durable = true;
    for (; run->bye_durable && run->pongs_due > 0; run->pongs_due--)
        tell_seq(self, run, IW_MSG_PONG, 0);
    iw_live_landed(&self->runs, run, mail->landed);
    self->tally.acknowledged += mail->landed_frames;
    if (mail->offset > run->journal_bytes)
        self->tally.written_bytes += mail->offset - run->journal_bytes;
    run->journal_bytes = mail->offset;
    if (run->journal_bytes >= self->max_run_bytes && !run->ending && !run->filed) {
        iw_error err = {.code = IW_INVALID};
        end_by_daemon(self, run, "max_run_mib");
        (void)check_limits(self, run, run->info, &err);
        iw_front_refuse(self, &run->peer, err.code, err.text);
        run->peer.size = 0;
    }
}

void
iw_front_filed(iw_front *self, iw_live *run, const iw_mail *mail)
{
    run->ending = false;
    run->filed = mail->status == IW_OK;
    run->unfiled = !run->filed;
    run->waiting = false;
    if (run->filed) {
        self->tally.filed++;
        run->summary = mail->summary;
        iw_text_copy(run->record, sizeof run->record, mail->text);
        tell_filed(self, run);
        iw_front_mail(self->keeper, IW_MAIL_KEEP, run, "");
    }
    if (run->filed)
        iw_front_herald_filed(self, run);
    else
        iw_front_herald(self, run, IW_EVENT_unfiled, mail->text);
    iw_mail *parked = run->parked;
    run->parked = NULL;
    if (parked)
        admit(self, run, parked);
}

void
iw_front_stop(iw_front *self, iw_live *run, const char *reason)
{
    if (run->stop[0] || run->ending || run->filed || run->unfiled)
        return;
    iw_text_copy(run->stop, sizeof run->stop, reason);
    iw_log("intake.stop", "run %s: asked to stop: %s", run->info->id, reason);
    iw_message control;
    iw_message_init(&control, IW_MSG_CONTROL);
    control.stop = true;
    memcpy(control.text, run->stop, sizeof control.text);
    own_record(self, IW_MAIL_CONTROL, run, &control);
    if (!run->opening)
        tell_stop(self, run);
}

/* What was left with adapters is wanted now. */
static void
ask_again(iw_front *self)
{
    uint64_t promised = 0;
    for (iw_live *run; (run = iw_live_next_lagging(&self->runs, &promised));) {
        iw_live_ask(run);
        tell_seq(self, run, IW_MSG_WELCOME, run->next_seq);
    }
}

void
iw_front_tick(iw_front *self)
{
    double now = iw_now();
    ask_again(self);
    for (size_t i = 0; i < self->runs.n; i++) {
        iw_live *run = self->runs.items[i];
        if (run->rival_until_s > 0 && (run->ending || !run->parked)) {
            run->rival_until_s = 0; /* it is let in once the run is filed, or was */
        } else if (run->rival_until_s > 0 && now > run->rival_until_s) {
            iw_mail *parked = run->parked;
            run->parked = NULL;
            run->rival_until_s = 0;
            iw_log("intake.takeover", "run %s: its older adapter does not answer", run->info->id);
            admit(self, run, parked);
        }
        if (has_ended(run))
            continue;
        const char *state = iw_live_state(run, now, self->heartbeat_s);
        if (strcmp(state, run->told) != 0 && !run->ending) {
            iw_log("intake.state", "run %s: %s", run->info->id, state);
            iw_text_copy(run->told, sizeof run->told, state);
            iw_front_mail(self->journal, IW_MAIL_STATE, run, state);
        }
        if (run->ending || run->opening || run->waiting || self->quitting)
            continue;
        iw_front_herald_silence(self, run, now);
        if (now - run->heard_s > self->lost_after_s) {
            end_by_daemon(self, run, "lost");
            iw_front_herald(self, run, IW_EVENT_lost, iw_event_meaning(IW_EVENT_lost));
        }
    }
}
