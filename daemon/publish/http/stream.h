/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_STREAM_H
#define IW_HTTP_STREAM_H
/*
 * stream.h - server-sent events: what each open page gets next.
 *
 * No page has a queue: it gets the newest listing and the newest record of its run when it is
 * ready for more, so that a slow one skips what was overtaken and costs one event of memory at
 * most, which it shares with all others.  An event is made, and compressed, once.  Pure; owned by
 * the thread `web`.
 */
#include "buffer.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct iw_hub iw_hub;
typedef struct iw_client iw_client; /* one open page */

iw_hub *iw_hub_new(void);           /* NULL: no memory */
void iw_hub_destroy(iw_hub **self); /* all clients have left */

/* A page opens; run: the id of one whose records it wants, or "".  wake(context) is called once
 * there is something to read after iw_client_read() gave nothing.  NULL: no memory. */
iw_client *iw_hub_join(iw_hub *self, const char *run, bool gzip, void (*wake)(void *context),
                       void *context);
void iw_hub_leave(iw_hub *self, iw_client **client); /* sets *client to NULL; NULL is harmless */

/* The next bytes for that page, at most room; 0: nothing now. */
size_t iw_client_read(iw_hub *self, iw_client *client, char *to, size_t room);

/* News.  The listing: {"runs":[..]}; the record of a run: JSON; time_s: since 1970. */
iw_status iw_hub_listing(iw_hub *self, const void *json, size_t size, double now_s, iw_error *err);
void iw_hub_record(iw_hub *self, const char *run, const void *json, size_t size);
void iw_hub_beat(iw_hub *self, double time_s);

size_t iw_hub_clients(const iw_hub *self);
/* The runs that are shown: i = 0, 1, ... until NULL. */
const char *iw_hub_run(const iw_hub *self, size_t i);
bool iw_hub_shows(const iw_hub *self, const char *run);
/* A run whose row changed a second ago or more and whose record has not come since: it has ended,
 * and its record must be asked for.  Each is told once.  NULL: there is none. */
const char *iw_hub_overdue(iw_hub *self, double now_s);

#endif
