/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORE_SCHEMA_H
#define IW_STORE_SCHEMA_H
/*
 * schema.h - the tables of a database, as a list of migrations.
 *
 * A database counts the migrations that it has had.  Entry n takes it from n to n + 1; entries are
 * never edited once released.  Words in braces are what each backend calls them; names with
 * capitals stand in quotes, since PostgreSQL would make them small.  docs/database.md describes the
 * tables for people who query them.
 */

static const char *const iw_schema_migrations[] = {
    /* 0 -> 1 */
    "CREATE TABLE runs ("
    "  run {ID}," /* the database id */
    "  id {TEXT} NOT NULL UNIQUE CHECK (length(id) = 36),"
    "  name {TEXT} NOT NULL,"
    "  state {TEXT} NOT NULL,"
    "  code {TEXT}, code_version {TEXT},"
    "  frames {INTEGER} NOT NULL, atoms {INTEGER} NOT NULL, segments {INTEGER},"
    "  dt_fs {REAL}, time_ps {REAL}, \"temperature_K\" {REAL},"
    "  mobile {TEXT} NOT NULL CHECK ({VALID(}mobile{)}),"
    "  filed_at {TEXT} NOT NULL," /* ISO 8601, UTC */
    "  writer {TEXT} NOT NULL,"   /* program and version */
    "  record {JSON}"             /* the JSON contract, without series */
    ") {ROWS};"
    "CREATE INDEX runs_name ON runs (name);"

    "CREATE TABLE species ("
    "  run {INTEGER} NOT NULL REFERENCES runs ON DELETE CASCADE,"
    "  species {TEXT} NOT NULL, ordinal {INTEGER} NOT NULL,"
    "  atoms {INTEGER} NOT NULL, mass_amu {REAL}, charge_e {REAL},"
    "  PRIMARY KEY (run, species)"
    ") {KEYED};"

    "CREATE TABLE groups ("
    "  run {INTEGER} NOT NULL REFERENCES runs ON DELETE CASCADE,"
    "  name {TEXT} NOT NULL, ordinal {INTEGER} NOT NULL, atoms {INTEGER},"
    "  PRIMARY KEY (run, name)"
    ") {KEYED};"

    "CREATE TABLE descriptors ("
    "  run {INTEGER} NOT NULL,"
    "  \"group\" {TEXT} NOT NULL,"
    "  descriptor {TEXT} NOT NULL,"
    "  method {TEXT} NOT NULL CHECK (method IN ('physical', 'paper')),"
    "  value {REAL} NOT NULL, stderr {REAL}, ci95_lo {REAL}, ci95_hi {REAL},"
    "  unit {TEXT} NOT NULL, category {TEXT} NOT NULL,"
    "  PRIMARY KEY (run, \"group\", descriptor, method),"
    "  FOREIGN KEY (run, \"group\") REFERENCES groups (run, name) ON DELETE CASCADE"
    ") {KEYED};"
    "CREATE INDEX descriptors_descriptor ON descriptors (descriptor, \"group\");"

    "CREATE TABLE series ("
    "  run {INTEGER} NOT NULL,"
    "  \"group\" {TEXT} NOT NULL,"
    "  series {TEXT} NOT NULL," /* 'msd', 'vacf', 'vdos', 'paper.vdos', 'history.health' */
    "  \"column\" {TEXT} NOT NULL, ordinal {INTEGER} NOT NULL,"
    "  n {INTEGER} NOT NULL,"
    "  data {BLOB} NOT NULL CHECK (length(data) = 8 * n)," /* little-endian f64 */
    "  PRIMARY KEY (run, \"group\", series, \"column\"),"
    "  FOREIGN KEY (run, \"group\") REFERENCES groups (run, name) ON DELETE CASCADE"
    ") {ROWS};"

    "CREATE TABLE events ("
    "  run {INTEGER} NOT NULL REFERENCES runs ON DELETE CASCADE,"
    "  ordinal {INTEGER} NOT NULL,"
    "  event {TEXT} NOT NULL, severity {TEXT}, frame {INTEGER}, step {INTEGER}, time_ps {REAL},"
    "  count {INTEGER}, text {TEXT},"
    "  PRIMARY KEY (run, ordinal)"
    ") {KEYED};"

    "CREATE TABLE metadata (" /* provenance: what the adapter or reader told */
    "  run {INTEGER} NOT NULL REFERENCES runs ON DELETE CASCADE,"
    "  key {TEXT} NOT NULL, value {TEXT} NOT NULL,"
    "  PRIMARY KEY (run, key)"
    ") {KEYED};",

    /* 1 -> 2 */
    "ALTER TABLE runs ADD COLUMN material {TEXT};" /* by metadata, else the reduced formula */
    "CREATE INDEX runs_material ON runs (material);"

    "CREATE TABLE materials (" /* the line through ln D at several temperatures; NULL: no line */
    "  material {TEXT} NOT NULL,"
    "  \"group\" {TEXT} NOT NULL,"
    "  runs {INTEGER} NOT NULL, runs_used {INTEGER} NOT NULL,"
    "  \"T_min_K\" {REAL}, \"T_max_K\" {REAL},"
    "  \"E_a_eV\" {REAL}, \"E_a_stderr_eV\" {REAL}, \"E_a_ci95_lo_eV\" {REAL}, \"E_a_ci95_hi_eV\" "
    "{REAL},"
    "  \"ln_D0\" {REAL}, \"ln_D0_stderr\" {REAL}," /* D0 in cm2/s */
    "  \"D300_cm2_s\" {REAL}, \"D300_stderr_cm2_s\" {REAL}, \"D300_ci95_lo_cm2_s\" {REAL}, "
    "\"D300_ci95_hi_cm2_s\" {REAL},"
    "  chi2 {REAL}, degrees_of_freedom {INTEGER}, p_value {REAL}, errors_widened {REAL},"
    "  warnings {TEXT} NOT NULL," /* sentences, one a line; why there is no line */
    "  PRIMARY KEY (material, \"group\")"
    ") {KEYED};",

    /* 2 -> 3 */
    "CREATE TABLE ionwatch_schema (" /* about the database itself */
    "  key {TEXT} PRIMARY KEY, value {TEXT} NOT NULL"
    ") {ROWS};"
    /* All of the key, so that the look-ups of descriptors_wide find one row by either index. */
    "DROP INDEX descriptors_descriptor;"
    "CREATE INDEX descriptors_descriptor ON descriptors (descriptor, \"group\", method, run);"
    /* How the numbers of a run were made, from its record. */
    "ALTER TABLE runs ADD COLUMN formula {TEXT};"
    "ALTER TABLE runs ADD COLUMN \"temperature_measured_K\" {REAL};"
    "ALTER TABLE runs ADD COLUMN input_hash {TEXT};"      /* of all frames */
    "ALTER TABLE runs ADD COLUMN velocity_source {TEXT};" /* 'engine', 'finite differences' */
    "ALTER TABLE runs ADD COLUMN drift {TEXT};"           /* what is held still */
    "ALTER TABLE runs ADD COLUMN taper {TEXT};"
    "ALTER TABLE runs ADD COLUMN vacf_window_ps {REAL};"
    "ALTER TABLE runs ADD COLUMN msd_dt_fs {REAL};"      /* spacing of the frames of the MSD */
    "ALTER TABLE runs ADD COLUMN \"cutoff_meV\" {REAL};" /* of omega30_mean_meV */
    "ALTER TABLE runs ADD COLUMN paper_spacing_fs {REAL};"
    "ALTER TABLE runs ADD COLUMN skip_rule {TEXT};" /* what is left out at the start */
    "ALTER TABLE runs ADD COLUMN skipped_ps {REAL};"
    "ALTER TABLE runs ADD COLUMN skip_reason {TEXT};"
    "ALTER TABLE runs ADD COLUMN convergence {TEXT};"
    "ALTER TABLE runs ADD COLUMN stop_rule {TEXT};" /* that fired; NULL: none */
    "ALTER TABLE runs ADD COLUMN stop_reason {TEXT};"
    "ALTER TABLE runs ADD COLUMN health {TEXT};"
    "UPDATE runs SET formula = record -> 'run' ->> 'formula',"
    "  \"temperature_measured_K\" = CAST(record -> 'run' ->> 'temperature_measured_K' AS {REAL}),"
    "  velocity_source = record -> 'run' ->> 'velocity_source',"
    "  drift = record -> 'run' ->> 'drift', taper = record -> 'run' ->> 'taper',"
    "  vacf_window_ps = CAST(record -> 'run' ->> 'vacf_window_ps' AS {REAL}),"
    "  msd_dt_fs = CAST(record -> 'run' ->> 'msd_dt_fs' AS {REAL}),"
    "  \"cutoff_meV\" = CAST(record -> 'run' ->> 'cutoff_meV' AS {REAL}),"
    "  paper_spacing_fs = CAST(record -> 'run' ->> 'paper_spacing_fs' AS {REAL}),"
    "  skip_rule = record -> 'equilibration' ->> 'rule',"
    "  skipped_ps = CAST(record -> 'equilibration' ->> 'skipped_ps' AS {REAL}),"
    "  skip_reason = record -> 'equilibration' ->> 'reason',"
    "  convergence = record -> 'convergence' ->> 'state',"
    "  stop_rule = record -> 'convergence' ->> 'rule',"
    "  stop_reason = record -> 'convergence' ->> 'reason',"
    "  health = record -> 'health' ->> 'state'"
    "  WHERE formula IS NULL;",

    /* 3 -> 4 */
    "ALTER TABLE runs ADD COLUMN space_group {TEXT};" /* of the first frame */
    /* A check cannot be changed: the table is made anew.  The view over it is made by schema.c. */
    "DROP VIEW IF EXISTS descriptors_wide;"
    "DELETE FROM ionwatch_schema WHERE key = 'descriptors_wide';"
    "CREATE TABLE descriptors_of_runs ("
    "  run {INTEGER} NOT NULL,"
    "  \"group\" {TEXT} NOT NULL,"
    "  descriptor {TEXT} NOT NULL,"
    "  method {TEXT} NOT NULL CHECK (method IN ('physical', 'paper', 'structure')),"
    "  value {REAL} NOT NULL, stderr {REAL}, ci95_lo {REAL}, ci95_hi {REAL},"
    "  unit {TEXT} NOT NULL, category {TEXT} NOT NULL,"
    "  PRIMARY KEY (run, \"group\", descriptor, method),"
    "  FOREIGN KEY (run, \"group\") REFERENCES groups (run, name) ON DELETE CASCADE"
    ") {KEYED};"
    "INSERT INTO descriptors_of_runs SELECT run, \"group\", descriptor, method, value, stderr, "
    "  ci95_lo, ci95_hi, unit, category FROM descriptors;"
    "DROP TABLE descriptors;"
    "ALTER TABLE descriptors_of_runs RENAME TO descriptors;"
    /* With the numbers, a server answers for one descriptor of all runs from the index alone. */
    "CREATE INDEX descriptors_descriptor ON descriptors (descriptor, \"group\", method, run){WITH};"

    "CREATE TABLE material_descriptors (" /* what is known of a material, whatever its runs */
    "  material {TEXT} NOT NULL,"
    "  descriptor {TEXT} NOT NULL,"
    "  method {TEXT} NOT NULL CHECK (method IN ('perfect', 'elastic', 'imported')),"
    "  value {REAL} NOT NULL, stderr {REAL}, text {TEXT}," /* text: 'Fm-3m' of space_group_number */
    "  unit {TEXT} NOT NULL, category {TEXT} NOT NULL,"
    "  file {TEXT} NOT NULL, hash {TEXT} NOT NULL," /* where it is from; XXH3, 128 bits */
    "  imported_at {TEXT} NOT NULL,"                /* ISO 8601, UTC */
    "  PRIMARY KEY (material, descriptor, method)"
    ") {KEYED};"

    "CREATE TABLE run_descriptors (" /* imported; a run that is filed again keeps them */
    "  run {INTEGER} NOT NULL REFERENCES runs ON DELETE CASCADE,"
    "  descriptor {TEXT} NOT NULL,"
    "  method {TEXT} NOT NULL CHECK (method = 'imported'),"
    "  value {REAL} NOT NULL, stderr {REAL},"
    "  unit {TEXT} NOT NULL, category {TEXT} NOT NULL,"
    "  file {TEXT} NOT NULL, hash {TEXT} NOT NULL,"
    "  imported_at {TEXT} NOT NULL,"
    "  PRIMARY KEY (run, descriptor)"
    ") {KEYED};",
};

enum { IW_SCHEMA_VERSION = sizeof iw_schema_migrations / sizeof *iw_schema_migrations };

#endif
