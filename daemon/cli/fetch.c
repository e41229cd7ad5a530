/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch.h"

#include "analysis.h"
#include "ask.h"
#include "filing.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
iw_fetch_is_file(const iw_settings *settings, const char *word)
{
    if (settings->db || settings->endpoint)
        return false;
    return strcmp(word, "-") == 0 || strchr(word, '/') || access(word, F_OK) == 0;
}

/* ---- files ---- */

static iw_exit
read_json(const iw_settings *settings, const char *name, FILE *file, json_t **value)
{
    json_error_t where;
    *value = json_loadf(file, 0, &where);
    if (!*value && iw_interrupted())
        return IW_EXIT_INTERRUPTED;
    if (!*value)
        iw_complain(settings, "%s: not JSON: line %d: %s", name, where.line, where.text);
    else if (!json_is_object(*value))
        iw_complain(settings,
                    "%s: a list, not the record of a run: `ionwatch show RUN --json "
                    "--series` makes one",
                    name);
    if (json_is_object(*value))
        return IW_EXIT_OK;
    json_decref(*value);
    *value = NULL;
    return IW_EXIT_FAILURE;
}

/* The first character that is no blank, left in the file. */
static int
first_character(FILE *file)
{
    int c;
    do
        c = getc(file);
    while (c != EOF && isspace(c));
    return ungetc(c, file);
}

static iw_exit
analyse(const iw_settings *settings, const char *path, json_t **record)
{
    iw_settings one = *settings;
    one.operands = &path;
    one.n_operands = 1;
    return iw_analyze_record(&one, record);
}

static iw_exit
fetch_file(const iw_settings *settings, const char *path, json_t **record)
{
    bool standard = strcmp(path, "-") == 0;
    struct stat about;
    if (!standard && stat(path, &about) != 0) {
        iw_complain(settings, "%s: %m", path);
        return IW_EXIT_FAILURE;
    }
    if (!standard && S_ISDIR(about.st_mode))
        return analyse(settings, path, record);
    FILE *file = standard ? stdin : fopen(path, "r");
    if (!file) {
        iw_complain(settings, "%s: %m", path);
        return IW_EXIT_FAILURE;
    }
    iw_exit result;
    int first = first_character(file);
    bool json = first == '{' || first == '[';
    if (json)
        result = read_json(settings, standard ? "standard input" : path, file, record);
    if (!standard)
        (void)fclose(file);
    if (json)
        return result;
    if (iw_interrupted())
        return IW_EXIT_INTERRUPTED;
    if (!standard && S_ISREG(about.st_mode))
        return analyse(settings, path, record);
    iw_complain(settings, "%s: no JSON comes: `ionwatch show RUN --json --series` prints it",
                standard ? "standard input" : path);
    return IW_EXIT_FAILURE;
}

/* ---- database and daemon ---- */

static iw_exit
fetch_filed(const iw_settings *settings, const char *run, json_t **record)
{
    iw_error err = {0};
    iw_store *store = iw_db_open(settings, settings->db, true, &err);
    bool open = store != NULL;
    iw_status status = open ? iw_store_record(store, run, true, record, &err) : err.code;
    iw_store_close(&store);
    if (status == IW_OK)
        return IW_EXIT_OK;
    iw_complain_error(settings, &err);
    return status == IW_NOT_FOUND && open ? IW_EXIT_NOT_FOUND : IW_EXIT_FAILURE;
}

static iw_exit
fetch_live(const iw_settings *settings, const char *run, json_t **record)
{
    iw_error err = {0};
    iw_asker *asker = iw_asker_new(settings, &err);
    iw_status status = asker ? iw_ask_full(asker, run, record, &err) : err.code;
    iw_asker_destroy(&asker);
    if (status == IW_TIMEOUT && !settings->endpoint)
        iw_complain(settings, "there is no file \"%s\" here, and no daemon to ask for such a run",
                    run);
    return status ? iw_ask_failed(settings, &err) : IW_EXIT_OK;
}

iw_exit
iw_fetch(const iw_settings *settings, const char *word, json_t **record)
{
    *record = NULL;
    if (settings->db)
        return fetch_filed(settings, word, record);
    if (iw_fetch_is_file(settings, word))
        return fetch_file(settings, word, record);
    return fetch_live(settings, word, record);
}
