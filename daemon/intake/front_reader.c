/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "intake/front_internal.h"
#include "ionwatchd/log.h"

#include <stdlib.h>
#include <string.h>

enum { SHORT_ANSWER = 4096 }; /* bytes that are copied */

/* A long answer is on the account of its reader until he has it. */
static void
send_long(iw_front *self, const iw_peer *peer, const iw_message *answer)
{
    iw_error err;
    zmq_msg_t bytes;
    iw_buffer_clear(&self->out);
    if (iw_wire_encode(answer, &self->out, &err) != IW_OK ||
        iw_ledger_message(self->ledger, peer, &self->out, &bytes) != IW_OK) {
        iw_log("intake.answer", "an answer of %zu bytes: out of memory", answer->json_size);
        return;
    }
    if (zmq_send(self->router, peer->data, peer->size, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0 ||
        zmq_msg_send(&bytes, self->router, ZMQ_DONTWAIT) < 0)
        (void)zmq_msg_close(&bytes);
}

static void
answer_page(iw_front *self, const iw_peer *peer, iw_status status, const char *text,
            const char *json, size_t size)
{
    iw_mail *mail = iw_mail_new(IW_MAIL_ANSWER, 0);
    if (!mail)
        return; /* its patience ends */
    iw_error err;
    mail->peer = *peer;
    mail->status = status;
    iw_text_copy(mail->text, sizeof mail->text, text);
    if (size && iw_buffer_append(&mail->json, json, size, &err) != IW_OK) {
        mail->status = err.code;
        iw_text_copy(mail->text, sizeof mail->text, err.text);
    }
    (void)iw_mail_send(self->web, &mail);
}

void
iw_front_answer(iw_front *self, const iw_peer *peer, iw_status status, const char *text,
                const char *json, size_t size)
{
    iw_message answer;
    iw_message_init(&answer, IW_MSG_ANSWER);
    answer.status = status;
    iw_text_copy(answer.text, sizeof answer.text, text);
    answer.json = json;
    answer.json_size = size;
    if (peer->question)
        answer_page(self, peer, status, text, json, size);
    else if (size > SHORT_ANSWER)
        send_long(self, peer, &answer);
    else
        (void)iw_front_send(self, peer, &answer);
}

static void
answer_json(iw_front *self, const iw_peer *peer, json_t *json) /* consumed; NULL: out of memory */
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (text)
        iw_front_answer(self, peer, IW_OK, "", text, strlen(text));
    else
        iw_front_answer(self, peer, IW_NO_MEMORY, "the daemon is out of memory", NULL, 0);
    free(text);
}

static json_t *
list_entry(const iw_front *self, const iw_live *run)
{
    const iw_summary *s = &run->summary;
    const iw_run_info *info = run->info;
    json_t *json = json_object();
    if (!json)
        return NULL;
    iw_material material;
    iw_material_of(info, &material);
    int failed = 0;
    failed |= json_object_set_new(json, "id", json_string(info->id));
    failed |= json_object_set_new(json, "name", json_string(info->name ? info->name : ""));
    failed |= json_object_set_new(json, "state",
                                  json_string(iw_live_state(run, iw_now(), self->heartbeat_s)));
    failed |= json_object_set_new(json, "live", json_boolean(!run->filed));
    failed |= json_object_set_new(json, "state_reason",
                                  json_string(run->filed     ? ""
                                              : run->ending  ? self->db_trouble
                                              : run->waiting ? run->reason
                                                             : ""));
    failed |= json_object_set_new(json, "code", json_string(info->code ? info->code : ""));
    failed |= json_object_set_new(json, "material", json_string(material.name));
    failed |= json_object_set_new(json, "frames", json_integer((json_int_t)s->frames));
    failed |=
        json_object_set_new(json, "frames_durable",
                            json_integer((json_int_t)(run->filed ? s->frames : run->durable_seq)));
    failed |= json_object_set_new(json, "atoms", json_integer((json_int_t)info->n_atoms));
    failed |= json_object_set_new(json, "convergence",
                                  json_string(s->convergence[0] ? s->convergence : "unknown"));
    failed |= json_object_set_new(json, "stop_reason",
                                  run->stop[0] ? json_string(run->stop) : json_null());
    failed |= json_object_set_new(json, "adapter",
                                  run->peer.size ? json_string(run->address) : json_null());
    failed |= json_object_set_new(json, "silent_s",
                                  run->filed ? json_null() : json_real(iw_now() - run->heard_s));
    failed |=
        json_object_set_new(json, "journal_bytes", json_integer((json_int_t)run->journal_bytes));
    failed |=
        json_object_set_new(json, "updated", s->updated[0] ? json_string(s->updated) : json_null());
    if (failed || !iw_summary_put(s, json)) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static void
ask_list(iw_front *self, const iw_peer *peer, const iw_message *ask)
{
    json_t *list = json_array();
    int failed = list ? 0 : -1;
    for (size_t i = 0; i < self->runs.n && !failed; i++)
        if (ask->flag || !self->runs.items[i]->history)
            failed = json_array_append_new(list, list_entry(self, self->runs.items[i]));
    if (failed) {
        json_decref(list);
        list = NULL;
    }
    answer_json(self, peer, list);
}

static void
ask_status(iw_front *self, const iw_peer *peer, const iw_message *ask)
{
    (void)ask;
    answer_json(self, peer, iw_front_status(self));
}

static iw_live *
find(iw_front *self, const iw_peer *peer, const iw_message *ask, bool or_else, iw_error *err)
{
    const char *words = ask->arg[0] ? ask->arg : ask->run_id;
    if (!*words) {
        iw_front_answer(self, peer, IW_INVALID, "which run?  Give its id or name", NULL, 0);
        err->code = IW_INVALID;
        return NULL;
    }
    iw_live *run = iw_live_find(&self->runs, words, err);
    if (!run && !(or_else && err->code == IW_NOT_FOUND))
        iw_front_answer(self, peer, err->code, err->text, NULL, 0);
    return run;
}

/* Finished runs, and those that only the database knows, come from there.  Others come from their
 * worker, whatever the disk does; a new one is known to it behind its first record. */
static void *
who_shows(const iw_front *self, const iw_live *run)
{
    if (!run || run->filed)
        return self->store;
    if (self->n_workers == 0 || (run->opening && run->journal_bytes == 0))
        return self->journal;
    return self->workers[iw_mail_worker(run->number, self->n_workers)];
}

static void
ask_show(iw_front *self, const iw_peer *peer, const iw_message *ask)
{
    iw_error err;
    iw_live *run = find(self, peer, ask, true, &err);
    if (!run && err.code != IW_NOT_FOUND)
        return;
    iw_mail *mail = iw_mail_new(IW_MAIL_SHOW, run ? run->number : 0);
    if (!mail) {
        iw_front_answer(self, peer, IW_NO_MEMORY, "the daemon is out of memory", NULL, 0);
        return;
    }
    iw_ledger_asked(self->ledger, peer);
    mail->peer = *peer;
    mail->flag = ask->flag;
    mail->full = ask->full;
    mail->seq = run ? run->durable_seq : 0;
    if (run)
        memcpy(mail->id, run->info->id, sizeof mail->id);
    iw_text_copy(mail->text, sizeof mail->text,
                 run ? run->info->id : (ask->arg[0] ? ask->arg : ask->run_id));
    mail->offset = run ? run->journal_bytes : 0;
    (void)iw_mail_send(who_shows(self, run), &mail);
}

static void
ask_stop(iw_front *self, const iw_peer *peer, const iw_message *ask)
{
    iw_error err;
    iw_live *run = find(self, peer, ask, false, &err);
    if (!run)
        return;
    char text[IW_WIRE_TEXT];
    if (run->filed || run->unfiled || run->ending) {
        (void)snprintf(text, sizeof text, "run %s has ended already (%s)", run->info->id, run->why);
        iw_front_answer(self, peer, IW_INVALID, text, NULL, 0);
        return;
    }
    iw_front_stop(self, run, "a user asked for it (ionwatch stop)");
    bool there = strcmp(iw_live_state(run, iw_now(), self->heartbeat_s), "running") == 0;
    (void)snprintf(text, sizeof text, "run %s is asked to stop%s", run->info->id,
                   there ? "" : "; its adapter is silent now and hears it when it is back");
    iw_front_answer(self, peer, IW_OK, text, "true", 4);
}

static void
ask_remove(iw_front *self, const iw_peer *peer, const iw_message *ask)
{
    iw_error err;
    iw_live *run = find(self, peer, ask, true, &err);
    if (!run && err.code != IW_NOT_FOUND)
        return;
    const char *state = run ? iw_live_state(run, iw_now(), self->heartbeat_s) : "";
    bool live = run && !run->filed && !run->unfiled && strcmp(state, "stalled") != 0;
    if (live || (run && (run->opening || (run->parked && !run->filed)))) {
        char text[IW_WIRE_TEXT];
        (void)snprintf(text, sizeof text,
                       "run %s is %s: only a finished or stalled run can be removed", run->info->id,
                       state);
        iw_front_answer(self, peer, IW_REFUSED, text, NULL, 0);
        return;
    }
    iw_mail *mail = iw_mail_new(IW_MAIL_REMOVE, run ? run->number : 0);
    if (!mail)
        return;
    iw_ledger_asked(self->ledger, peer);
    mail->peer = *peer;
    if (run)
        memcpy(mail->id, run->info->id, sizeof mail->id);
    iw_text_copy(mail->text, sizeof mail->text,
                 run ? run->info->id : (ask->arg[0] ? ask->arg : ask->run_id));
    mail->flag = run != NULL; /* it need not be in the database */
    mail->removal = true;
    if (run) {
        iw_log("intake.remove", "run %s: removed on request", run->info->id);
        size_t at = self->n_removed++ % IW_REMOVED;
        memcpy(self->removed[at].run, run->info->id, sizeof self->removed[at].run);
        memcpy(self->removed[at].adapter, run->adapter, sizeof self->removed[at].adapter);
        self->removed[at].pending = true;
        void *owner = run->filed ? self->keeper : self->journal;
        if (self->herald)
            iw_front_mail(self->herald, IW_MAIL_FORGET, run, "");
        iw_live_remove(&self->runs, run);
        (void)iw_mail_send(owner, &mail);
    } else {
        (void)iw_mail_send(self->store, &mail);
    }
}

void
iw_front_removed(iw_front *self, const char *id)
{
    for (size_t i = 0; i < IW_REMOVED && i < self->n_removed; i++)
        if (strcmp(self->removed[i].run, id) == 0)
            self->removed[i].pending = false;
}

/* What the database has of a material: together with the listing, what `ionwatch arrhenius` takes.
 */
static void
ask_material(iw_front *self, const iw_peer *peer, const iw_message *ask)
{
    iw_mail *mail = *ask->arg ? iw_mail_new(IW_MAIL_MATERIAL, 0) : NULL;
    if (!mail) {
        iw_front_answer(self, peer, *ask->arg ? IW_NO_MEMORY : IW_INVALID,
                        *ask->arg ? "the daemon is out of memory" : "which material?", NULL, 0);
        return;
    }
    iw_ledger_asked(self->ledger, peer);
    mail->peer = *peer;
    iw_text_copy(mail->text, sizeof mail->text, ask->arg);
    (void)iw_mail_send(self->store, &mail);
}

static const struct {
    const char *verb;
    void (*answer)(iw_front *self, const iw_peer *peer, const iw_message *ask);
} verbs[] = {{"list", ask_list},         {"show", ask_show}, {"status", ask_status},
             {"material", ask_material}, {"stop", ask_stop}, {"rm", ask_remove}};

void
iw_front_ask(iw_front *self, const iw_peer *peer, const iw_message *ask)
{
    iw_error err;
    if (iw_ledger_check(self->ledger, peer, &err) != IW_OK) {
        iw_front_answer(self, peer, err.code, err.text, NULL, 0);
        return;
    }
    self->tally.questions++;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].verb, ask->verb) == 0) {
            verbs[i].answer(self, peer, ask);
            return;
        }
    char text[IW_WIRE_TEXT];
    (void)snprintf(text, sizeof text,
                   "unknown verb \"%s\": list, show, status, material, stop and rm are known",
                   ask->verb);
    iw_front_answer(self, peer, IW_UNSUPPORTED, text, NULL, 0);
}
