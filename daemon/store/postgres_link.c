/* SPDX-License-Identifier: GPL-3.0-or-later */
/* postgres_link.c - a connection to a PostgreSQL server that never makes anybody wait for ever. */
#include "postgres.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CONNECT_S = 5, SLICE_MS = 100, OLDEST_VERSION = 120000 };

static double
now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- words ---- */

/* libpq's words on one line. */
static const char *
one_line(const char *from, char *to, size_t size)
{
    size_t used = 0;
    for (; *from && used + 1 < size; from++) {
        char c = isspace((unsigned char)*from) ? ' ' : *from;
        if (c == ' ' && (used == 0 || to[used - 1] == ' '))
            continue;
        to[used++] = c;
    }
    while (used > 0 && to[used - 1] == ' ')
        used--;
    to[used] = '\0';
    return to;
}

/* What a server's refusal means; the first that fits, by the beginning of its SQLSTATE. */
static const struct {
    const char *state;
    iw_status status;
    const char *advice;
} meanings[] = {
    {"25006", IW_AGAIN, ": it takes no writes now (a standby, or default_transaction_read_only)"},
    {"25P02", IW_IO, ""},
    {"25P03", IW_CLOSED, ""},
    {"28", IW_REFUSED, ""},
    {"42501", IW_REFUSED, ": the owner of the tables has to grant it (docs/database.md)"},
    {"42P01", IW_IO, ""},
    {"53100", IW_FULL, ": the server's disk is full"},
    {"53", IW_AGAIN, ""},
    {"54", IW_INVALID, ""},
    {"55P03", IW_AGAIN, ": locked by another program"},
    {"57014", IW_TIMEOUT, ""},
    {"57", IW_CLOSED, ""}, /* shut down, starting up */
    {"58", IW_IO, ""},
    {"08", IW_CLOSED, ""},
    {"22", IW_INVALID, ""},
    {"23505", IW_AGAIN, ""}, /* another program was quicker */
    {"23", IW_INVALID, ""},
    {"40", IW_AGAIN, ""}, /* deadlock, serialization */
    {"XX001", IW_CORRUPT, ": the database is damaged"},
    {"XX002", IW_CORRUPT, ": the database is damaged"},
    {"", IW_IO, ""},
};

static iw_status
refusal(const iw_postgres *self, const PGresult *result, const char *doing, iw_error *err)
{
    char text[300];
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    size_t i = 0;
    (void)one_line(message ? message : PQresultErrorMessage(result), text, sizeof text);
    if (!state) /* libpq's own words: the connection broke */
        return iw_fail(err, IW_CLOSED, "%s: %s: %s", self->label, doing, text);
    while (strncmp(meanings[i].state, state, strlen(meanings[i].state)) != 0)
        i++;
    return iw_fail(err, meanings[i].status, "%s: %s: %s (SQLSTATE %s)%s", self->label, doing, text,
                   state, meanings[i].advice);
}

/* The connection is of no use any more, for the reason that libpq gives. */
static iw_status
lost(iw_postgres *self, const char *what, iw_error *err)
{
    char text[300];
    (void)one_line(PQerrorMessage(self->link), text, sizeof text);
    iw_postgres_disconnect(self);
    return iw_fail(err, IW_CLOSED, "%s: %s: %s", self->label, what, text);
}

/* ---- waiting ---- */

/* Until the socket is ready; until_s: when to give up, 0: never. */
static iw_status
wait_for(iw_postgres *self, short events, double until_s, const char *what, iw_error *err)
{
    for (;;) {
        struct pollfd socket = {PQsocket(self->link), events, 0};
        int ready = poll(&socket, 1, SLICE_MS);
        if (ready > 0)
            return IW_OK;
        if (ready < 0 && errno != EINTR)
            return iw_fail_errno(err, "%s: %s", self->label, what);
        bool cancelled = self->options.cancelled && self->options.cancelled(self->options.arg);
        if (!cancelled && (until_s == 0 || now() < until_s))
            continue;
        iw_postgres_disconnect(self);
        return iw_fail(err, IW_TIMEOUT, "%s: %s: %s", self->label, what,
                       cancelled ? "given up" : "the server does not answer in time");
    }
}

/* Whatever comes starts it anew: a slow line is no server that hangs. */
static double
answer_until(const iw_postgres *self)
{
    return self->options.answer_s > 0 && !self->patient ? now() + self->options.answer_s : 0;
}

static iw_status
flush(iw_postgres *self, iw_error *err)
{
    int left;
    while ((left = PQflush(self->link)) == 1) {
        iw_status status = wait_for(self, POLLIN | POLLOUT, answer_until(self), self->doing, err);
        if (status)
            return status;
        if (!PQconsumeInput(self->link))
            return lost(self, self->doing, err);
    }
    return left == 0 ? IW_OK : lost(self, self->doing, err);
}

/* The next result; NULL at the end of those of one statement. */
static iw_status
next_result(iw_postgres *self, PGresult **result, iw_error *err)
{
    iw_status status = flush(self, err);
    while (status == IW_OK && PQisBusy(self->link)) {
        status = wait_for(self, POLLIN, answer_until(self), self->doing, err);
        if (status == IW_OK && !PQconsumeInput(self->link))
            status = lost(self, self->doing, err);
    }
    *result = status == IW_OK ? PQgetResult(self->link) : NULL;
    return status;
}

/* ---- sending ---- */

/* Numbers as texts that name them exactly, bytes as they are. */
typedef struct {
    char room[IW_SQL_VALUES][32];
    const char *texts[IW_SQL_VALUES];
    int lengths[IW_SQL_VALUES], formats[IW_SQL_VALUES];
} parameters;

static iw_status
to_parameters(const iw_sql_value *values, size_t n, parameters *to, iw_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const iw_sql_value *value = &values[i];
        to->texts[i] = to->room[i];
        to->lengths[i] = to->formats[i] = 0;
        switch (value->kind) {
        case IW_SQL_INTEGER:
            (void)snprintf(to->room[i], sizeof to->room[i], "%lld", (long long)value->integer);
            break;
        case IW_SQL_REAL:
            (void)snprintf(to->room[i], sizeof to->room[i], "%.17g", value->real);
            break;
        case IW_SQL_TEXT:
            to->texts[i] = value->text;
            break;
        case IW_SQL_BYTES:
            if (value->size > 1 << 29)
                return iw_fail(err, IW_INVALID, "%zu bytes in one value", value->size);
            to->texts[i] = (const char *)value->bytes;
            to->lengths[i] = (int)value->size;
            to->formats[i] = 1;
            break;
        default:
            to->texts[i] = NULL;
        }
    }
    return IW_OK;
}

/* The name under which it is prepared on this connection; NULL: sending that failed. */
static const char *
prepare(iw_postgres *self, const char *sql, char name[16])
{
    for (size_t i = 0; i < self->n_prepared; i++) {
        if (self->prepared[i].sql == sql) {
            (void)snprintf(name, 16, "s%u", self->prepared[i].name);
            return name;
        }
    }
    (void)snprintf(name, 16, "s%u", self->names);
    if (!PQsendPrepare(self->link, name, sql, 0, NULL))
        return NULL;
    self->doings[self->sent++] = self->doing;
    if (self->n_prepared < IW_POSTGRES_STATEMENTS) {
        self->prepared[self->n_prepared].sql = sql;
        self->prepared[self->n_prepared++].name = self->names;
    }
    self->names++;
    return name;
}

iw_status
iw_postgres_send(iw_postgres *self, const iw_sql_statement *statement, bool prepared,
                 const iw_sql_value *values, size_t n, iw_error *err)
{
    parameters to;
    char name[16];
    self->doing = statement->doing;
    if (!self->link)
        return iw_fail(err, IW_CLOSED, "%s: %s: not connected", self->label, self->doing);
    iw_status status = to_parameters(values, n, &to, err);
    if (status)
        return status;
    assert(self->sent + 2 <= sizeof self->doings / sizeof *self->doings);
    int sent = 0;
    if (!prepared)
        sent = PQsendQueryParams(self->link, statement->sql, (int)n, NULL, to.texts, to.lengths,
                                 to.formats, 0);
    else if (prepare(self, statement->sql, name))
        sent = PQsendQueryPrepared(self->link, name, (int)n, to.texts, to.lengths, to.formats, 0);
    if (!sent)
        return lost(self, self->doing, err);
    self->doings[self->sent++] = self->doing;
    return flush(self, err);
}

/* ---- results ---- */

static int
digit_of(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* "\x3f80..." as bytes; *room grows. */
static bool
from_hex(const char *text, unsigned char **room, iw_sql_value *value)
{
    text += strncmp(text, "\\x", 2) == 0 ? 2 : 0;
    size_t n = strlen(text) / 2;
    unsigned char *bytes = realloc(*room, n + 1);
    if (!bytes)
        return false;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (unsigned char)(digit_of(text[2 * i]) << 4 | digit_of(text[2 * i + 1]));
    *value = iw_sql_bytes(bytes, n);
    *room = bytes;
    return true;
}

/* By the numbers that types have in every PostgreSQL. */
static bool
value_of(const PGresult *result, int column, unsigned char **room, iw_sql_value *value)
{
    enum { BOOL = 16, BYTEA = 17, INT8 = 20, INT2 = 21, INT4 = 23, FLOAT4 = 700, FLOAT8 = 701 };
    enum { NUMERIC = 1700 };
    const char *text = PQgetvalue(result, 0, column);
    if (PQgetisnull(result, 0, column)) {
        *value = (iw_sql_value){.kind = IW_SQL_NULL};
        return true;
    }
    switch (PQftype(result, column)) {
    case BOOL: /* as in SQLite */
        *value = iw_sql_integer(text[0] == 't');
        return true;
    case NUMERIC:
        if (strlen(text) > 18 || strpbrk(text, ".eEIN")) {
            *value = iw_sql_number(strtod(text, NULL));
            return true;
        }
        *value = iw_sql_integer(strtoll(text, NULL, 10));
        return true;
    case INT8:
    case INT2:
    case INT4:
        *value = iw_sql_integer(strtoll(text, NULL, 10));
        return true;
    case FLOAT4:
    case FLOAT8:
        *value = iw_sql_number(strtod(text, NULL));
        return true;
    case BYTEA:
        return from_hex(text, room, value);
    default:
        *value = iw_sql_text(text);
        return true;
    }
}

static iw_status
give_row(const PGresult *result, iw_sql_each each, void *arg, iw_error *err)
{
    unsigned char *room = NULL;
    json_t *row = json_object();
    iw_status status = row ? IW_OK : iw_fail(err, IW_NO_MEMORY, "no memory for a row");
    int n = PQnfields(result);
    for (int i = 0; i < n && status == IW_OK; i++) {
        iw_sql_value value;
        if (!value_of(result, i, &room, &value))
            status = iw_fail(err, IW_NO_MEMORY, "no memory for a value");
        else
            status = iw_sql_put(row, PQfname(result, i), &value, err);
    }
    if (status == IW_OK)
        status = each(arg, row, err);
    json_decref(row);
    free(room);
    return status;
}

/* What a result means for the statements up to it. */
static iw_status
look_at(iw_postgres *self, const PGresult *result, iw_sql_each each, void *arg, iw_error *err)
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_PIPELINE_SYNC:
    case PGRES_PIPELINE_ABORTED: /* behind one that failed, and has said so */
        return IW_OK;
    case PGRES_SINGLE_TUPLE:
        return each ? give_row(result, each, arg, err) : IW_OK;
    case PGRES_EMPTY_QUERY:
        return iw_fail(err, IW_INVALID, "there is no statement in it");
    case PGRES_COPY_OUT:
    case PGRES_COPY_IN:
    case PGRES_COPY_BOTH:
        return iw_fail(err, IW_INVALID, "COPY is not for here");
    default:
        return refusal(self, result, self->doing, err);
    }
}

/* Ends reading after a failure, with what it was. */
static iw_status
give_up(iw_postgres *self, const iw_error *why, iw_error *err)
{
    self->n_prepared = 0; /* what was to be prepared behind the failure is not */
    if (self->link && PQstatus(self->link) == CONNECTION_BAD)
        iw_postgres_disconnect(self);
    return iw_fail(err, why->code, "%s", why->text);
}

iw_status
iw_postgres_collect(iw_postgres *self, iw_sql_each each, void *arg, iw_error *err)
{
    iw_error first = {0};
    bool synced = false;
    if (!self->link)
        return iw_fail(err, IW_CLOSED, "%s: %s: not connected", self->label, self->doing);
    if (!PQpipelineSync(self->link))
        return lost(self, self->doing, err);
    for (size_t left = self->sent; !synced;) {
        PGresult *result = NULL;
        if (left > 0)
            self->doing = self->doings[self->sent - left];
        if (each && left == 1)
            (void)PQsetSingleRowMode(self->link); /* no result is in memory as a whole */
        iw_status status = next_result(self, &result, err);
        if (status)
            return status;
        left -= !result;
        if (!result && PQstatus(self->link) == CONNECTION_BAD)
            return first.code ? give_up(self, &first, err) : lost(self, self->doing, err);
        synced = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        bool failed = result && first.code == IW_OK && look_at(self, result, each, arg, &first);
        ExecStatusType kind = PQresultStatus(result);
        bool goes_on = kind != PGRES_FATAL_ERROR && kind != PGRES_EMPTY_QUERY;
        PQclear(result);
        if (failed && goes_on) { /* enough was seen: the rest is not waited for */
            iw_postgres_disconnect(self);
            synced = true;
        }
    }
    self->sent = 0;
    return first.code == IW_OK ? IW_OK : give_up(self, &first, err);
}

static iw_status
run_script(iw_postgres *self, const char *sql, const char *doing, iw_error *err)
{
    iw_error first = {0};
    iw_status status = self->sent ? iw_postgres_collect(self, NULL, NULL, err) : IW_OK;
    if (status)
        return status;
    self->doing = doing;
    if (!self->link || !PQexitPipelineMode(self->link) || !PQsendQuery(self->link, sql))
        return lost(self, doing, err);
    for (;;) {
        PGresult *result = NULL;
        status = next_result(self, &result, err);
        if (status)
            return status;
        if (!result)
            break;
        if (first.code == IW_OK)
            (void)look_at(self, result, NULL, NULL, &first);
        PQclear(result);
    }
    if (PQstatus(self->link) == CONNECTION_BAD || !PQenterPipelineMode(self->link))
        return first.code ? give_up(self, &first, err) : lost(self, doing, err);
    return first.code ? give_up(self, &first, err) : IW_OK;
}

/* A migration of a large database takes minutes, and would never end if it were given up and begun
 * again; a server that is gone is found out by the network. */
iw_status
iw_postgres_script(iw_postgres *self, const char *sql, const char *doing, iw_error *err)
{
    static const iw_sql_statement unhurried = {"SELECT set_config('statement_timeout', '0', true)",
                                               "taking time"};
    iw_status status = iw_postgres_send(self, &unhurried, true, NULL, 0, err);
    self->patient = true;
    if (status == IW_OK)
        status = run_script(self, sql, doing, err);
    self->patient = false;
    return status;
}

/* ---- connecting ---- */

void
iw_postgres_disconnect(iw_postgres *self)
{
    PQfinish(self->link);
    self->link = NULL;
    self->n_prepared = self->names = 0;
    self->sent = 0;
    self->transaction = false;
}

bool
iw_postgres_alive(iw_postgres *self)
{
    if (!self->link || PQstatus(self->link) == CONNECTION_BAD)
        return false;
    struct pollfd socket = {PQsocket(self->link), POLLIN, 0};
    if (poll(&socket, 1, 0) <= 0)
        return true; /* as it should be: nobody talks unasked */
    if (!PQconsumeInput(self->link))
        return false;
    (void)PQisBusy(self->link); /* looks at what came: a farewell, or a change of settings */
    return PQstatus(self->link) == CONNECTION_OK && poll(&socket, 1, 0) <= 0;
}

static void
say_nothing(void *arg, const char *message)
{
    (void)arg;
    (void)message; /* notices; what matters is an error */
}

/* connect_timeout of the URI, else 5 s, and no longer than an answer may take. */
static double
connect_until(const iw_postgres *self)
{
    double seconds = CONNECT_S;
    PQconninfoOption *all = PQconninfo(self->link);
    for (PQconninfoOption *o = all; o && o->keyword; o++) {
        bool this_one = strcmp(o->keyword, "connect_timeout") == 0 && o->val;
        double wanted = this_one ? strtod(o->val, NULL) : 0;
        seconds = wanted > 0 ? wanted : seconds;
    }
    PQconninfoFree(all);
    if (self->options.answer_s > 0 && self->options.answer_s < seconds)
        seconds = self->options.answer_s;
    return now() + seconds;
}

static iw_status
meet(iw_postgres *self, iw_error *err)
{
    static const char what[] = "connecting";
    double until_s = connect_until(self);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED || PQstatus(self->link) == CONNECTION_BAD)
            return lost(self, what, err);
        short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        iw_status status = wait_for(self, events, until_s, what, err);
        if (status)
            return status;
        next = PQconnectPoll(self->link);
    }
    return IW_OK;
}

/* What a session of ours needs, whatever server and user have set. */
static iw_status
prepare_session(iw_postgres *self, iw_error *err)
{
    static const iw_sql_statement set = {
        "SELECT set_config('extra_float_digits', '1', false), set_config('jit', 'off', false), "
        "set_config('bytea_output', 'hex', "
        "false), set_config('lock_timeout', '2s', false), "
        "set_config('idle_in_transaction_session_timeout', '60s', false), "
        "set_config('default_transaction_read_only', CASE WHEN $1 = 'on' THEN 'on' ELSE "
        "current_setting('default_transaction_read_only') END, false), "
        "set_config('statement_timeout', $2, false), "
        "(SELECT set_config(name, CAST(greatest(CAST(setting AS bigint), 32768) AS text), false) "
        "FROM pg_settings WHERE name = 'work_mem'), " /* kB: 100,000 rows are sorted in memory */
        "(SELECT set_config(name, '10s', false) FROM pg_settings WHERE name = "
        "'client_connection_check_interval')",
        "preparing the session"};
    char limit[32];
    (void)snprintf(limit, sizeof limit, "%.0fms", 1000 * self->options.answer_s);
    const iw_sql_value values[] = {iw_sql_text(self->options.read_only ? "on" : "off"),
                                   iw_sql_text(limit)};
    iw_status status = iw_postgres_send(self, &set, false, values, 2, err);
    return status ? status : iw_postgres_collect(self, NULL, NULL, err);
}

iw_status
iw_postgres_connect(iw_postgres *self, iw_error *err)
{
    /* What stands before dbname may be said otherwise in the URI. */
    const char *const keys[] = {"fallback_application_name",
                                "keepalives_idle",
                                "keepalives_interval",
                                "keepalives_count",
                                "dbname",
                                "client_encoding",
                                NULL};
    const char *const values[] = {"ionwatch", "30", "10", "3", self->uri, "UTF8", NULL};
    iw_postgres_disconnect(self);
    self->link = PQconnectStartParams(keys, values, 1);
    if (!self->link)
        return iw_fail(err, IW_NO_MEMORY, "%s: no memory for a connection", self->label);
    iw_status status = meet(self, err);
    if (status)
        return status;
    (void)PQsetNoticeProcessor(self->link, say_nothing, NULL);
    int version = PQserverVersion(self->link);
    const char *encoding = PQparameterStatus(self->link, "server_encoding");
    if (version < OLDEST_VERSION)
        status = iw_fail(err, IW_UNSUPPORTED, "%s: PostgreSQL %d, %d is the oldest that works",
                         self->label, version / 10000, OLDEST_VERSION / 10000);
    else if (!encoding || strcmp(encoding, "UTF8") != 0)
        status = iw_fail(err, IW_INVALID,
                         "%s: its encoding is %s: make the database with ENCODING 'UTF8'",
                         self->label, encoding ? encoding : "not known");
    else if (PQsetnonblocking(self->link, 1) != 0 || !PQenterPipelineMode(self->link))
        return lost(self, "connecting", err);
    if (status == IW_OK)
        status = prepare_session(self, err);
    if (status)
        iw_postgres_disconnect(self);
    return status;
}
