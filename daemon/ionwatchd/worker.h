/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_WORKER_H
#define IW_WORKER_H
/*
 * worker.h - a thread that analyses runs.
 *
 * A worker owns its runs alone: an engine and a reader of the journal for each.  It reads what is
 * durable, in turns when several runs have something, publishes snapshots at a bounded rate, says
 * when the answer is known, and at the end of a run makes the record for the database.
 */
#include "ionwatchd/config.h"
#include "ionwatchd/mail.h"

typedef struct iw_worker iw_worker;

/* config is borrowed for the worker's life.  NULL with *err. */
iw_worker *iw_worker_new(void *context, unsigned index, const iw_config *config, iw_error *err);
void iw_worker_destroy(iw_worker **worker); /* after the thread was joined */
void *iw_worker_run(void *worker);          /* until QUIT */

#endif
