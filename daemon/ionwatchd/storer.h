/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORER_H
#define IW_STORER_H
/*
 * storer.h - the thread that alone talks to the database.
 *
 * Files finished runs, and tries again with back-off while the database is locked or away; answers
 * questions about runs that are finished.
 */
#include "ionwatchd/mail.h"

typedef struct iw_storer iw_storer;

/* Opens the database.  NULL: what iw_store_open says. */
iw_storer *iw_storer_new(void *context, const char *uri, iw_error *err);
void iw_storer_destroy(iw_storer **storer); /* after the thread was joined */
void *iw_storer_run(void *storer);          /* until QUIT */

#endif
