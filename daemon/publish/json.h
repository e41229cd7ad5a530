/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_JSON_H
#define IW_JSON_H
/*
 * json.h - a snapshot in the words of the JSON contract (docs/design names): show --json, analyze
 * --json, the record in the database and the live messages are made here and nowhere else.  NAN
 * becomes null.
 */
#include "snapshot.h"

#include <jansson.h>
#include <stdio.h>

enum { IW_JSON_SERIES = 1, IW_JSON_FULL = 2 }; /* series thinned to a readable length, or in full */

/* New reference; NULL when memory is exhausted. */
json_t *iw_snapshot_json(const iw_snapshot *snapshot, unsigned flags);

/* Its part "convergence": state, reason, prediction, decisions. */
json_t *iw_convergence_json(const iw_convergence *convergence);

/* Its part "history": D at each check, traces of health. */
json_t *iw_history_json(const iw_snapshot *snapshot);

/* Thins the series of a record at full length, as iw_snapshot_json does without IW_JSON_FULL. False
 * when memory is exhausted; the record is then not to be used. */
bool iw_record_thin(json_t *record);

/* The table that people read (`analyze`, `show`): every number with its unit.  json is what
 * iw_snapshot_json made, so that a remote snapshot prints the same.  Writes to out. */
iw_status iw_record_print(const json_t *record, FILE *out, iw_error *err);

/* Control characters become "?": a name or a message from elsewhere must not steer the terminal
 * that it is printed on.  UTF-8 stays. */
void iw_printable(char *text);

/* One row of the catalogue: every descriptor of the contract, in order of printing. */
typedef struct {
    const char *key;    /* JSON name, with the unit: "D_cm2_s" */
    const char *symbol; /* for tables: "D" */
    const char *unit;
    const char *category;   /* "diffusive", "vibrational", of a group; "transport", of the run */
    const char *definition; /* one line */
} iw_descriptor_row;
extern const iw_descriptor_row iw_descriptor_catalogue[]; /* ends with a NULL key */

#endif
