/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filing.h"

#include <stdlib.h>

enum { ATTEMPTS = 3 }; /* each waits two seconds inside the store */

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

/* After AGAIN: true if it is worth another attempt. */
static bool
again(const iw_settings *settings, iw_status status, int attempt, const iw_error *err)
{
    if (status != IW_AGAIN || attempt + 1 >= ATTEMPTS || iw_interrupted())
        return false;
    iw_complain(settings, "%s; trying again", err->text);
    return true;
}

iw_store *
iw_db_open(const iw_settings *settings, const char *uri, bool read_only, iw_error *err)
{
    iw_store *store = NULL;
    for (int attempt = 0;; attempt++) {
        store = iw_store_open(uri, read_only, err);
        if (store || !again(settings, err->code, attempt, err))
            return store;
    }
}

iw_status
iw_db_file(const iw_settings *settings, iw_store *store, const iw_snapshot *snapshot,
           const iw_run_info *run, char id[64], iw_error *err)
{
    for (int attempt = 0;; attempt++) {
        iw_status status = iw_store_file(store, snapshot, run, id, err);
        if (!again(settings, status, attempt, err))
            return status;
    }
}
