/* SPDX-License-Identifier: GPL-3.0-or-later */
/* landscape.c - analyses of many materials, which the Python package does: asks it in JSON. */
#include "handover.h"

#include "nearest.h"
#include "publish/values.h"

#include <string.h>

static const char *const analyses[] = {"select",  "correlate", "components", "clusters",
                                       "regress", "report",    NULL};

/* The words that only some of the analyses look at; where nothing reads them they are mistakes. */
typedef struct {
    const char *option;
    bool given;
    const char *of; /* analyses, with spaces around each */
} restriction;

static bool
is_analysis(const char *word)
{
    for (size_t i = 0; analyses[i]; i++)
        if (strcmp(analyses[i], word) == 0)
            return true;
    return false;
}

static iw_exit
options_fit(const iw_settings *settings, const char *what)
{
    const restriction restrictions[] = {
        {"target", settings->target_name, " correlate regress report "},
        {"correlation", settings->correlation, " correlate components clusters report "},
        {"clusters", settings->clusters, " clusters report "},
        {"space", settings->space, " clusters report "},
        {"models", settings->models, " regress report "},
        {"folds", settings->folds, " regress report "},
        {"impute", settings->impute, " regress report "},
        {"log", settings->log, " regress report "},
        {"json", settings->json, " select correlate components clusters regress "},
        {"csv", settings->csv, " select correlate components clusters regress "},
    };
    char word[32];
    (void)snprintf(word, sizeof word, " %s ", what);
    for (size_t i = 0; i < sizeof restrictions / sizeof *restrictions; i++) {
        if (restrictions[i].given && !strstr(restrictions[i].of, word)) {
            iw_complain(settings, "%s has no use for --%s", what, restrictions[i].option);
            return IW_EXIT_USAGE;
        }
    }
    if (settings->json && settings->csv) {
        iw_complain(settings, "--json or --csv, not both");
        return IW_EXIT_USAGE;
    }
    if (strcmp(what, "report") == 0 && !settings->output) {
        iw_complain(settings, "-o DIR is missing: the folder for the page, figures and tables");
        return IW_EXIT_USAGE;
    }
    return IW_EXIT_OK;
}

/* 0: by the rule of the analysis. */
static json_t *
count(long number)
{
    return number ? json_integer(number) : json_null();
}

static json_t *
request(const iw_settings *settings, const char *what)
{
    const char *method = settings->method ? settings->method : "physical";
    const char *correlation = settings->correlation ? settings->correlation : "spearman";
    json_int_t dimensions = settings->space ? (json_int_t)settings->space : 2;
    json_t *choices =
        json_pack("{s:s, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s?, s:s, s:s}", "what", what, "db",
                  settings->db, "output", settings->output, "family", settings->family, "with",
                  settings->with, "without", settings->without, "target", settings->target_name,
                  "models", settings->models, "method", method, "correlation", correlation);
    json_t *numbers = json_pack(
        "{s:o, s:f, s:f, s:o, s:o, s:I, s:I, s:b, s:b, s:b, s:b, s:b, s:b}", "temperature_K",
        iw_json_number(settings->temperature_K), "window_K", settings->window_K, "missing",
        settings->missing, "clusters", count(settings->clusters), "folds", count(settings->folds),
        "dimensions", dimensions, "seed", (json_int_t)settings->seed, "all", settings->all,
        "impute", settings->impute, "log", settings->log, "limits_as_values", settings->as_values,
        "json", settings->json, "csv", settings->csv);
    bool good = choices && numbers && json_object_update(choices, numbers) == 0;
    json_decref(numbers);
    if (good)
        return choices;
    json_decref(choices);
    return NULL;
}

iw_exit
iw_command_landscape(const iw_settings *settings)
{
    const char *what = settings->n_operands ? settings->operands[0] : "select";
    if (!is_analysis(what)) {
        const char *nearest = iw_nearest(what, analyses);
        iw_complain(settings,
                    "\"%s\" is no analysis%s%s%s: select, correlate, components, clusters, regress "
                    "and report are",
                    what, nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                    nearest ? "\"?)" : "");
        return IW_EXIT_USAGE;
    }
    iw_exit result = options_fit(settings, what);
    if (result)
        return result;
    json_t *input = request(settings, what);
    if (!input) {
        iw_complain(settings, "a name is not UTF-8, or there is no memory");
        return IW_EXIT_FAILURE;
    }
    const char *needs =
        settings->output ? "numpy pandas scipy sklearn matplotlib" : "numpy pandas scipy sklearn";
    iw_handover to = {.module = "ionwatch.landscape.command", .needs = needs, .input = input};
    result = iw_handover_run(settings, &to);
    json_decref(input);
    return result;
}
