/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filing.h"

#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 3 }; /* a lock is waited for two seconds inside the store */

iw_status
iw_db_location(const iw_settings *settings, char *uri, size_t size, iw_error *err)
{
    const char *set = settings->db ? settings->db : getenv("IONWATCH_DB");
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int used;
    if (set && *set)
        used = snprintf(uri, size, "%s", set);
    else if (state && *state)
        used = snprintf(uri, size, "sqlite://%s/ionwatch/ionwatch.db", state);
    else if (home && *home)
        used = snprintf(uri, size, "sqlite://%s/.local/state/ionwatch/ionwatch.db", home);
    else
        return iw_fail(err, IW_INVALID, "no home folder is known: name a database with --db");
    return used < (int)size
               ? IW_OK
               : iw_fail(err, IW_INVALID, "the database URI is longer than %zu bytes", size - 1);
}

/* True if it is worth another attempt. */
static bool
again(const iw_settings *settings, iw_status status, int attempt, const iw_error *err)
{
    if (status != IW_AGAIN || attempt + 1 >= ATTEMPTS || iw_interrupted())
        return false;
    iw_complain(settings, "%s; trying again", err->text);
    iw_pause(0.5); /* not all of it is a lock */
    return true;
}

static bool
interrupted(const void *arg)
{
    (void)arg;
    return iw_interrupted();
}

iw_store *
iw_db_open(const iw_settings *settings, const char *uri, bool read_only, iw_error *err)
{
    iw_store *store = NULL;
    iw_store_options options = {.read_only = read_only, .cancelled = interrupted};
    for (int attempt = 0;; attempt++) {
        store = iw_store_open(uri, &options, err);
        if (store || !again(settings, err->code, attempt, err))
            return store;
    }
}

/* What was opened before a long analysis may have been closed by the server, or by a firewall. */
iw_status
iw_db_try(const iw_settings *settings, iw_store *store, iw_db_work work, void *arg, iw_error *err)
{
    for (int attempt = 0;; attempt++) {
        iw_status status = iw_store_refresh(store, err);
        if (status == IW_OK)
            status = work(arg, store, err);
        if (!again(settings, status == IW_CLOSED ? IW_AGAIN : status, attempt, err))
            return status;
    }
}

typedef struct {
    const iw_snapshot *snapshot;
    const iw_run_info *run;
    const iw_structure *structure;
    char id[64]; /* of the record */
} snapshot_to_file;

static iw_status
file_snapshot(void *arg, iw_store *store, iw_error *err)
{
    snapshot_to_file *of = arg;
    return iw_store_file(store, of->snapshot, of->run, of->structure, of->id, err);
}

iw_status
iw_db_file(const iw_settings *settings, iw_store *store, const iw_snapshot *snapshot,
           const iw_run_info *run, const iw_structure *structure, char id[64], iw_error *err)
{
    snapshot_to_file of = {.snapshot = snapshot, .run = run, .structure = structure};
    iw_status status = iw_db_try(settings, store, file_snapshot, &of, err);
    memcpy(id, of.id, sizeof of.id);
    return status;
}

iw_store *
iw_db_open_to_read(const iw_settings *settings, const char *uri, iw_error *err)
{
    iw_store *store = iw_db_open(settings, uri, true, err);
    if (store || err->code != IW_NOT_FOUND)
        return store;
    iw_error missing = *err;
    (void)iw_fail(err, IW_IO,
                  "%s: name one with --db or $IONWATCH_DB; `ionwatch analyze --db` and ionwatchd "
                  "make them",
                  missing.text);
    return NULL;
}

iw_store *
iw_db_open_named(const iw_settings *settings, bool read_only, iw_exit *result)
{
    char uri[4096];
    iw_error err = {0};
    iw_store *store = NULL;
    iw_status status = iw_db_location(settings, uri, sizeof uri, &err);
    if (status == IW_OK)
        store = read_only ? iw_db_open_to_read(settings, uri, &err)
                          : iw_db_open(settings, uri, false, &err);
    *result = store ? IW_EXIT_OK : iw_db_failed(settings, &err);
    return store;
}

iw_exit
iw_db_failed(const iw_settings *settings, const iw_error *err)
{
    if (iw_interrupted())
        return IW_EXIT_INTERRUPTED;
    iw_complain_error(settings, err);
    return err->code == IW_NOT_FOUND ? IW_EXIT_NOT_FOUND : IW_EXIT_FAILURE;
}
