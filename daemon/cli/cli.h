/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_H
#define IW_CLI_H
/*
 * cli.h - what the commands of `ionwatch` share: exit codes, settings, messages.
 *
 * Results go to stdout; everything else goes to stderr, so that --json is clean.  One thread.
 */
#include "error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* name, value, meaning: the man page has the same list. */
#define IW_EXIT_MAP(X)                                                                             \
    X(OK, 0, "success")                                                                            \
    X(FAILURE, 1, "something failed; stderr says what, where and what to do")                      \
    X(USAGE, 2, "the command line cannot be understood")                                           \
    X(NO_DAEMON, 3, "no daemon answers")                                                           \
    X(NOT_FOUND, 4, "there is no such run")                                                        \
    X(INTERRUPTED, 130, "ended by Ctrl-C; what was known by then has been printed")

typedef enum {
#define IW_EXIT_ENUM(name, value, text) IW_EXIT_##name = (value),
    IW_EXIT_MAP(IW_EXIT_ENUM)
#undef IW_EXIT_ENUM
} iw_exit;

/* Values of all options of all commands; a command reads those of its own tables.  Texts are
 * borrowed from argv. */
typedef struct {
    const char *command;
    const char *const *operands; /* [n_operands] */
    size_t n_operands;

    const char *format, *units, *species, *charges, *masses, *name, *material; /* input */
    double dt_fs, temperature_K; /* NAN: from the files */

    const char *mobile, *drift, *taper, *skip; /* analysis; NULL: the default of the engine */
    long msd_stride;                           /* 0: about 10 fs */
    long memory_mib;                           /* 0: default */
    double vacf_window_ps, target, cutoff_meV, hop_length_A, paper_spacing_fs; /* NAN: default */
    bool no_paper, judge;

    double min_D_cm2_s, budget_ps, planned_ps; /* stop rules; NAN: default */

    const char *endpoint, *stop, *futility, *broken, *stop_file; /* daemon */
    double timeout_s, interval_s, idle_s;
    bool once, kill;
    long count;

    const char *topology, *wait; /* imd; NULL: none, as the engine has it */

    double at_K;                                        /* NAN: 300 */
    const char *db, *group, *descriptor, *run, *output; /* results */
    bool json, csv, series, full, all, markdown, catalogue;

    const char *elastic, *structure, *order, *elastic_units; /* import; NULL: none, default */
    bool as_is;

    const char *groups, *method, *title, *style; /* plot */
    double width_mm, dpi;                        /* NAN: default */
    bool log, linear;

    const char *family, *with, *without, *target_name, *correlation, *models; /* landscape */
    double window_K, missing;                                                 /* K; % */
    long clusters, space, folds;                                              /* 0: default */
    long seed;
    bool impute, as_values;

    const char *folder, *roles; /* keygen; NULL: default */
    bool server, print, force;
} iw_settings;

void iw_settings_init(iw_settings *settings);

/* "ionwatch analyze: text" on stderr. */
void iw_complain(const iw_settings *settings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for a failed call: prints err->text. */
void iw_complain_error(const iw_settings *settings, const iw_error *err);

/* True once SIGINT or SIGTERM has come.  main.c alone knows signals. */
bool iw_interrupted(void);
/* Sleeps, less if interrupted. */
void iw_pause(double seconds);

/* A JSON text on stdout: indented, or on one line where it holds long series. */
iw_exit iw_print_json(const iw_settings *settings, const json_t *value, bool compact);

/* After a table of a run: where its numbers are explained.  On a terminal only. */
void iw_explain_hint(void);

iw_exit iw_command_analyze(const iw_settings *settings);
iw_exit iw_command_follow(const iw_settings *settings);
iw_exit iw_command_imd(const iw_settings *settings);
iw_exit iw_command_ls(const iw_settings *settings);
iw_exit iw_command_status(const iw_settings *settings);
iw_exit iw_command_show(const iw_settings *settings);
iw_exit iw_command_watch(const iw_settings *settings);
iw_exit iw_command_stop(const iw_settings *settings);
iw_exit iw_command_rm(const iw_settings *settings);
iw_exit iw_command_arrhenius(const iw_settings *settings);
iw_exit iw_command_plot(const iw_settings *settings);
iw_exit iw_command_landscape(const iw_settings *settings);
iw_exit iw_command_explain(const iw_settings *settings);
iw_exit iw_command_keygen(const iw_settings *settings);
iw_exit iw_command_unpack(const iw_settings *settings);
iw_exit iw_command_db_ls(const iw_settings *settings);
iw_exit iw_command_db_show(const iw_settings *settings);
iw_exit iw_command_db_query(const iw_settings *settings);
iw_exit iw_command_db_export(const iw_settings *settings);
iw_exit iw_command_db_import(const iw_settings *settings);
iw_exit iw_command_db_ingest(const iw_settings *settings);
iw_exit iw_command_db_rm(const iw_settings *settings);
iw_exit iw_command_db_migrate(const iw_settings *settings);

#endif
