/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema.c - making and migrating the tables, and the view over them. */
#include "schema.h"

#include "store_internal.h"

#include "publish/json.h"

#include <stdlib.h>
#include <string.h>

/* Ends what was written with open_memstream: the text, or NULL when memory ran out. */
static char *
end_text(FILE *out, char **text)
{
    bool bad = ferror(out) != 0;
    if (fclose(out) == 0 && !bad)
        return *text;
    free(*text);
    return NULL;
}

char *
iw_schema_words(const iw_store_backend *backend, const char *text)
{
    char *words = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&words, &size);
    while (out && *text) {
        size_t plain = strcspn(text, "{");
        (void)fwrite(text, 1, plain, out);
        text += plain;
        if (!*text)
            break;
        size_t length = strcspn(++text, "}");
        for (size_t i = 0; backend->words[i][0]; i++) {
            const char *word = backend->words[i][0];
            if (strlen(word) == length && strncmp(word, text, length) == 0)
                (void)fputs(backend->words[i][1], out);
        }
        text += length + 1;
    }
    return out ? end_text(out, &words) : NULL;
}

/* Where a number of the run as a whole, or of its material, may stand: the first that there is. */
static const struct {
    const char *category, *table, *key, *is, *method;
} places[] = {
    {NULL, "run_descriptors", "run", "r.run", "imported"},
    {"structural", "material_descriptors", "material", "r.material", "perfect"},
    {"structural", "descriptors", "run", "r.run", "structure"},
    {"mechanical", "material_descriptors", "material", "r.material", "elastic"},
    {NULL, "material_descriptors", "material", "r.material", "imported"},
};

static void
add_property(FILE *out, const char *column, const char *descriptor, const char *category)
{
    const char *before = ", CASE WHEN g.name = 'all' THEN COALESCE(";
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (places[i].category && strcmp(places[i].category, category) != 0)
            continue;
        (void)fprintf(
            out,
            "%s(SELECT d.value FROM %s d WHERE d.%s = %s AND d.descriptor = '%s' AND d.method = "
            "'%s'%s)",
            before, places[i].table, places[i].key, places[i].is, descriptor, places[i].method,
            strcmp(places[i].method, "structure") == 0 ? " AND d.\"group\" = 'all'" : "");
        before = ", ";
    }
    (void)fprintf(out, ") END AS \"%s\"", column);
}

/* A look-up for each column: a query pays for those that it names. */
static iw_status
wide_column(void *arg, const char *column, const char *descriptor, const char *method,
            const char *category, bool is_error)
{
    if (iw_descriptor_is_property(category))
        add_property(arg, column, descriptor, category);
    else
        (void)fprintf(arg,
                      ", (SELECT d.%s FROM descriptors d WHERE d.run = g.run AND d.\"group\" = "
                      "g.name AND d.descriptor = '%s' AND d.method = '%s') AS \"%s\"",
                      is_error ? "stderr" : "value", descriptor, method, column);
    return IW_OK;
}

/* descriptors_wide, one line for each run and group, follows the catalogue of this program. */
static char *
view_text(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    (void)fputs("CREATE VIEW descriptors_wide AS SELECT r.id AS run, r.name AS name, r.material AS "
                "material, r.code AS code, r.state AS state, r.\"temperature_K\" AS "
                "\"temperature_K\", r.time_ps AS time_ps, r.mobile AS mobile, g.name AS \"group\", "
                "g.atoms AS atoms, COALESCE((SELECT d.text FROM material_descriptors d WHERE "
                "d.material = r.material AND d.descriptor = 'space_group_number' AND d.method = "
                "'perfect'), r.space_group) AS space_group",
                out);
    (void)iw_store_wide_columns(wide_column, out);
    (void)fputs(" FROM runs r JOIN groups g ON g.run = r.run ORDER BY r.run, g.ordinal", out);
    return end_text(out, &text);
}

static const iw_sql_statement view_read = {
    "SELECT value FROM ionwatch_schema WHERE key = 'descriptors_wide'", "reading its views"};
static const iw_sql_statement view_remember = {
    "INSERT INTO ionwatch_schema (key, value) VALUES ('descriptors_wide', $1) ON CONFLICT (key) DO "
    "UPDATE SET value = excluded.value",
    "making its views"};

static iw_status
view_is_current(iw_store *self, const char *text, bool *current, iw_error *err)
{
    json_t *rows = NULL;
    iw_status status = iw_store_select(self, &view_read, NULL, 0, &rows, err);
    if (status)
        return status;
    const char *had = json_string_value(json_object_get(json_array_get(rows, 0), "value"));
    *current = had && strcmp(had, text) == 0;
    json_decref(rows);
    return IW_OK;
}

static iw_status
view_renew(iw_store *self, const char *text, iw_error *err)
{
    iw_sql_value value = iw_sql_text(text);
    iw_status status = self->backend->script(self->state, "DROP VIEW IF EXISTS descriptors_wide",
                                             "making its views", err);
    if (status == IW_OK)
        status = self->backend->script(self->state, text, "making its views", err);
    return status ? status : iw_store_change(self, &view_remember, &value, 1, err);
}

static iw_status
check_version(iw_store *self, int *version, iw_error *err)
{
    iw_status status = self->backend->version(self->state, version, err);
    if (status == IW_OK && *version > IW_SCHEMA_VERSION)
        status = iw_fail(err, IW_UNSUPPORTED,
                         "%s has schema version %d, this program knows %d: use a newer ionwatch",
                         self->label, *version, (int)IW_SCHEMA_VERSION);
    return status;
}

static iw_status
migrate_from(iw_store *self, int version, iw_error *err)
{
    iw_status status = IW_OK;
    int had = version;
    for (; status == IW_OK && version < IW_SCHEMA_VERSION; version++) {
        char *sql = iw_schema_words(self->backend, iw_schema_migrations[version]);
        status = sql ? self->backend->script(self->state, sql, "migrating it", err)
                     : iw_fail(err, IW_NO_MEMORY, "no memory for its tables");
        free(sql);
        if (status)
            (void)iw_prefix(err, "schema version %d to %d", version, version + 1);
    }
    if (status == IW_OK && had < 2)
        status = iw_store_name_materials(self, err);
    return status ? status : self->backend->set_version(self->state, version, err);
}

/* Several programs may come here at the same time: one works, the others find it done. */
static iw_status
migrate(iw_store *self, const char *view, iw_error *err)
{
    int version = 0;
    bool current = false;
    iw_status status = self->backend->begin(self->state, true, err);
    if (status == IW_OK)
        status = self->backend->lock(self->state, "schema", err);
    if (status == IW_OK)
        status = check_version(self, &version, err);
    if (status == IW_OK && version < IW_SCHEMA_VERSION)
        status = migrate_from(self, version, err);
    if (status == IW_OK)
        status = view_is_current(self, view, &current, err);
    if (status == IW_OK && !current)
        status = view_renew(self, view, err);
    return iw_store_end(self, status, err);
}

static iw_status
refuse_to_read(const iw_store *self, int version, iw_error *err)
{
    if (version == 0)
        return iw_fail(err, IW_INVALID,
                       "%s is empty: `ionwatch analyze --db` and ionwatchd file runs in it",
                       self->label);
    return iw_fail(
        err, IW_UNSUPPORTED,
        "%s has schema version %d, this program reads %d: `ionwatch db migrate` brings it "
        "up to date",
        self->label, version, (int)IW_SCHEMA_VERSION);
}

iw_status
iw_schema_ready(iw_store *self, iw_error *err)
{
    int version = 0;
    bool current = false;
    iw_error view_err = {0};
    iw_status status = check_version(self, &version, err);
    if (status)
        return status;
    bool old = version < IW_SCHEMA_VERSION;
    self->found_version = version;
    if (self->options.read_only)
        return old ? refuse_to_read(self, version, err) : IW_OK;
    char *view = view_text();
    if (!view)
        return iw_fail(err, IW_NO_MEMORY, "%s: no memory for its views", self->label);
    if (!old)
        status = view_is_current(self, view, &current, err);
    /* Nothing is written where nothing must be: the disk may be full.  And a view that only its
     * owner may renew, or that cannot be renewed now, keeps nobody from filing. */
    if (status == IW_OK && old)
        status = migrate(self, view, err);
    else if (status == IW_OK && !current && migrate(self, view, &view_err) != IW_OK)
        status = check_version(self, &version, err);
    (void)snprintf(self->trouble, sizeof self->trouble, "%s", view_err.text);
    free(view);
    return status;
}

iw_status
iw_schema_still(iw_store *self, int version, iw_error *err)
{
    if (version == IW_SCHEMA_VERSION)
        return IW_OK;
    self->unready = true;
    return iw_fail(err, IW_AGAIN, "%s has schema version %d now, this program knows %d",
                   self->label, version, (int)IW_SCHEMA_VERSION);
}

iw_store_schema
iw_store_schema_of(const iw_store *self)
{
    return (iw_store_schema){self->found_version, IW_SCHEMA_VERSION, self->trouble};
}
