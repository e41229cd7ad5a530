/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_RUNS_H
#define IW_CLI_RUNS_H
/*
 * runs.h - one line for each run, for ls, watch and db ls.
 *
 * Takes the daemon's listing ({"runs": [..]} or an array), the rows of the database, and records of
 * the JSON contract: where a run's numbers stand in them is known here alone.
 */
#include "cli.h"
#include "table.h"

#include "publish/listing.h"

/* The array of runs inside an answer; borrowed.  Empty when there is none. */
const json_t *iw_runs_of(const json_t *answer);

/* What a line shows; values are borrowed from the run. */
typedef struct {
    const json_t *id, *name, *state, *code, *atoms, *frames, *time_ps, *temperature_K;
    const json_t *D_cm2_s, *D_stderr_cm2_s; /* of the mobile group, else of all atoms */
    const json_t *relative_error, *convergence, *predicted_ps;
} iw_run_line;

void iw_run_line_read(const json_t *run, iw_run_line *line);
iw_status iw_runs_table(const json_t *runs, iw_table *table, iw_error *err);

/* Below the table: what holds runs up, each reason once with how many runs it holds. */
void iw_runs_reasons(const json_t *runs, FILE *out);

#endif
