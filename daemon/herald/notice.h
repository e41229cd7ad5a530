/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_NOTICE_H
#define IW_NOTICE_H
/*
 * notice.h - an event on its way to the command of the user (on_event).
 *
 * The thread that knows of an event says so here; the herald's thread decides whether it is told.
 */
#include "events.h"
#include "ionwatchd/mail.h"

#include <jansson.h>

typedef struct {
    iw_event_kind kind;
    uint64_t number; /* events of one kind and run count up: what is not higher than one that was
                        told is the same again, after a restart say; 0: of the daemon, not a run */
    const iw_run_info *run; /* NULL: of the daemon */
    const char *text;
    double time_ps;            /* MD time, NAN if none */
    uint64_t frame;            /* 0: none */
    const iw_summary *summary; /* NULL: not known */
} iw_notice;

/* Hands it to the herald; nothing happens without one (NULL). */
void iw_notice_send(void *herald, const iw_notice *notice);

/* What the command reads: keys of one object, each a text or a number, null where not known; the
 * same are its environment, as IONWATCH_ and the key in capitals.  NULL: out of memory. */
json_t *iw_notice_json(const char *event, iw_severity severity, const iw_notice *notice);

#endif
