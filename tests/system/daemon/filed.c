/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filed.h"

#include <sqlite3.h>

static const char record_sql[] =
    "SELECT json_remove(record, '$.run.id', '$.events') FROM runs WHERE run = ?1";

static const char *const tables[] = {
    "SELECT state || quote(frames) || quote(atoms) || quote(segments) || quote(dt_fs) || "
    "quote(time_ps) || quote(temperature_K) || mobile FROM runs WHERE run = ?1",
    "SELECT species || quote(ordinal) || quote(atoms) || quote(mass_amu) || quote(charge_e) "
    "FROM species WHERE run = ?1 ORDER BY species",
    "SELECT \"group\" || ' ' || descriptor || ' ' || method || ' ' || quote(value) || "
    "quote(stderr) || quote(ci95_lo) || quote(ci95_hi) || unit "
    "FROM descriptors WHERE run = ?1 ORDER BY \"group\", descriptor, method",
    "SELECT \"group\" || ' ' || series || ' ' || \"column\" || ' ' || n || ' ' || quote(data) "
    "FROM series WHERE run = ?1 ORDER BY \"group\", series, \"column\"",
};

static sqlite3_int64
number_of(sqlite3 *db, const char *id)
{
    sqlite3_stmt *find = NULL;
    sqlite3_int64 number = -1;
    if (sqlite3_prepare_v2(db, "SELECT run FROM runs WHERE id = ?1", -1, &find, NULL) ==
            SQLITE_OK &&
        sqlite3_bind_text(find, 1, id, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(find) == SQLITE_ROW)
        number = sqlite3_column_int64(find, 0);
    (void)sqlite3_finalize(find);
    return number;
}

static void
print_record(FILE *out, sqlite3 *db, sqlite3_int64 run)
{
    sqlite3_stmt *row = NULL;
    size_t i;
    json_t *decision;
    assert_int_equal(sqlite3_prepare_v2(db, record_sql, -1, &row, NULL), SQLITE_OK);
    (void)sqlite3_bind_int64(row, 1, run);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    json_t *record = json_loads((const char *)sqlite3_column_text(row, 0), 0, NULL);
    assert_non_null(record);
    (void)sqlite3_finalize(row);
    const json_t *convergence = json_object_get(record, "convergence");
    json_array_foreach(json_object_get(convergence, "decisions"), i, decision)
        assert_int_equal(json_object_del(decision, "frame"), 0);
    assert_int_equal(json_dumpf(record, out, JSON_INDENT(1)), 0);
    json_decref(record);
}

char *
filed_rows(const char *path, const char *id)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 10000);
    sqlite3_int64 run = number_of(db, id);
    char *text = NULL;
    size_t size = 0;
    FILE *out = run < 0 ? NULL : open_memstream(&text, &size);
    if (out)
        print_record(out, db, run);
    for (size_t i = 0; out && i < sizeof tables / sizeof tables[0]; i++) {
        sqlite3_stmt *rows = NULL;
        assert_int_equal(sqlite3_prepare_v2(db, tables[i], -1, &rows, NULL), SQLITE_OK);
        (void)sqlite3_bind_int64(rows, 1, run);
        int code;
        while ((code = sqlite3_step(rows)) == SQLITE_ROW)
            (void)fprintf(out, "%s\n", (const char *)sqlite3_column_text(rows, 0));
        assert_int_equal(code, SQLITE_DONE);
        (void)sqlite3_finalize(rows);
    }
    if (out)
        assert_int_equal(fclose(out), 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return text;
}

void
assert_filed(harness *daemon, const char *id, const char *rows)
{
    char path[256];
    harness_wait_state(daemon, id, "completed");
    (void)snprintf(path, sizeof path, "%s/ionwatch.db", daemon->data);
    char *mine = filed_rows(path, id);
    assert_non_null(mine);
    size_t same = 0;
    while (mine[same] && mine[same] == rows[same])
        same++;
    if (mine[same] != rows[same]) {
        size_t line = same;
        while (line > 0 && mine[line - 1] != '\n')
            line--;
        size_t before = same - line > 200 ? same - 200 : line;
        fail_msg("run %s: \"%.80s\" differs: \"%.300s\", undisturbed \"%.300s\"", id, mine + line,
                 mine + before, rows + before);
    }
    free(mine);
}
