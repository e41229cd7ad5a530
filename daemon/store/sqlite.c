/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sqlite.c - the embedded database: a file. */
#include "backend.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    /* Short: the daemon retries with its own back-off and must not stand still meanwhile. */
    BUSY_TIMEOUT_MS = 2000,
    APPLICATION = 0x69776462, /* PRAGMA application_id, "iwdb" */
    MOST_STATEMENTS = 64
};

typedef struct {
    sqlite3 *db; /* NULL: the file is gone for now */
    char *path;
    dev_t device; /* of the file, with its inode; 0 before it was opened */
    ino_t inode;
    bool read_only;
    bool writing; /* in a transaction that writes */
    bool stale;   /* a run could not be filed: what was opened may be of no use */
    struct {
        const char *sql; /* its address is its name */
        sqlite3_stmt *prepared;
    } statements[MOST_STATEMENTS];
    size_t n_statements;
} iw_sqlite;

static const char *const words[][2] = {
    {"ID", "INTEGER PRIMARY KEY"},
    {"INTEGER", "INTEGER"},
    {"REAL", "REAL"},
    {"TEXT", "TEXT"},
    {"BLOB", "BLOB"},
    {"JSON", "TEXT NOT NULL CHECK (json_valid(record))"},
    {"VALID(", "json_valid("},
    {")", ")"},
    {"ROWS", "STRICT"},
    {"KEYED", "STRICT, WITHOUT ROWID"},
    {"WITH", ""},
    {"VERSION", "(SELECT user_version FROM pragma_user_version)"},
    {NULL, NULL},
};

static iw_status
fail(const iw_sqlite *self, int code, const char *doing, iw_error *err)
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
                       errno ? ": " : "",
                       errno == ENOENT ? "its folder is not there, or not writable"
                       : errno         ? strerror(errno)
                                       : "");
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
        return iw_fail(err, IW_INVALID, "%s: %s: %s (SQLite code %d)", self->path, doing, text,
                       code);
    default:
        return iw_fail(err, IW_IO, "%s: %s: %s (SQLite code %d)", self->path, doing, text, code);
    }
}

/* ---- statements ---- */

static iw_status
run_sql(iw_sqlite *self, const char *sql, const char *doing, iw_error *err)
{
    int code = sqlite3_exec(self->db, sql, NULL, NULL, NULL);
    return code ? fail(self, code, doing, err) : IW_OK;
}

static iw_status
sqlite_script(void *state, const char *sql, const char *doing, iw_error *err)
{
    return run_sql(state, sql, doing, err);
}

/* Prepared once for the life of the handle. */
static iw_status
prepare(iw_sqlite *self, const iw_sql_statement *statement, sqlite3_stmt **prepared, iw_error *err)
{
    for (size_t i = 0; i < self->n_statements; i++) {
        if (self->statements[i].sql == statement->sql) {
            *prepared = self->statements[i].prepared;
            return IW_OK;
        }
    }
    if (self->n_statements == MOST_STATEMENTS)
        return iw_fail(err, IW_FULL, "%s: %s: more than %d statements", self->path,
                       statement->doing, (int)MOST_STATEMENTS);
    int code = sqlite3_prepare_v2(self->db, statement->sql, -1, prepared, NULL);
    if (code)
        return fail(self, code, statement->doing, err);
    self->statements[self->n_statements].sql = statement->sql;
    self->statements[self->n_statements++].prepared = *prepared;
    return IW_OK;
}

/* $n is a name to SQLite; one that a statement does not have is passed over. */
static void
bind(sqlite3_stmt *to, const iw_sql_value *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char name[24];
        const iw_sql_value *value = &values[i];
        (void)snprintf(name, sizeof name, "$%zu", i + 1);
        int at = sqlite3_bind_parameter_index(to, name);
        if (at == 0)
            continue;
        switch (value->kind) {
        case IW_SQL_INTEGER:
            (void)sqlite3_bind_int64(to, at, value->integer);
            break;
        case IW_SQL_REAL:
            (void)sqlite3_bind_double(to, at, value->real);
            break;
        case IW_SQL_TEXT:
            (void)sqlite3_bind_text(to, at, value->text, -1, SQLITE_STATIC);
            break;
        case IW_SQL_BYTES:
            (void)sqlite3_bind_blob64(to, at, value->bytes, value->size, SQLITE_STATIC);
            break;
        default:
            (void)sqlite3_bind_null(to, at);
        }
    }
}

static iw_sql_value
column(sqlite3_stmt *from, int at)
{
    switch (sqlite3_column_type(from, at)) {
    case SQLITE_INTEGER:
        return (iw_sql_value){.kind = IW_SQL_INTEGER, .integer = sqlite3_column_int64(from, at)};
    case SQLITE_FLOAT:
        return (iw_sql_value){.kind = IW_SQL_REAL, .real = sqlite3_column_double(from, at)};
    case SQLITE_TEXT:
        return (iw_sql_value){.kind = IW_SQL_TEXT,
                              .text = (const char *)sqlite3_column_text(from, at)};
    case SQLITE_BLOB:
        return (iw_sql_value){.kind = IW_SQL_BYTES,
                              .bytes = sqlite3_column_blob(from, at),
                              .size = (size_t)sqlite3_column_bytes(from, at)};
    default:
        return (iw_sql_value){.kind = IW_SQL_NULL};
    }
}

static iw_status
give_row(sqlite3_stmt *from, iw_sql_each each, void *arg, iw_error *err)
{
    json_t *row = json_object();
    iw_status status = row ? IW_OK : iw_fail(err, IW_NO_MEMORY, "no memory for a row");
    int n = sqlite3_column_count(from);
    for (int i = 0; i < n && status == IW_OK; i++) {
        iw_sql_value value = column(from, i);
        status = iw_sql_put(row, sqlite3_column_name(from, i), &value, err);
    }
    if (status == IW_OK)
        status = each(arg, row, err);
    json_decref(row);
    return status;
}

/* Runs what is prepared and bound, and makes it ready for its next values. */
static iw_status
step_all(iw_sqlite *self, sqlite3_stmt *from, const char *doing, iw_sql_each each, void *arg,
         iw_error *err)
{
    iw_status status = IW_OK;
    int code = SQLITE_DONE;
    while (status == IW_OK && (code = sqlite3_step(from)) == SQLITE_ROW)
        status = each ? give_row(from, each, arg, err) : IW_OK;
    if (status == IW_OK && code != SQLITE_DONE)
        status = fail(self, code, doing, err);
    (void)sqlite3_reset(from);
    (void)sqlite3_clear_bindings(from);
    return status;
}

static iw_status
sqlite_select(void *state, const iw_sql_statement *statement, const iw_sql_value *values, size_t n,
              iw_sql_each each, void *arg, iw_error *err)
{
    sqlite3_stmt *prepared = NULL;
    iw_status status = prepare(state, statement, &prepared, err);
    if (status)
        return status;
    bind(prepared, values, n);
    return step_all(state, prepared, statement->doing, each, arg, err);
}

static iw_status
sqlite_change(void *state, const iw_sql_statement *statement, const iw_sql_value *values, size_t n,
              iw_error *err)
{
    return sqlite_select(state, statement, values, n, NULL, NULL, err);
}

static iw_status
sqlite_query(void *state, const char *sql, iw_sql_each each, void *arg, iw_error *err)
{
    iw_sqlite *self = state;
    sqlite3_stmt *prepared = NULL;
    const char *rest = "";
    iw_status status = IW_OK;
    if (sqlite3_prepare_v2(self->db, sql, -1, &prepared, &rest))
        status = iw_fail(err, IW_INVALID, "%s: %s", self->path, sqlite3_errmsg(self->db));
    else if (!prepared)
        status = iw_fail(err, IW_INVALID, "there is no statement in \"%s\"", sql);
    else if (rest[strspn(rest, "; \t\r\n")])
        status = iw_fail(err, IW_INVALID, "more than one statement: \"%s\" comes second", rest);
    else if (!sqlite3_stmt_readonly(prepared))
        status = iw_fail(err, IW_INVALID, "%s: only statements that read are run", self->path);
    else
        status = step_all(self, prepared, "reading it", each, arg, err);
    (void)sqlite3_finalize(prepared);
    return status;
}

/* ---- transactions ---- */

static iw_status
sqlite_begin(void *state, bool to_write, iw_error *err)
{
    iw_sqlite *self = state;
    self->writing = to_write;
    return run_sql(self, to_write ? "BEGIN IMMEDIATE" : "BEGIN", "starting a transaction", err);
}

static iw_status
sqlite_commit(void *state, iw_error *err)
{
    return run_sql(state, "COMMIT", "ending a transaction", err);
}

static void
sqlite_rollback(void *state)
{
    iw_sqlite *self = state;
    self->stale = self->stale || self->writing;
    if (self->db && !sqlite3_get_autocommit(self->db))
        (void)sqlite3_exec(self->db, "ROLLBACK", NULL, NULL, NULL);
}

/* Whoever writes is alone with the file. */
static iw_status
sqlite_lock(void *state, const char *name, iw_error *err)
{
    (void)state;
    (void)name;
    (void)err;
    return IW_OK;
}

/* ---- the schema ---- */

static iw_status
pragma_number(iw_sqlite *self, const char *sql, sqlite3_int64 *value, iw_error *err)
{
    static const char doing[] = "reading its schema version";
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(self->db, sql, -1, &statement, NULL);
    if (code)
        return fail(self, code, doing, err);
    iw_status status = IW_OK;
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    else
        status = fail(self, code, doing, err);
    (void)sqlite3_finalize(statement);
    return status;
}

/* Is this file ours, empty, or somebody else's? */
static iw_status
sqlite_version(void *state, int *version, iw_error *err)
{
    iw_sqlite *self = state;
    sqlite3_int64 application = 0, tables = 0, had = 0;
    iw_status status = pragma_number(self, "PRAGMA application_id", &application, err);
    if (status == IW_OK)
        status = pragma_number(self, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (status == IW_OK)
        status = pragma_number(self, "PRAGMA user_version", &had, err);
    if (status)
        return status;
    if (application != APPLICATION && tables > 0)
        return iw_fail(err, IW_INVALID,
                       "%s is a database of another program (application id 0x%llx): name another "
                       "file",
                       self->path, (unsigned long long)application);
    *version = (int)had;
    return IW_OK;
}

static iw_status
sqlite_set_version(void *state, int version, iw_error *err)
{
    char sql[96];
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   (int)APPLICATION, version);
    return run_sql(state, sql, "setting its schema version", err);
}

/* ---- opening ---- */

static void
close_file(iw_sqlite *self)
{
    for (size_t i = 0; i < self->n_statements; i++)
        (void)sqlite3_finalize(self->statements[i].prepared);
    self->n_statements = 0;
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
connect(iw_sqlite *self, const char *place, int flags, iw_error *err)
{
    errno = 0;
    int code = sqlite3_open_v2(place, &self->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code)
        return fail(self, code, "opening it", err);
    (void)sqlite3_extended_result_codes(self->db, 1);
    (void)sqlite3_busy_timeout(self->db, BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    int version = 0; /* another program's file is not touched */
    return sqlite_version(self, &version, err);
}

/* To read a file in WAL mode SQLite makes two others beside it.  Where it may not, and nobody else
 * has made them, nobody has the file open: it can be read as it lies there. */
static bool
is_at_rest(const iw_sqlite *self)
{
    static const char *const parts[] = {"-wal", "-journal"};
    int code = sqlite3_errcode(self->db) & 0xff;
    if (!self->read_only || (code != SQLITE_READONLY && code != SQLITE_CANTOPEN))
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char path[4096];
        struct stat about;
        if (snprintf(path, sizeof path, "%s%s", self->path, parts[i]) >= (int)sizeof path ||
            stat(path, &about) == 0 || errno != ENOENT)
            return false;
    }
    return true;
}

static iw_status
connect_at_rest(iw_sqlite *self, iw_error *err)
{
    char *uri = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&uri, &size);
    if (!out)
        return iw_fail(err, IW_NO_MEMORY, "no memory for database %s", self->path);
    (void)fputs("file:", out);
    for (const char *c = self->path; *c; c++)
        (void)fprintf(out, strchr("%?#", *c) ? "%%%02X" : "%c", (unsigned char)*c);
    (void)fputs("?immutable=1", out);
    iw_status status = fclose(out) == 0
                           ? connect(self, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err)
                           : iw_fail(err, IW_NO_MEMORY, "no memory for database %s", self->path);
    free(uri);
    return status;
}

static iw_status
open_file(iw_sqlite *self, iw_error *err)
{
    int flags = self->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    struct stat about;
    if (self->read_only && stat(self->path, &about) != 0 && errno == ENOENT)
        return iw_fail(err, IW_NOT_FOUND, "%s: there is no such database", self->path);
    if (stat(self->path, &about) == 0 && S_ISDIR(about.st_mode))
        return iw_fail(err, IW_IO, "%s is a folder: name the file in it", self->path);
    iw_status status = connect(self, self->path, flags, err);
    if (status && is_at_rest(self)) {
        close_file(self);
        status = connect_at_rest(self, err);
    }
    if (status == IW_OK) /* in questions of people: LIKE as on a server */
        status = run_sql(self, "PRAGMA case_sensitive_like = ON", "preparing it", err);
    if (status == IW_OK && !self->read_only)
        status = run_sql(self,
                         "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
                         "PRAGMA foreign_keys = ON",
                         "preparing it", err);
    if (status == IW_OK && stat(self->path, &about) == 0) {
        self->device = about.st_dev;
        self->inode = about.st_ino;
    }
    return status;
}

static iw_status
sqlite_open(void **state, const char *uri, const char *label, const iw_store_options *options,
            iw_error *err)
{
    (void)label;
    const char *path = uri;
    if (strncmp(path, "sqlite:", 7) == 0)
        path += strncmp(path + 7, "//", 2) == 0 ? 9 : 7;
    if (!*path)
        return iw_fail(err, IW_INVALID, "database \"%s\" names no file", uri);
    iw_sqlite *self = calloc(1, sizeof *self);
    if (self)
        self->path = strdup(path);
    if (!self || !self->path) {
        sqlite_close(self);
        return iw_fail(err, IW_NO_MEMORY, "no memory for database %s", uri);
    }
    self->read_only = options->read_only;
    iw_status status = open_file(self, err);
    if (status) {
        sqlite_close(self);
        return status;
    }
    *state = self;
    return IW_OK;
}

/* A database that was moved away, or removed, would go on to take runs that nobody finds again; one
 * that could only be read when it was opened is read-only as long as it is open. */
static iw_status
sqlite_refresh(void *state, bool *anew, iw_error *err)
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
    *anew = true;
    iw_status status = open_file(self, err);
    if (status)
        close_file(self);
    return status;
}

static const char *const schemes[] = {"sqlite", NULL};

const iw_store_backend iw_store_sqlite = {
    .schemes = schemes,
    .form = "sqlite:///path",
    .words = words,
    .open = sqlite_open,
    .close = sqlite_close,
    .refresh = sqlite_refresh,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .lock = sqlite_lock,
    .change = sqlite_change,
    .select = sqlite_select,
    .script = sqlite_script,
    .query = sqlite_query,
    .version = sqlite_version,
    .set_version = sqlite_set_version,
};
