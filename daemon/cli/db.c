/* SPDX-License-Identifier: GPL-3.0-or-later */
/* db.c - database commands: ls, show, rm of runs, and migrate. */
#include "filing.h"
#include "runs.h"

#include "publish/json.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

iw_exit
iw_command_db_ls(const iw_settings *settings)
{
    iw_exit result;
    iw_error err = {0};
    iw_store *store = iw_db_open_named(settings, true, &result);
    if (!store)
        return result;
    json_t *runs = json_array();
    iw_status status = iw_store_runs(store, NULL, iw_sql_keep, runs, &err);
    iw_store_close(&store);
    iw_table table = {0};
    if (status == IW_OK && !settings->json)
        status = iw_runs_table(runs, &table, &err);
    if (status)
        result = iw_db_failed(settings, &err);
    else if (settings->json)
        result = iw_print_json(settings, runs, false);
    else
        iw_table_print(&table, stdout);
    iw_table_fini(&table);
    json_decref(runs);
    return result;
}

iw_exit
iw_command_db_show(const iw_settings *settings)
{
    iw_exit result;
    iw_error err = {0};
    json_t *record = NULL;
    iw_store *store = iw_db_open_named(settings, true, &result);
    if (!store)
        return result;
    iw_status status = iw_store_record(store, settings->operands[0],
                                       settings->series || settings->full, &record, &err);
    iw_store_close(&store);
    if (status)
        return iw_db_failed(settings, &err);
    if (settings->series && !settings->full && !iw_record_thin(record)) {
        iw_complain(settings, "no memory for the series");
        result = IW_EXIT_FAILURE;
    } else if (settings->json)
        result = iw_print_json(settings, record, settings->series || settings->full);
    else if (iw_record_print(record, stdout, &err))
        result = iw_db_failed(settings, &err);
    else
        iw_explain_hint();
    json_decref(record);
    return result;
}

iw_exit
iw_command_db_migrate(const iw_settings *settings)
{
    iw_exit result;
    char uri[4096], label[512];
    iw_error err = {0};
    iw_store *store = iw_db_open_named(settings, false, &result);
    if (!store || iw_db_location(settings, uri, sizeof uri, &err))
        return result;
    iw_store_schema schema = iw_store_schema_of(store);
    iw_store_label(uri, label, sizeof label);
    if (schema.found == 0)
        (void)printf("%s: made, schema version %d\n", label, schema.now);
    else if (schema.found < schema.now)
        (void)printf("%s: schema version %d, was %d\n", label, schema.now, schema.found);
    else
        (void)printf("%s: schema version %d, as it was\n", label, schema.now);
    if (*schema.trouble) {
        iw_complain(settings, "descriptors_wide is of another version of ionwatch still: %s",
                    schema.trouble);
        result = IW_EXIT_FAILURE;
    }
    iw_store_close(&store);
    return result;
}

static iw_status
remove_run(void *run, iw_store *store, iw_error *err)
{
    return iw_store_remove(store, run, err);
}

iw_exit
iw_command_db_rm(const iw_settings *settings)
{
    iw_exit result;
    iw_error err = {0};
    char uri[4096], label[512];
    /* Opening for writing would make a database that is not there. */
    iw_store *store = iw_db_open_named(settings, true, &result);
    if (!store)
        return result;
    iw_store_close(&store);
    if (iw_db_location(settings, uri, sizeof uri, &err) == IW_OK)
        store = iw_db_open(settings, uri, false, &err);
    if (!store ||
        iw_db_try(settings, store, remove_run, (void *)(uintptr_t)settings->operands[0], &err))
        result = iw_db_failed(settings, &err);
    iw_store_label(uri, label, sizeof label);
    if (result == IW_EXIT_OK)
        (void)printf("%s: removed from %s\n", settings->operands[0], label);
    iw_store_close(&store);
    return result;
}
