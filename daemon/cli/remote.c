/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote.c - ls, show, stop and rm: questions to a running daemon. */
#include "ask.h"
#include "input.h"
#include "runs.h"

#include "publish/json.h"

/* Asks once; prints the error if there is one.  --full is an option of show alone. */
static iw_exit
ask_once(const iw_settings *settings, const char *verb, const char *arg, bool flag, json_t **answer)
{
    iw_error err = {0};
    iw_asker *asker = iw_asker_new(settings, &err);
    if (!asker) {
        iw_complain_error(settings, &err);
        return IW_EXIT_FAILURE;
    }
    iw_status status = settings->full ? iw_ask_full(asker, arg, answer, &err)
                                      : iw_ask(asker, verb, arg, flag, answer, &err);
    if (status == IW_OK && !answer)
        (void)printf("%s\n", *iw_asker_text(asker) ? iw_asker_text(asker) : "done");
    iw_asker_destroy(&asker);
    return status ? iw_ask_failed(settings, &err) : IW_EXIT_OK;
}

static iw_exit
print_runs(const iw_settings *settings, const json_t *runs)
{
    iw_error err = {0};
    iw_table table = {0};
    iw_status status = iw_runs_table(runs, &table, &err);
    if (status == IW_OK) {
        iw_table_print(&table, stdout);
        iw_runs_reasons(runs, stdout);
    } else {
        iw_complain_error(settings, &err);
    }
    iw_table_fini(&table);
    return status ? IW_EXIT_FAILURE : IW_EXIT_OK;
}

iw_exit
iw_command_ls(const iw_settings *settings)
{
    json_t *answer = NULL;
    iw_exit result = ask_once(settings, "list", "", settings->all, &answer);
    if (result)
        return result;
    const json_t *runs = iw_runs_of(answer);
    if (settings->json)
        result = iw_print_json(settings, runs, false);
    else if (json_array_size(runs) == 0)
        iw_complain(settings, "the daemon has no runs%s",
                    settings->all ? "" : " since its start; --all lists earlier ones");
    else
        result = print_runs(settings, runs);
    json_decref(answer);
    return result;
}

iw_exit
iw_command_show(const iw_settings *settings)
{
    json_t *record = NULL;
    iw_error err = {0};
    iw_exit result = ask_once(settings, "show", settings->operands[0], settings->series, &record);
    if (result)
        return result;
    if (settings->json) {
        result = iw_print_json(settings, record, settings->series || settings->full);
    } else if (iw_record_print(record, stdout, &err)) {
        iw_complain_error(settings, &err);
        result = IW_EXIT_FAILURE;
    } else {
        iw_explain_hint();
    }
    json_decref(record);
    return result;
}

iw_exit
iw_command_stop(const iw_settings *settings)
{
    return ask_once(settings, "stop", settings->operands[0], false, NULL);
}

iw_exit
iw_command_rm(const iw_settings *settings)
{
    return ask_once(settings, "rm", settings->operands[0], false, NULL);
}
