/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sqlite.c - the embedded database: opening, migrating, filing, removing. */
#include "sqlite.h"

#include "schema.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    /* Short: the daemon retries with its own back-off and must not stand still meanwhile. */
    BUSY_TIMEOUT_MS = 2000
};

iw_status
iw_sqlite_fail(const iw_sqlite *self, int code, const char *doing, iw_error *err)
{
    const char *text = self->db ? sqlite3_errmsg(self->db) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return iw_fail(err, IW_AGAIN, "%s: %s: locked by another program", self->path, doing);
    case SQLITE_NOMEM:
        return iw_fail(err, IW_NO_MEMORY, "%s: %s: out of memory", self->path, doing);
    case SQLITE_FULL:
        return iw_fail(err, IW_FULL, "%s: %s: the disk is full", self->path, doing);
    case SQLITE_NOTADB:
        return iw_fail(err, IW_IO, "%s is not a database (SQLite says: %s)", self->path, text);
    case SQLITE_CORRUPT:
        return iw_fail(err, IW_CORRUPT, "%s: %s: the database is damaged (SQLite says: %s)",
                       self->path, doing, text);
    case SQLITE_READONLY:
        return iw_fail(err, IW_AGAIN,
                       "%s: %s: the file, its -wal or -shm file, or its folder is not writable",
                       self->path, doing);
    case SQLITE_IOERR:
        return iw_fail(err, IW_AGAIN, "%s: %s: %s (SQLite code %d)", self->path, doing, text, code);
    case SQLITE_CANTOPEN:
        return iw_fail(err, self->inode ? IW_AGAIN : IW_IO, "%s: cannot open it%s%s", self->path,
                       errno ? ": " : "", errno ? strerror(errno) : "");
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return iw_fail(err, IW_INVALID, "%s: %s: %s (SQLite code %d)", self->path, doing, text,
                       code);
    default:
        return iw_fail(err, IW_IO, "%s: %s: %s (SQLite code %d)", self->path, doing, text, code);
    }
}

iw_status
iw_sqlite_prepare(iw_sqlite *self, const char *sql, sqlite3_stmt **statement, iw_error *err)
{
    int code = sqlite3_prepare_v2(self->db, sql, -1, statement, NULL);
    return code ? iw_sqlite_fail(self, code, "preparing a statement", err) : IW_OK;
}

static iw_status
run_sql(iw_sqlite *self, const char *sql, const char *doing, iw_error *err)
{
    int code = sqlite3_exec(self->db, sql, NULL, NULL, NULL);
    return code ? iw_sqlite_fail(self, code, doing, err) : IW_OK;
}

/* Runs a statement that gives no rows, and makes it ready for its next values. */
static iw_status
step(iw_sqlite *self, sqlite3_stmt *statement, const char *doing, iw_error *err)
{
    int code = sqlite3_step(statement);
    iw_status status = IW_OK;
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        status = iw_sqlite_fail(self, code, doing, err);
    (void)sqlite3_reset(statement);
    return status;
}

static iw_status
pragma_number(iw_sqlite *self, const char *sql, sqlite3_int64 *value, iw_error *err)
{
    sqlite3_stmt *statement = NULL;
    iw_status status = iw_sqlite_prepare(self, sql, &statement, err);
    if (status)
        return status;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    else
        status = iw_sqlite_fail(self, code, "reading its schema version", err);
    (void)sqlite3_finalize(statement);
    return status;
}

static void
rollback(iw_sqlite *self)
{
    if (!sqlite3_get_autocommit(self->db))
        (void)sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
}

/* Is this file ours, empty, or somebody else's?  *version is the number of migrations it had. */
static iw_status
check_schema(iw_sqlite *self, int *version, iw_error *err)
{
    sqlite3_int64 application = 0, tables = 0, had = 0;
    iw_status status = pragma_number(self, "PRAGMA application_id", &application, err);
    if (status == IW_OK)
        status = pragma_number(self, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (status == IW_OK)
        status = pragma_number(self, "PRAGMA user_version", &had, err);
    if (status)
        return status;
    if (application != IW_SCHEMA_APPLICATION && tables > 0)
        return iw_fail(err, IW_INVALID,
                       "%s is a database of another program (application id 0x%llx): name another "
                       "file",
                       self->path, (unsigned long long)application);
    if (had > IW_SCHEMA_VERSION)
        return iw_fail(err, IW_UNSUPPORTED,
                       "%s has schema version %lld, this program knows %d: use a newer ionwatch",
                       self->path, (long long)had, (int)IW_SCHEMA_VERSION);
    *version = (int)had;
    return IW_OK;
}

static iw_status
wide_column(void *arg, const char *column, const char *descriptor, const char *method,
            bool is_error)
{
    sqlite3_str_appendf(arg,
                        ", max(CASE WHEN d.descriptor = %Q AND d.method = %Q THEN d.%s END) AS "
                        "\"%w\"",
                        descriptor, method, is_error ? "stderr" : "value", column);
    return IW_OK;
}

/* descriptors_wide, one line for each run and group, follows the catalogue of this program. */
static iw_status
refresh_view(iw_sqlite *self, iw_error *err)
{
    sqlite3_str *sql = sqlite3_str_new(self->db);
    sqlite3_str_appendall(sql,
                          "CREATE VIEW descriptors_wide AS SELECT r.id AS run, r.name, r.material, "
                          "r.code, r.state, r.temperature_K, r.time_ps, r.mobile, "
                          "g.name AS \"group\", g.atoms");
    (void)iw_store_wide_columns(wide_column, sql);
    sqlite3_str_appendall(sql, " FROM runs r JOIN groups g ON g.run = r.run LEFT JOIN descriptors "
                               "d ON d.run = r.run AND d.\"group\" = g.name GROUP BY r.run, "
                               "g.name ORDER BY r.run, g.ordinal");
    char *text = sqlite3_str_finish(sql);
    if (!text)
        return iw_fail(err, IW_NO_MEMORY, "%s: no memory for its views", self->path);
    sqlite3_stmt *statement = NULL;
    bool same = false;
    iw_status status = iw_sqlite_prepare(
        self, "SELECT sql = ?1 FROM sqlite_schema WHERE name = 'descriptors_wide'", &statement,
        err);
    if (status == IW_OK) {
        (void)sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
        same = sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    if (status == IW_OK && !same)
        status = run_sql(self, "DROP VIEW IF EXISTS descriptors_wide", "making its views", err);
    if (status == IW_OK && !same)
        status = run_sql(self, text, "making its views", err);
    sqlite3_free(text);
    return status;
}

/* Brings the schema up to date in one transaction; two programs may try at the same time. */
static iw_status
migrate(iw_sqlite *self, iw_error *err)
{
    int version = 0;
    iw_status status = run_sql(self, "BEGIN IMMEDIATE", "starting to migrate it", err);
    if (status == IW_OK)
        status = check_schema(self, &version, err);
    bool current = version == IW_SCHEMA_VERSION; /* nothing is written: the disk may be full */
    for (; status == IW_OK && version < IW_SCHEMA_VERSION; version++) {
        status = run_sql(self, iw_schema_migrations[version], "migrating it", err);
        if (status)
            (void)iw_prefix(err, "schema version %d to %d", version, version + 1);
    }
    if (status == IW_OK && !current) {
        char sql[96];
        (void)snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                       (int)IW_SCHEMA_APPLICATION, version);
        status = run_sql(self, sql, "setting its schema version", err);
    }
    if (status == IW_OK)
        status = iw_sqlite_name_materials(self, err);
    if (status == IW_OK)
        status = refresh_view(self, err);
    if (status == IW_OK)
        status = run_sql(self, "COMMIT", "ending its migration", err);
    if (status)
        rollback(self);
    return status;
}

static void
close_file(iw_sqlite *self)
{
    for (size_t i = 0; i < IW_SQLITE_STATEMENTS; i++) {
        (void)sqlite3_finalize(self->statement[i]);
        self->statement[i] = NULL;
    }
    (void)sqlite3_close(self->db);
    self->db = NULL;
}

static void
sqlite_close(void *state)
{
    iw_sqlite *self = state;
    if (!self)
        return;
    close_file(self);
    free(self->path);
    free(self);
}

static iw_status
open_file(iw_sqlite *self, bool read_only, iw_error *err)
{
    int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    struct stat about;
    if (read_only && stat(self->path, &about) != 0 && errno == ENOENT)
        return iw_fail(err, IW_NOT_FOUND, "%s: there is no such database", self->path);
    if (stat(self->path, &about) == 0 && S_ISDIR(about.st_mode))
        return iw_fail(err, IW_IO, "%s is a folder: name the file in it", self->path);
    errno = 0;
    int code = sqlite3_open_v2(self->path, &self->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code)
        return iw_sqlite_fail(self, code, "opening it", err);
    (void)sqlite3_extended_result_codes(self->db, 1);
    (void)sqlite3_busy_timeout(self->db, BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);

    int version = 0;
    iw_status status = check_schema(self, &version, err);
    if (status || read_only) {
        if (status == IW_OK && version == 0)
            return iw_fail(err, IW_INVALID,
                           "%s is empty: `ionwatch analyze --db` and ionwatchd file runs in it",
                           self->path);
        if (status == IW_OK && version < IW_SCHEMA_VERSION)
            status = iw_fail(err, IW_UNSUPPORTED,
                             "%s has schema version %d, this program reads %d: open it once with "
                             "ionwatchd, which migrates it",
                             self->path, version, (int)IW_SCHEMA_VERSION);
        return status;
    }
    status = run_sql(self,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                     "PRAGMA foreign_keys = ON",
                     "preparing it", err);
    return status ? status : migrate(self, err);
}

static void
remember_file(iw_sqlite *self)
{
    struct stat about;
    if (stat(self->path, &about) == 0) {
        self->device = about.st_dev;
        self->inode = about.st_ino;
    }
}

static iw_status
sqlite_open(void **state, const char *location, bool read_only, iw_error *err)
{
    iw_sqlite *self = calloc(1, sizeof *self);
    if (self)
        self->path = strdup(location);
    if (!self || !self->path) {
        sqlite_close(self);
        return iw_fail(err, IW_NO_MEMORY, "no memory for database %s", location);
    }
    iw_status status = open_file(self, read_only, err);
    if (status) {
        sqlite_close(self);
        return status;
    }
    remember_file(self);
    *state = self;
    return IW_OK;
}

/* A database that was moved away, or removed, would go on to take runs that nobody finds again; one
 * that could only be read when it was opened is read-only as long as it is open. */
static iw_status
sqlite_refresh(void *state, iw_error *err)
{
    iw_sqlite *self = state;
    struct stat about;
    if (stat(self->path, &about) != 0) {
        close_file(self);
        return iw_fail(err, IW_AGAIN, "%s is gone (%s): put it back", self->path, strerror(errno));
    }
    if (self->db && !self->stale && about.st_dev == self->device && about.st_ino == self->inode)
        return IW_OK;
    close_file(self);
    self->stale = false;
    iw_status status = open_file(self, false, err);
    if (status == IW_OK)
        remember_file(self);
    else
        close_file(self);
    return status;
}

/* ---- filing ---- */

/* One row of one table is written by one of these, prepared once for the life of the handle. */
static const char *const insert_sql[IW_SQLITE_STATEMENTS] = {
    [IW_SQLITE_RUN] =
        "INSERT INTO runs VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)",
    [IW_SQLITE_SPECIES] = "INSERT INTO species VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [IW_SQLITE_GROUP] = "INSERT INTO groups VALUES (?1, ?2, ?3, ?4)",
    [IW_SQLITE_DESCRIPTOR] =
        "INSERT INTO descriptors VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [IW_SQLITE_SERIES] = "INSERT INTO series VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [IW_SQLITE_EVENT] = "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [IW_SQLITE_METADATA] = "INSERT INTO metadata VALUES (?1, ?2, ?3)",
};

static void
bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC); /* NULL binds NULL */
}

static void
bind_number(sqlite3_stmt *statement, int at, double value)
{
    if (isfinite(value))
        (void)sqlite3_bind_double(statement, at, value);
    else
        (void)sqlite3_bind_null(statement, at);
}

/* A member of a JSON object as a column; null and absent are NULL. */
static void
bind_member(sqlite3_stmt *statement, int at, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value))
        (void)sqlite3_bind_int64(statement, at, json_integer_value(value));
    else if (json_is_real(value))
        bind_number(statement, at, json_real_value(value));
    else
        bind_text(statement, at, json_string_value(value));
}

/* Takes the run out; *row is the one that it had, which it keeps when it is filed again, or 0. */
static iw_status
take_out(iw_sqlite *self, const char *id, sqlite3_int64 *row, iw_error *err)
{
    sqlite3_stmt *statement = NULL;
    iw_status status =
        iw_sqlite_prepare(self, "DELETE FROM runs WHERE id = ?1 RETURNING run", &statement, err);
    if (status)
        return status;
    bind_text(statement, 1, id);
    int code = sqlite3_step(statement);
    *row = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    while (code == SQLITE_ROW)
        code = sqlite3_step(statement);
    if (code != SQLITE_DONE)
        status = iw_sqlite_fail(self, code, "removing the record", err);
    (void)sqlite3_finalize(statement);
    return status;
}

static iw_status
file_run(iw_sqlite *self, const iw_store_filing *filing, sqlite3_int64 *row, iw_error *err)
{
    static const char *const keys[] = {"id",           "name",    "state",        "code",
                                       "code_version", "frames",  "atoms",        "segments",
                                       "dt_fs",        "time_ps", "temperature_K"};
    const json_t *run = json_object_get(filing->record, "run");
    const char *id = json_string_value(json_object_get(run, "id"));
    iw_status status = take_out(self, id, row, err);
    if (status)
        return status;
    char now[32];
    time_t seconds = time(NULL);
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    (void)strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const json_t *mobile = json_object_get(run, "mobile");
    char *mobile_text = mobile ? json_dumps(mobile, JSON_COMPACT) : strdup("[]");

    sqlite3_stmt *to = self->statement[IW_SQLITE_RUN];
    if (*row)
        (void)sqlite3_bind_int64(to, 1, *row);
    else
        (void)sqlite3_bind_null(to, 1);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        bind_member(to, (int)i + 2, run, keys[i]);
    if (!json_is_string(json_object_get(run, "name")))
        bind_text(to, 3, "");
    bind_text(to, 13, mobile_text);
    bind_text(to, 14, now);
    bind_text(to, 15, "ionwatch " IONWATCH_VERSION);
    bind_text(to, 16, filing->record_text);
    bind_member(to, 17, run, "material");
    status = step(self, to, "filing the run", err);
    (void)sqlite3_clear_bindings(to);
    free(mobile_text);
    if (status == IW_OK)
        *row = sqlite3_last_insert_rowid(self->db);
    return status;
}

static iw_status
file_species(iw_sqlite *self, const iw_run_info *run, sqlite3_int64 row, iw_error *err)
{
    sqlite3_stmt *to = self->statement[IW_SQLITE_SPECIES];
    iw_status status = IW_OK;
    for (size_t s = 0; run && s < run->n_species && status == IW_OK; s++) {
        sqlite3_int64 atoms = 0;
        double mass = NAN, charge = NAN;
        for (size_t i = 0; i < run->n_atoms; i++) {
            if (run->kind[i] != s)
                continue;
            if (atoms++ == 0 && run->mass_amu)
                mass = run->mass_amu[i];
            if (run->charge_e) /* the mean, where atoms of one species differ */
                charge = (atoms == 1 ? 0 : charge) + run->charge_e[i];
        }
        (void)sqlite3_bind_int64(to, 1, row);
        bind_text(to, 2, run->species[s]);
        (void)sqlite3_bind_int64(to, 3, (sqlite3_int64)s);
        (void)sqlite3_bind_int64(to, 4, atoms);
        bind_number(to, 5, mass);
        bind_number(to, 6, charge / (double)atoms);
        status = step(self, to, "filing a species", err);
    }
    return status;
}

static iw_status
file_groups(iw_sqlite *self, const json_t *record, sqlite3_int64 row, iw_error *err)
{
    sqlite3_stmt *to = self->statement[IW_SQLITE_GROUP];
    json_t *groups = json_object_get(record, "groups");
    const char *name;
    json_t *group;
    int ordinal = 0;
    iw_status status = IW_OK;
    json_object_foreach(groups, name, group)
    {
        (void)sqlite3_bind_int64(to, 1, row);
        bind_text(to, 2, name);
        (void)sqlite3_bind_int(to, 3, ordinal++);
        bind_member(to, 4, group, "atoms");
        status = step(self, to, "filing a group", err);
        if (status)
            return status;
    }
    return IW_OK;
}

static iw_status
file_descriptors(iw_sqlite *self, const iw_store_filing *filing, sqlite3_int64 row, iw_error *err)
{
    sqlite3_stmt *to = self->statement[IW_SQLITE_DESCRIPTOR];
    iw_status status = IW_OK;
    for (size_t i = 0; i < filing->n_rows && status == IW_OK; i++) {
        const iw_store_row *from = &filing->rows[i];
        (void)sqlite3_bind_int64(to, 1, row);
        bind_text(to, 2, from->group);
        bind_text(to, 3, from->descriptor);
        bind_text(to, 4, from->method);
        bind_number(to, 5, from->value);
        bind_number(to, 6, from->standard_error);
        bind_number(to, 7, from->ci95_lo);
        bind_number(to, 8, from->ci95_hi);
        bind_text(to, 9, from->unit);
        bind_text(to, 10, from->category);
        status = step(self, to, "filing a descriptor", err);
    }
    return status;
}

static iw_status
file_series(iw_sqlite *self, const iw_store_filing *filing, sqlite3_int64 row, iw_error *err)
{
    sqlite3_stmt *to = self->statement[IW_SQLITE_SERIES];
    iw_status status = IW_OK;
    for (size_t i = 0; i < filing->n_columns && status == IW_OK; i++) {
        const iw_store_column *from = &filing->columns[i];
        unsigned char *bytes = malloc(8 * from->n + 1);
        if (!bytes)
            return iw_fail(err, IW_NO_MEMORY, "no memory for %zu values", from->n);
        for (size_t k = 0; k < from->n; k++)
            iw_sqlite_put_f64(bytes + 8 * k, from->values[k]);
        (void)sqlite3_bind_int64(to, 1, row);
        bind_text(to, 2, from->group);
        bind_text(to, 3, from->series);
        bind_text(to, 4, from->column);
        (void)sqlite3_bind_int64(to, 5, (sqlite3_int64)i);
        (void)sqlite3_bind_int64(to, 6, (sqlite3_int64)from->n);
        (void)sqlite3_bind_blob64(to, 7, bytes, 8 * from->n, free);
        status = step(self, to, "filing a series", err);
        (void)sqlite3_clear_bindings(to);
    }
    return status;
}

static iw_status
file_events(iw_sqlite *self, const json_t *record, sqlite3_int64 row, iw_error *err)
{
    static const char *const keys[] = {"severity", "frame", "step", "time_ps", "count", "text"};
    sqlite3_stmt *to = self->statement[IW_SQLITE_EVENT];
    size_t i;
    json_t *event;
    json_array_foreach(json_object_get(record, "events"), i, event)
    {
        const char *id = json_string_value(json_object_get(event, "id"));
        (void)sqlite3_bind_int64(to, 1, row);
        (void)sqlite3_bind_int64(to, 2, (sqlite3_int64)i);
        bind_text(to, 3, id ? id : "");
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            bind_member(to, (int)k + 4, event, keys[k]);
        iw_status status = step(self, to, "filing an event", err);
        if (status)
            return status;
    }
    return IW_OK;
}

static iw_status
file_metadata(iw_sqlite *self, const iw_run_info *run, sqlite3_int64 row, iw_error *err)
{
    sqlite3_stmt *to = self->statement[IW_SQLITE_METADATA];
    iw_status status = IW_OK;
    for (size_t i = 0; run && i < run->n_metadata && status == IW_OK; i++) {
        (void)sqlite3_bind_int64(to, 1, row);
        bind_text(to, 2, run->metadata[2 * i]);
        bind_text(to, 3, run->metadata[2 * i + 1]);
        status = step(self, to, "filing metadata", err);
    }
    return status;
}

/* The material that a run has in the database, malloc'd; "" when it is not there. */
static iw_status
material_of(iw_sqlite *self, const char *id, char **material, iw_error *err)
{
    json_t *rows = NULL;
    iw_status status =
        iw_sqlite_select(self, "SELECT material FROM runs WHERE id = ?1", &id, 1, &rows, err);
    if (status)
        return status;
    const char *name = json_string_value(json_object_get(json_array_get(rows, 0), "material"));
    *material = strdup(name ? name : "");
    json_decref(rows);
    return *material ? IW_OK : iw_fail(err, IW_NO_MEMORY, "no memory for the name of a material");
}

/* After the run of this id came, changed or went: the lines that it is in, or was. */
static iw_status
fit_materials(iw_sqlite *self, const char *id, const char *before, iw_error *err)
{
    char *now = NULL;
    iw_status status = iw_sqlite_name_materials(self, err);
    if (status == IW_OK)
        status = material_of(self, id, &now, err);
    if (status == IW_OK)
        status = iw_sqlite_fit_material(self, before, err);
    if (status == IW_OK && strcmp(before, now) != 0)
        status = iw_sqlite_fit_material(self, now, err);
    free(now);
    return status;
}

/* One transaction, from its beginning to the last row. */
static iw_status
file_all(iw_sqlite *self, const iw_store_filing *filing, const char *run_id, sqlite3_int64 *row,
         iw_error *err)
{
    char *before = NULL;
    iw_status status = run_sql(self, "BEGIN IMMEDIATE", "starting to file a run", err);
    if (status == IW_OK)
        status = material_of(self, run_id, &before, err);
    if (status == IW_OK)
        status = file_run(self, filing, row, err);
    if (status == IW_OK)
        status = file_species(self, filing->run, *row, err);
    if (status == IW_OK)
        status = file_groups(self, filing->record, *row, err);
    if (status == IW_OK)
        status = file_descriptors(self, filing, *row, err);
    if (status == IW_OK)
        status = file_series(self, filing, *row, err);
    if (status == IW_OK)
        status = file_events(self, filing->record, *row, err);
    if (status == IW_OK)
        status = file_metadata(self, filing->run, *row, err);
    if (status == IW_OK)
        status = fit_materials(self, run_id, before, err);
    free(before);
    return status;
}

static iw_status
sqlite_file(void *state, const iw_store_filing *filing, char *id, iw_error *err)
{
    iw_sqlite *self = state;
    sqlite3_int64 row = 0;
    for (size_t i = 0; i < IW_SQLITE_STATEMENTS; i++) {
        iw_status prepared = self->statement[i]
                                 ? IW_OK
                                 : iw_sqlite_prepare(self, insert_sql[i], &self->statement[i], err);
        if (prepared)
            return prepared;
    }
    const json_t *run = json_object_get(filing->record, "run");
    const char *run_id = json_string_value(json_object_get(run, "id"));
    if (!run_id)
        return iw_fail(err, IW_INVALID, "the record has no run id");
    iw_status status = file_all(self, filing, run_id, &row, err);
    if (status == IW_OK)
        status = run_sql(self, "COMMIT", "ending to file a run", err);
    if (status) {
        self->stale = true;
        rollback(self);
        return status;
    }
    (void)snprintf(id, 64, "%lld", (long long)row);
    return IW_OK;
}

static iw_status
sqlite_remove(void *state, const char *run_id, iw_error *err)
{
    iw_sqlite *self = state;
    char *before = NULL;
    sqlite3_int64 row = 0;
    iw_status status = run_sql(self, "BEGIN IMMEDIATE", "starting to remove a run", err);
    if (status == IW_OK)
        status = material_of(self, run_id, &before, err);
    if (status == IW_OK)
        status = take_out(self, run_id, &row, err);
    if (status == IW_OK)
        status = fit_materials(self, run_id, before, err);
    if (status == IW_OK)
        status = run_sql(self, "COMMIT", "ending to remove a run", err);
    if (status)
        rollback(self);
    free(before);
    return status;
}

const iw_store_ops iw_store_sqlite = {
    .scheme = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .refresh = sqlite_refresh,
    .file = sqlite_file,
    .remove = sqlite_remove,
    .record = iw_sqlite_record,
    .series = iw_sqlite_series,
    .resolve = iw_sqlite_resolve,
    .runs = iw_sqlite_runs,
    .materials = iw_sqlite_materials,
    .of_material = iw_sqlite_of_material,
    .descriptors = iw_sqlite_descriptors,
};
