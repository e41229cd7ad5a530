/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status.c - what the daemon says of itself: where it is, where its page is, what holds it up. */
#include "ask.h"

#include "publish/json.h"
#include "publish/values.h"

#include <stdlib.h>
#include <string.h>

enum { LABEL = 12 };

/* Texts from the daemon, at their full length. */
static void
print_text(const char *label, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return;
    iw_printable(copy);
    if (*copy)
        (void)printf("%-*s %s\n", LABEL, label, copy);
    free(copy);
}

static void
print_list(const char *label, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        print_text(i == 0 ? label : "", text ? text : "");
    }
}

static void
print_status(const json_t *status)
{
    char line[200];
    double hours = iw_number_at(status, "uptime_s") / 3600;
    (void)snprintf(line, sizeof line, "ionwatchd %s, process %.0f, up %.1f h",
                   iw_text_at(status, "version"), iw_number_at(status, "pid"), hours);
    print_text("daemon", line);
    const char *page = iw_text_at(status, "http"), *why = iw_text_at(status, "http_trouble");
    print_text("page", *page ? page : *why ? "none" : "off");
    print_text("", *page ? "" : why);
    print_list("listens at", json_object_get(status, "listen"));
    print_list("live", json_object_get(status, "pubs"));
    print_text("data", iw_text_at(status, "data"));
    print_text("database", iw_text_at(status, "db"));
    print_text("", iw_text_at(status, "db_trouble"));
    print_text("notices", iw_text_at(status, "notice_trouble"));
    (void)snprintf(line, sizeof line, "%.0f, %.0f of them not filed", iw_number_at(status, "runs"),
                   iw_number_at(status, "live"));
    print_text("runs", line);
    (void)snprintf(line, sizeof line, "%.0f", iw_number_at(status, "refused"));
    print_text("refused", line);
}

iw_exit
iw_command_status(const iw_settings *settings)
{
    iw_error err = {0};
    json_t *status = NULL;
    iw_asker *asker = iw_asker_new(settings, &err);
    if (!asker) {
        iw_complain_error(settings, &err);
        return IW_EXIT_FAILURE;
    }
    iw_status result = iw_ask(asker, "status", "", false, &status, &err);
    iw_asker_destroy(&asker);
    if (result)
        return iw_ask_failed(settings, &err);
    iw_exit code = IW_EXIT_OK;
    if (settings->json)
        code = iw_print_json(settings, status, false);
    else
        print_status(status);
    json_decref(status);
    return code;
}
