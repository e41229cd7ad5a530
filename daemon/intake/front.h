/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_FRONT_H
#define IW_FRONT_H
/*
 * front.h - the front door: the thread that adapters and readers talk to.
 *
 * One ROUTER socket bound to every endpoint.  Decodes and checks each message, keeps the sessions,
 * hands records to the journal, acknowledges what is durable, answers readers, publishes snapshots.
 */
#include "ionwatchd/mail.h"

typedef struct iw_front iw_front;

typedef struct {
    const char *const *listen; /* endpoints */
    size_t n_listen;
    bool insecure_tcp; /* tcp:// beyond this machine is open to everybody there */
    bool require_keys; /* tcp:// within this machine asks for a key, too */
    const char *authorised_keys;
    unsigned message_limit_mib, queue_mib;
    unsigned max_runs, max_atoms, max_run_mib; /* max_run_mib: 0 for none */
    double heartbeat_s, lost_after_s;
    const char *data, *db; /* for `status` */
    unsigned min_free_mib; /* likewise */
    double stalled_s;      /* silence that the herald is told; 0: there is none */
    unsigned workers;      /* threads that analyse */
} iw_front_options;

/* Binds everything.  NULL: INVALID (refused endpoint, and what to do), IO (endpoint in use), ... */
iw_front *iw_front_new(void *context, const iw_front_options *options, iw_error *err);
void iw_front_destroy(iw_front **front); /* after the thread was joined */

/* Works until a QUIT mail, which goes through the journal so that everything taken is durable and
 * acknowledged before the sockets close. */
void *iw_front_run(void *front);

#endif
