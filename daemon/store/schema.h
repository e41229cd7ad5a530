/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORE_SCHEMA_H
#define IW_STORE_SCHEMA_H
/*
 * schema.h - the tables of a SQLite database, as a list of migrations.
 *
 * PRAGMA user_version counts the migrations that a database has had.  Entry n takes it from n to
 * n + 1; entries are never edited once released.  docs/ionwatch.1 describes the tables for people
 * who query them.
 */

enum { IW_SCHEMA_APPLICATION = 0x69776462 }; /* PRAGMA application_id, "iwdb" */

static const char *const iw_schema_migrations[] = {
    /* 0 -> 1 */
    "CREATE TABLE runs ("
    "  run INTEGER PRIMARY KEY," /* the database id */
    "  id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),"
    "  name TEXT NOT NULL,"
    "  state TEXT NOT NULL,"
    "  code TEXT, code_version TEXT,"
    "  frames INTEGER NOT NULL, atoms INTEGER NOT NULL, segments INTEGER,"
    "  dt_fs REAL, time_ps REAL, temperature_K REAL,"
    "  mobile TEXT NOT NULL CHECK (json_valid(mobile)),"
    "  filed_at TEXT NOT NULL,"                         /* ISO 8601, UTC */
    "  writer TEXT NOT NULL,"                           /* program and version */
    "  record TEXT NOT NULL CHECK (json_valid(record))" /* the JSON contract, without series */
    ") STRICT;"
    "CREATE INDEX runs_name ON runs (name);"

    "CREATE TABLE species ("
    "  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    "  species TEXT NOT NULL, ordinal INTEGER NOT NULL,"
    "  atoms INTEGER NOT NULL, mass_amu REAL, charge_e REAL,"
    "  PRIMARY KEY (run, species)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE groups ("
    "  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    "  name TEXT NOT NULL, ordinal INTEGER NOT NULL, atoms INTEGER,"
    "  PRIMARY KEY (run, name)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE descriptors ("
    "  run INTEGER NOT NULL,"
    "  \"group\" TEXT NOT NULL,"
    "  descriptor TEXT NOT NULL,"
    "  method TEXT NOT NULL CHECK (method IN ('physical', 'paper')),"
    "  value REAL NOT NULL, stderr REAL, ci95_lo REAL, ci95_hi REAL,"
    "  unit TEXT NOT NULL, category TEXT NOT NULL,"
    "  PRIMARY KEY (run, \"group\", descriptor, method),"
    "  FOREIGN KEY (run, \"group\") REFERENCES groups (run, name) ON DELETE CASCADE"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX descriptors_descriptor ON descriptors (descriptor, \"group\");"

    "CREATE TABLE series ("
    "  run INTEGER NOT NULL,"
    "  \"group\" TEXT NOT NULL,"
    "  series TEXT NOT NULL," /* 'msd', 'vacf', 'vdos', 'paper.vdos', 'history.health' */
    "  \"column\" TEXT NOT NULL, ordinal INTEGER NOT NULL,"
    "  n INTEGER NOT NULL,"
    "  data BLOB NOT NULL CHECK (length(data) = 8 * n)," /* little-endian f64 */
    "  PRIMARY KEY (run, \"group\", series, \"column\"),"
    "  FOREIGN KEY (run, \"group\") REFERENCES groups (run, name) ON DELETE CASCADE"
    ") STRICT;"

    "CREATE TABLE events ("
    "  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    "  ordinal INTEGER NOT NULL,"
    "  event TEXT NOT NULL, severity TEXT, frame INTEGER, step INTEGER, time_ps REAL,"
    "  count INTEGER, text TEXT,"
    "  PRIMARY KEY (run, ordinal)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE metadata (" /* provenance: what the adapter or reader told */
    "  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
    "  key TEXT NOT NULL, value TEXT NOT NULL,"
    "  PRIMARY KEY (run, key)"
    ") STRICT, WITHOUT ROWID;",

    /* 1 -> 2 */
    "ALTER TABLE runs ADD COLUMN material TEXT;" /* by metadata, else the reduced formula */
    "CREATE INDEX runs_material ON runs (material);"

    "CREATE TABLE materials (" /* the line through ln D at several temperatures; NULL: no line */
    "  material TEXT NOT NULL,"
    "  \"group\" TEXT NOT NULL,"
    "  runs INTEGER NOT NULL, runs_used INTEGER NOT NULL,"
    "  T_min_K REAL, T_max_K REAL,"
    "  E_a_eV REAL, E_a_stderr_eV REAL, E_a_ci95_lo_eV REAL, E_a_ci95_hi_eV REAL,"
    "  ln_D0 REAL, ln_D0_stderr REAL," /* D0 in cm2/s */
    "  D300_cm2_s REAL, D300_stderr_cm2_s REAL, D300_ci95_lo_cm2_s REAL, D300_ci95_hi_cm2_s REAL,"
    "  chi2 REAL, degrees_of_freedom INTEGER, p_value REAL, errors_widened REAL,"
    "  warnings TEXT NOT NULL," /* sentences, one a line; why there is no line */
    "  PRIMARY KEY (material, \"group\")"
    ") STRICT, WITHOUT ROWID;",
};

enum { IW_SCHEMA_VERSION = sizeof iw_schema_migrations / sizeof *iw_schema_migrations };

#endif
