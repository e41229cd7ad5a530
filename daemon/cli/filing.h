/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_FILING_H
#define IW_CLI_FILING_H
/* filing.h - the database as commands use it: a little patience with a lock, and a default place.
 */
#include "cli.h"
#include "store/store.h"

/* --db, else $IONWATCH_DB, else the daemon's: $XDG_STATE_HOME/ionwatch/ionwatch.db, else
 * ~/.local/state/ionwatch/ionwatch.db. */
iw_status iw_db_location(const iw_settings *settings, char *uri, size_t size, iw_error *err);

/* As iw_store_open and iw_store_file, trying again for some seconds while the database is locked,
 * or after its connection broke; says so on stderr. */
iw_store *iw_db_open(const iw_settings *settings, const char *uri, bool read_only, iw_error *err);
iw_status iw_db_file(const iw_settings *settings, iw_store *store, const iw_snapshot *snapshot,
                     const iw_run_info *run, const iw_structure *structure, char id[64],
                     iw_error *err);

/* The same for other work that is done as a whole or not at all. */
typedef iw_status (*iw_db_work)(void *arg, iw_store *store, iw_error *err);
iw_status iw_db_try(const iw_settings *settings, iw_store *store, iw_db_work work, void *arg,
                    iw_error *err);

/* As iw_db_open; one that is not there is no missing run, and the message says how they are made.
 */
iw_store *iw_db_open_to_read(const iw_settings *settings, const char *uri, iw_error *err);

/* The database that is named, or the default; NULL after a message, *result is then the exit code.
 */
iw_store *iw_db_open_named(const iw_settings *settings, bool read_only, iw_exit *result);
/* The message and the exit code of what failed in it. */
iw_exit iw_db_failed(const iw_settings *settings, const iw_error *err);

#endif
