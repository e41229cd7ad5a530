/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_store.c - a database of many runs: how fast they are filed, and what questions take.
 *
 *   bench_store URI [RUNS]      sqlite:///path or postgresql://user@host/name, an empty database;
 *                               100,000 runs of 60 descriptors each, ten to a material
 *   bench_store URI 0           questions alone, of one that is there
 *   bench_store --smoke         600 runs in a temporary file
 *
 * Two thousand runs are filed one after the other where there is nothing yet, and two thousand
 * where all others are; those in between are copies of the first that SQL makes, which takes
 * minutes less.
 */
#include "store/store_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const keys[] = {"D_einstein_cm2_s", "D_green_kubo_cm2_s", "alpha",
                                   "effective_hops",   "he_relative_error",  "omega_mean_meV",
                                   "omega30_mean_meV", "e_vib_meV",          "f_vib_meV",
                                   "s_vib_meV_K",      "c_v_meV_K",          "e_vib_meV_atom",
                                   "f_vib_meV_atom",   "s_vib_kB_atom",      "c_v_kB_atom"};
enum { KEYS = sizeof keys / sizeof *keys, POINTS = 100 };
static const char *const groups[] = {"all", "mobile", "framework"};

static double
now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double
random_number(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (double)(*seed >> 8) / (1 << 24);
}

/* Four of D (itself and along the axes), fifteen more, one by the authors' method: 20 a group. */
static json_t *
group_of(unsigned *seed)
{
    double D = 1e-6 * (0.1 + random_number(seed));
    json_t *group =
        json_pack("{s:i, s:{s:f, s:f, s:[f, f]}, s:[f, f, f], s:{s:f}}", "atoms", 20, "D_cm2_s",
                  "value", D, "stderr", 0.1 * D, "ci95", 0.8 * D, 1.2 * D, "D_axes_cm2_s", D,
                  1.1 * D, 0.9 * D, "paper", "omega_mean_meV", 30 * random_number(seed));
    for (size_t k = 0; k < KEYS; k++)
        (void)json_object_set_new(group, keys[k], json_real(random_number(seed)));
    return group;
}

static json_t *
record_of(unsigned n, unsigned *seed)
{
    char id[40], name[32], material[32];
    (void)snprintf(id, sizeof id, "%08x-0000-4000-8000-000000000000", n);
    (void)snprintf(name, sizeof name, "run-%u", n);
    (void)snprintf(material, sizeof material, "material-%u", n / 10);
    json_t *record = json_pack(
        "{s:{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:f, s:f, s:f, s:i, s:[s]}, s:{}, s:{s:s}}", "run",
        "id", id, "name", name, "state", "completed", "code", "bench", "material", material,
        "frames", 10000, "atoms", 50, "dt_fs", 2.0, "time_ps", 19.998, "temperature_K",
        500.0 + 50.0 * (n % 10), "segments", 1, "mobile", "Li", "groups", "convergence", "state",
        "converged");
    json_t *all = json_object_get(record, "groups");
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        (void)json_object_set_new(all, groups[g], group_of(seed));
    json_t *lag = json_array(), *msd = json_array();
    for (int i = 0; i < POINTS; i++) {
        (void)json_array_append_new(lag, json_real(0.1 * i));
        (void)json_array_append_new(msd, json_real(random_number(seed)));
    }
    (void)json_object_set_new(json_object_get(all, "mobile"), "msd",
                              json_pack("{s:o, s:o}", "lag_ps", lag, "msd_A2", msd));
    return record;
}

static iw_status
file_runs(iw_store *store, unsigned first, unsigned n, iw_error *err)
{
    unsigned seed = first + 1;
    double start = now();
    iw_status status = IW_OK;
    for (unsigned i = 0; i < n && status == IW_OK; i++) {
        json_t *record = record_of(first + i, &seed);
        status = iw_store_file_record(store, record, NULL, NULL, err);
        json_decref(record);
    }
    double seconds = now() - start;
    if (status == IW_OK)
        (void)printf("%u runs of 60 descriptors on top of %u: %.1f s, %.0f runs a second\n", n,
                     first, seconds, n / seconds);
    (void)fflush(stdout);
    return status;
}

/* One more copy of the first n runs, the number of the copy in numbers, ids, names and materials.
 */
static iw_status
copy_runs(iw_store *store, unsigned n, unsigned copy, iw_error *err)
{
    char sql[4096];
    unsigned by = n * copy;
    (void)snprintf(
        sql, sizeof sql,
        "INSERT INTO runs (run, id, name, state, code, frames, atoms, segments, dt_fs, time_ps, "
        "\"temperature_K\", mobile, filed_at, writer, record, material, convergence) SELECT run + "
        "%u, substr(id, 1, 24) || '%012u', name || '-%u', state, code, frames, atoms, segments, "
        "dt_fs, time_ps, \"temperature_K\", mobile, filed_at, writer, record, material || '-%u', "
        "convergence FROM runs WHERE run <= %u;"
        "INSERT INTO groups SELECT run + %u, name, ordinal, atoms FROM groups WHERE run <= %u;"
        "INSERT INTO descriptors SELECT run + %u, \"group\", descriptor, method, value, stderr, "
        "ci95_lo, ci95_hi, unit, category FROM descriptors WHERE run <= %u;"
        "INSERT INTO series SELECT run + %u, \"group\", series, \"column\", ordinal, n, data FROM "
        "series WHERE run <= %u;"
        "INSERT INTO materials (material, \"group\", runs, runs_used, \"E_a_eV\", warnings) SELECT "
        "material || '-%u', \"group\", runs, runs_used, \"E_a_eV\", warnings FROM materials WHERE "
        "material IN (SELECT material FROM runs WHERE run <= %u)",
        by, copy, copy, copy, n, by, n, by, n, by, n, copy, n);
    iw_status status = store->backend->begin(store->state, true, err);
    if (status == IW_OK)
        status = store->backend->script(store->state, sql, "copying runs", err);
    return iw_store_end(store, status, err);
}

/* A server numbers rows by itself, and has not seen those; nor has it looked through the tables, as
 * it does by and by where they grow run by run. */
static iw_status
catch_up(iw_store *store, iw_error *err)
{
    static const char *const all[] = {
        "SELECT setval(pg_get_serial_sequence('runs', 'run'), max(run)) FROM runs",
        "VACUUM ANALYZE"};
    iw_status status = IW_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all && status == IW_OK; i++)
        status = store->backend->script(store->state, all[i], "catching up", err);
    return status;
}

static iw_status
fill(iw_store *store, unsigned runs, iw_error *err)
{
    unsigned part = runs < 4000 ? runs / 3 : 2000;
    unsigned copies = part ? runs / part - 2 : 0;
    double start = now();
    iw_status status = part ? file_runs(store, 0, part, err) : IW_OK;
    for (unsigned c = 1; c <= copies && status == IW_OK; c++)
        status = copy_runs(store, part, c, err);
    if (status == IW_OK && part && store->backend == &iw_store_postgres)
        status = catch_up(store, err);
    if (status == IW_OK && part)
        (void)printf("%u copies of them by SQL: %.0f s in all\n", copies, now() - start);
    return status || !part ? status : file_runs(store, part * (copies + 1), part, err);
}

static iw_status
count(void *arg, json_t *row, iw_error *err)
{
    (void)row;
    (void)err;
    ++*(size_t *)arg;
    return IW_OK;
}

static void
tell(const char *what, size_t rows, double start)
{
    (void)printf("%s: %zu rows in %.2f s\n", what, rows, now() - start);
    (void)fflush(stdout);
}

static iw_status
tell_size(iw_store *store, iw_error *err)
{
    const char *sql = store->backend == &iw_store_postgres
                          ? "SELECT pg_database_size(current_database()) AS bytes"
                          : "SELECT page_count * page_size AS bytes FROM pragma_page_count, "
                            "pragma_page_size";
    json_t *rows = json_array();
    iw_status status = iw_store_sql(store, sql, iw_sql_keep, rows, err);
    (void)printf("size: %.2f GB\n",
                 1e-9 * json_number_value(json_object_get(json_array_get(rows, 0), "bytes")));
    json_decref(rows);
    return status;
}

static iw_status
ask(iw_store *store, iw_error *err)
{
    static const char *const questions[] = {
        "SELECT name, \"D_cm2_s\", \"omega_mean_meV\" FROM descriptors_wide WHERE \"group\" = "
        "'mobile'",
        "SELECT * FROM descriptors_wide WHERE \"group\" = 'mobile'",
        "SELECT * FROM descriptors_wide WHERE \"group\" = 'mobile' AND material = 'material-7'"};
    static const iw_store_query one = {.group = "mobile", .descriptor = "D_cm2_s"};
    size_t rows = 0;
    double start = now();
    iw_status status = iw_store_descriptors(store, &one, count, &rows, err);
    tell("db query --group mobile --descriptor D_cm2_s", rows, start);
    for (size_t i = 0; i < sizeof questions / sizeof *questions && status == IW_OK; i++) {
        rows = 0;
        start = now();
        status = iw_store_sql(store, questions[i], count, &rows, err);
        tell(questions[i], rows, start);
    }
    if (status == IW_OK)
        status = tell_size(store, err);
    rows = 0;
    start = now();
    if (status == IW_OK)
        status = iw_store_runs(store, NULL, count, &rows, err);
    tell("db ls", rows, start);
    rows = 0;
    start = now();
    if (status == IW_OK)
        status = iw_store_descriptors(store, NULL, count, &rows, err);
    tell("db export", rows, start);
    return status;
}

int
main(int argc, char **argv)
{
    char uri[256];
    bool smoke = argc == 2 && strcmp(argv[1], "--smoke") == 0;
    unsigned runs = smoke ? 600 : argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 100000;
    if (argc < 2 || (!smoke && argv[1][0] == '-')) {
        (void)fprintf(stderr, "usage: bench_store URI [RUNS] | --smoke\n");
        return EXIT_FAILURE;
    }
    (void)snprintf(uri, sizeof uri, "%s", argv[1]);
    if (smoke)
        (void)snprintf(uri, sizeof uri, "/tmp/bench-store-%ld.db", (long)getpid());
    iw_error err = {0};
    iw_store *store = iw_store_open(uri, NULL, &err);
    iw_status status = IW_IO;
    if (store && (status = fill(store, runs, &err)) == IW_OK)
        status = ask(store, &err);
    iw_store_close(&store);
    if (smoke)
        (void)unlink(uri);
    if (status)
        (void)fprintf(stderr, "bench_store: %s\n", err.text);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
