/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_store.c - a database of many runs: how fast they are filed, and what questions take.
 *
 *   bench_store URI [RUNS]      sqlite:///path or postgresql://user@host/name, an empty database;
 *                               100,000 runs of 60 descriptors each, ten to a material
 *   bench_store URI 0           questions alone, of one that is there
 *   bench_store --smoke         200 runs in a temporary file
 */
#include "store/store.h"

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
file_runs(iw_store *store, unsigned runs, iw_error *err)
{
    unsigned seed = 1;
    double start = now(), last = start;
    iw_status status = IW_OK;
    for (unsigned n = 0; n < runs && status == IW_OK; n++) {
        json_t *record = record_of(n, &seed);
        status = iw_store_file_record(store, record, NULL, NULL, err);
        json_decref(record);
        if (now() - last > 60) {
            last = now();
            (void)fprintf(stderr, "%u runs, %.0f a second\n", n, n / (last - start));
        }
    }
    double seconds = now() - start;
    if (status == IW_OK && runs > 0)
        (void)printf("file %u runs of 60 descriptors: %.1f s, %.0f runs a second\n", runs, seconds,
                     runs / seconds);
    return status;
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
    unsigned runs = smoke ? 200 : argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 100000;
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_store URI [RUNS] | --smoke\n");
        return EXIT_FAILURE;
    }
    (void)snprintf(uri, sizeof uri, "%s", argv[1]);
    if (smoke)
        (void)snprintf(uri, sizeof uri, "/tmp/bench-store-%ld.db", (long)getpid());
    iw_error err = {0};
    iw_store *store = iw_store_open(uri, NULL, &err);
    iw_status status = store ? file_runs(store, runs, &err) : err.code;
    if (status == IW_OK)
        status = ask(store, &err);
    iw_store_close(&store);
    if (smoke)
        (void)unlink(uri);
    if (status)
        (void)fprintf(stderr, "bench_store: %s\n", err.text);
    return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
