/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_JSON_H
#define IW_JSON_H
/*
 * json.h - a snapshot in the words of the JSON contract (docs/design names): show --json, analyze
 * --json, the record in the database and the live messages are made here and nowhere else.  NAN
 * becomes null.
 */
#include "describe/structure.h"
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

/* What the first frame of a run says (describe/structure.h); nothing is known (0 atoms) where there
 * is none (NULL) or it has no cell.  NO_MEMORY. */
iw_status iw_structure_of_run(const iw_snapshot *snapshot, const iw_run_info *run,
                              const iw_frame *first, iw_structure *out, iw_error *err);
/* Adds it as part "structure", null where nothing is known.  False when memory is exhausted. */
bool iw_record_add_structure(json_t *record, const iw_structure *structure);

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
    /* "diffusive", "vibrational", of a group; "transport", "structural", of the run; "mechanical",
     * "imported", of its material or of it. */
    const char *category;
    const char *definition; /* one line */
    const char *source;     /* equation of the paper, or where it is defined */
} iw_descriptor_row;
extern const iw_descriptor_row iw_descriptor_catalogue[]; /* ends with a NULL key */

/* The row of a key; NULL where there is none. */
const iw_descriptor_row *iw_descriptor_find(const char *key);
/* A category of what runs do not measure, and people may import: structural, mechanical, imported.
 */
bool iw_descriptor_is_property(const char *category);

#endif
