/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_WEB_H
#define IW_HTTP_WEB_H
/*
 * web.h - the thread `web`: the page and its HTTP interface (docs/http.md).
 *
 * A reader as any other: it asks the front door with the words of the protocol, and gets live
 * records of the runs that pages show.  libmicrohttpd and the mailbox are waited for in one poll,
 * so that nothing here is shared with another thread and nothing is locked.
 */
#include "ionwatchd/config.h"

typedef struct iw_web iw_web;

/* Binds the address of the configuration, which outlives the page.  One that is taken, or a file of
 * tokens that cannot be used, is no reason not to start: the thread tries again every few seconds.
 * What became of it goes to the front door.  NULL: NO_MEMORY. */
iw_web *iw_web_new(void *context, const iw_config *config, iw_error *err);
void iw_web_destroy(iw_web **web); /* after the thread was joined */

void *iw_web_run(void *web); /* until QUIT */

#endif
