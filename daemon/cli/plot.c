/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plot.c - figures of runs: fetches the records, and hands them over to the Python package. */
#include "arrhenius.h"
#include "fetch.h"
#include "handover.h"

#include "nearest.h"
#include "publish/arrhenius_report.h"
#include "publish/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What can be drawn, and the options that only some of it has. */
typedef struct {
    const char *name;
    bool groups, method, at;
    bool scales; /* linear and logarithmic */
} kind;

static const kind kinds[] = {
    {.name = "msd", .groups = true, .scales = true},
    {.name = "d", .scales = true},
    {.name = "vacf", .groups = true, .scales = true},
    {.name = "vdos", .groups = true, .method = true, .scales = true},
    {.name = "arrhenius", .groups = true, .at = true},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static const char *const endings[] = {"png", "svg", "pdf", "csv", NULL};

/* ---- words ---- */

static const kind *
find_kind(const char *word)
{
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, word) == 0)
            return &kinds[i];
    return NULL;
}

static const kind *
last_word(const iw_settings *settings)
{
    const char *names[KINDS + 1] = {NULL};
    const char *word = settings->operands[settings->n_operands - 1];
    const kind *found = find_kind(word);
    if (found)
        return found;
    for (size_t i = 0; i < KINDS; i++)
        names[i] = kinds[i].name;
    const char *nearest = iw_nearest(word, names);
    if (find_kind(settings->operands[0]))
        iw_complain(settings, "what is drawn comes last: `ionwatch plot RUN %s -o FILE`",
                    settings->operands[0]);
    else
        iw_complain(settings, "\"%s\" cannot be drawn%s%s%s: msd, d, vacf, vdos and arrhenius can",
                    word, nearest ? " (did you mean \"" : "", nearest ? nearest : "",
                    nearest ? "\"?)" : "");
    return NULL;
}

/* Options that this kind has nothing for are mistakes, not noise. */
static bool
options_fit(const iw_settings *settings, const kind *what)
{
    const char *wrong = NULL, *why = "there is nothing to choose";
    if (settings->log && settings->linear)
        wrong = "--log", why = "not together with --linear";
    else if ((settings->log || settings->linear) && !what->scales)
        wrong = settings->log ? "--log" : "--linear", why = "ln D against 1/T is what is drawn";
    else if (settings->groups && !what->groups)
        wrong = "--groups", why = "only D of the mobile ions is followed in time";
    else if (settings->method && !what->method)
        wrong = "--method";
    else if (!isnan(settings->at_K) && !what->at)
        wrong = "--at";
    if (wrong)
        iw_complain(settings, "%s with %s: %s", wrong, what->name, why);
    return !wrong;
}

/* Before the work: a file name that is mistyped costs no time. */
static iw_exit
output_fits(const iw_settings *settings)
{
    const char *path = settings->output;
    if (!path) {
        iw_complain(settings, "-o FILE is missing; its ending says what it becomes: .png, .svg, "
                              ".pdf or .csv");
        return IW_EXIT_USAGE;
    }
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    size_t known = 0;
    while (endings[known] && (!dot || strcasecmp(dot + 1, endings[known]) != 0))
        known++;
    if (!endings[known]) {
        iw_complain(settings, "%s: a file ends in .png, .svg, .pdf or .csv", path);
        return IW_EXIT_USAGE;
    }
    char folder[4096];
    int length = slash ? (int)(slash - path) : 0;
    (void)snprintf(folder, sizeof folder, "%.*s", slash && !length ? 1 : length, slash ? path : "");
    if (access(*folder ? folder : ".", W_OK | X_OK) == 0)
        return IW_EXIT_OK;
    iw_complain(settings, "cannot write into the folder %s: %m", *folder ? folder : ".");
    return IW_EXIT_FAILURE;
}

/* ---- what is drawn ---- */

/* The words of "Li,S" as JSON, those of NULL as null.  NULL: no UTF-8, or no memory. */
static json_t *
list(const char *words)
{
    json_t *array = words ? json_array() : json_null();
    while (words && *words) {
        size_t length = strcspn(words, ",");
        if (length && json_array_append_new(array, json_stringn(words, length)) != 0) {
            json_decref(array);
            return NULL;
        }
        words += length;
        words += strspn(words, ",");
    }
    return array;
}

static size_t
points_of(const json_t *report)
{
    return json_array_size(json_object_get(report, "points"));
}

static bool
is_record(const json_t *value)
{
    const json_t *run = json_object_get(value, "run");
    return json_is_string(json_object_get(run, "id")) &&
           json_is_string(json_object_get(run, "name")) &&
           json_is_object(json_object_get(value, "groups"));
}

/* A record out of any JSON, or a report of `ionwatch arrhenius` where lines are drawn. */
static iw_exit
fetch_one(const iw_settings *settings, const char *word, bool lines, json_t **record)
{
    iw_exit result = IW_EXIT_INTERRUPTED;
    *record = NULL;
    if (!iw_interrupted())
        result = iw_fetch(settings, word, record);
    if (!*record || is_record(*record) || (lines && points_of(*record)))
        return result;
    iw_complain(settings,
                "%s: this JSON is not the record of a run: `ionwatch show RUN --json --series` "
                "prints one",
                word);
    json_decref(*record);
    *record = NULL;
    return IW_EXIT_FAILURE;
}

static iw_exit
fetch_runs(const iw_settings *settings, json_t *records)
{
    iw_exit result = IW_EXIT_OK;
    for (size_t i = 0; i + 1 < settings->n_operands && result == IW_EXIT_OK; i++) {
        json_t *record;
        result = fetch_one(settings, settings->operands[i], false, &record);
        if (record)
            (void)json_array_append_new(records, record);
    }
    return result;
}

/* ---- Arrhenius: lines of materials ---- */

static bool
has_material(const json_t *reports, const char *material)
{
    size_t i;
    json_t *report;
    json_array_foreach((json_t *)(uintptr_t)reports, i, report)
    {
        if (strcmp(iw_text_at(report, "material"), material) == 0)
            return true;
    }
    return false;
}

/* Of a material, or of the one that a run is made of. */
static iw_exit
fetch_line(const iw_settings *settings, const char *word, json_t *reports)
{
    json_t *report = NULL, *record = NULL;
    iw_exit result = IW_EXIT_OK;
    if (has_material(reports, word))
        return IW_EXIT_OK;
    result = iw_arrhenius_of_material(settings, word, &report);
    if (result == IW_EXIT_OK && points_of(report) == 0) {
        json_decref(report);
        report = NULL;
        result = iw_fetch(settings, word, &record);
        const char *material = iw_text_at(json_object_get(record, "run"), "material");
        if (result == IW_EXIT_OK && !has_material(reports, material))
            result = iw_arrhenius_of_material(settings, material, &report);
        json_decref(record);
    }
    if (report)
        (void)json_array_append_new(reports, report);
    return result;
}

/* Files bring their own runs: those of each material make a line. */
static iw_exit
lines_of_files(const iw_settings *settings, const json_t *files, json_t *reports)
{
    iw_error err = {0};
    json_t *materials = json_object(), *record, *runs;
    const char *name;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)files, i, record)
    {
        const char *material = iw_text_at(json_object_get(record, "run"), "material");
        if (points_of(record)) /* what `ionwatch arrhenius --json` printed */
            (void)json_array_append(reports, record);
        else if (!json_object_get(materials, material))
            (void)json_object_set_new(materials, material, json_array());
        if (!points_of(record))
            (void)json_array_append_new(
                json_object_get(materials, material),
                json_pack("{s:s, s:O}", "source", "file", "record", record));
    }
    iw_status status = IW_OK;
    double at_K = isnan(settings->at_K) ? IW_ROOM_TEMPERATURE_K : settings->at_K;
    json_object_foreach(materials, name, runs)
    {
        json_t *report = NULL;
        if (status == IW_OK)
            status = iw_arrhenius_report(name, settings->group, runs, at_K, &report, &err);
        if (report)
            (void)json_array_append_new(reports, report);
    }
    json_decref(materials);
    if (status)
        iw_complain_error(settings, &err);
    return status ? IW_EXIT_FAILURE : IW_EXIT_OK;
}

static iw_exit
fetch_lines_of(const iw_settings *settings, json_t *reports)
{
    iw_exit result = IW_EXIT_OK;
    json_t *files = json_array(), *of_group = json_array();
    for (size_t i = 0; i + 1 < settings->n_operands && result == IW_EXIT_OK; i++) {
        const char *word = settings->operands[i];
        json_t *file;
        if (!iw_fetch_is_file(settings, word)) {
            result = fetch_line(settings, word, of_group);
            continue;
        }
        result = fetch_one(settings, word, true, &file);
        if (file)
            (void)json_array_append_new(files, file);
    }
    if (result == IW_EXIT_OK)
        result = lines_of_files(settings, files, of_group);
    (void)json_array_extend(reports, of_group);
    json_decref(files);
    json_decref(of_group);
    return result;
}

/* Each group is a line of its own. */
static iw_exit
fetch_lines(const iw_settings *settings, json_t *reports)
{
    json_t *groups = settings->groups ? list(settings->groups) : json_pack("[s]", "mobile");
    json_t *group;
    iw_exit result = IW_EXIT_OK;
    size_t i;
    json_array_foreach(groups, i, group)
    {
        iw_settings one = *settings;
        one.group = json_string_value(group);
        if (result == IW_EXIT_OK)
            result = iw_interrupted() ? IW_EXIT_INTERRUPTED : fetch_lines_of(&one, reports);
    }
    json_decref(groups);
    return result;
}

/* ---- handing over ---- */

static json_t *
request(const iw_settings *settings, const kind *what, json_t *records)
{
    const char *scale = settings->log ? "log" : settings->linear ? "linear" : NULL;
    json_t *at_K = isnan(settings->at_K) ? json_null() : json_real(settings->at_K);
    return json_pack("{s:s, s:s, s:o, s:s?, s:s?, s:o, s:o, s:o, s:s?, s:s?, s:O}", "kind",
                     what->name, "output", settings->output, "groups", list(settings->groups),
                     "method", settings->method, "scale", scale, "at_K", at_K, "width_mm",
                     iw_json_number(settings->width_mm), "dpi", iw_json_number(settings->dpi),
                     "title", settings->title, "style", settings->style, "records", records);
}

iw_exit
iw_command_plot(const iw_settings *settings)
{
    const kind *what = last_word(settings);
    if (!what || !options_fit(settings, what))
        return IW_EXIT_USAGE;
    iw_exit result = output_fits(settings);
    if (result == IW_EXIT_OK)
        result = iw_handover_ready(settings);
    if (result)
        return result;
    json_t *records = json_array(), *input = NULL;
    result = what->at ? fetch_lines(settings, records) : fetch_runs(settings, records);
    if (result == IW_EXIT_OK && !(input = request(settings, what, records))) {
        iw_complain(settings, "a name is not UTF-8, or there is no memory");
        result = IW_EXIT_FAILURE;
    }
    iw_handover to = {.module = "ionwatch.figures", .needs = "numpy matplotlib", .input = input};
    if (result == IW_EXIT_OK)
        result = iw_handover_run(settings, &to);
    json_decref(input);
    json_decref(records);
    return result;
}
