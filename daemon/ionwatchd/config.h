/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CONFIG_H
#define IW_CONFIG_H
/*
 * config.h - everything that can be set, as one table.
 *
 * Each option is one row: parsing of the file and of the command line, --help and the sample file
 * (docs/ionwatchd.conf) come from it.  Later sources win: defaults, file, command line.
 */
#include "engine.h"

#include <stdio.h>

enum { IW_CONFIG_TEXT = 256, IW_CONFIG_LISTEN = 8, IW_CONFIG_MOBILE = 8 };

typedef enum {
    IW_OPTION_TEXT,    /* char [IW_CONFIG_TEXT] */
    IW_OPTION_CHARGES, /* char [IW_CONFIG_TEXT], as Li=1,Cl=-1 */
    IW_OPTION_COMMAND, /* char [IW_CONFIG_TEXT], see herald/argv.h */
    IW_OPTION_KINDS,   /* char [IW_CONFIG_TEXT], see herald/kinds.h */
    IW_OPTION_ADDRESS, /* char [IW_CONFIG_TEXT], see publish/http/address.h */
    IW_OPTION_LIST,    /* iw_config_list; given again it adds, and a list may have commas */
    IW_OPTION_REAL,    /* double; "auto" is NAN where the default is "auto" */
    IW_OPTION_COUNT,   /* unsigned */
    IW_OPTION_FLAG,    /* bool; on the command line without a value */
    IW_OPTION_CHOICE,  /* int, the index in choices */
    IW_OPTION_SKIP     /* iw_skip_options: "auto", "none" or ps */
} iw_option_type;

typedef struct {
    const char *section; /* of the file */
    const char *key;     /* in the file; --key on the command line, with - for _; of the sections
                            analysis and stop also in a run's metadata */
    iw_option_type type;
    const char *unit;    /* "" if none */
    const char *initial; /* default, as text; "" is computed at start */
    double min, max;     /* REAL and COUNT */
    const char *choices; /* CHOICE: "com|framework|none" */
    size_t offset;       /* in iw_config */
    const char *help;
} iw_option;

typedef struct {
    size_t n;
    char items[8][IW_CONFIG_TEXT];
} iw_config_list;

typedef struct {
    iw_config_list listen;
    char data[IW_CONFIG_TEXT];
    char db[IW_CONFIG_TEXT];
    char charges[IW_CONFIG_TEXT];
    char authorised_keys[IW_CONFIG_TEXT];
    bool insecure_tcp, require_keys;
    unsigned workers, message_limit_mib, queue_mib;
    unsigned max_runs, max_atoms, max_run_mib, min_free_mib, memory_mib;
    double heartbeat_s, lost_after_s, publish_s, checkpoint_mib, keep_after_s;
    int keep, refile;
    char on_event[IW_CONFIG_TEXT], on_event_kinds[IW_CONFIG_TEXT];
    double on_event_stalled_s, on_event_timeout_s, on_event_pause_s;
    unsigned on_event_at_once;

    char http[IW_CONFIG_TEXT], http_tokens[IW_CONFIG_TEXT];
    int http_read; /* 0: open, 1: token */
    iw_config_list http_names;
    unsigned http_connections;

    int drift, taper, stop;
    iw_config_list mobile;
    iw_skip_options skip;
    unsigned msd_stride;
    double vacf_window_ps, cutoff_meV, temperature_K, paper_spacing_fs, hop_length_A,
        diffusive_tolerance;
    double stop_target, stop_min_hops, stop_min_time_ps;
    unsigned stop_hold;
    double stop_trend_sigmas;
    int stop_futility, stop_broken;
    double stop_min_D, stop_budget_ps, stop_planned_ps;
    unsigned stop_broken_hold;
} iw_config;

extern const iw_option iw_config_options[]; /* ends with a NULL key */

void iw_config_init(iw_config *config); /* the defaults of the table */

/* INVALID: unknown key (with the nearest known one), value out of range (with the range). */
iw_status iw_config_set(iw_config *config, const char *section, const char *key, const char *value,
                        iw_error *err);
/* NOT_FOUND, IO, INVALID with file and line. */
iw_status iw_config_load(iw_config *config, const char *path, iw_error *err);

typedef enum {
    IW_CONFIG_RUN,
    IW_CONFIG_HELP,
    IW_CONFIG_VERSION,
    IW_CONFIG_PRINT,
    IW_CONFIG_METRICS,    /* print docs/metrics.md */
    IW_CONFIG_TEST_NOTICE /* run the command of on_event once */
} iw_config_action;

/* The command line, -c FILE first. */
iw_status iw_config_arguments(iw_config *config, int argc, char *const *argv,
                              iw_config_action *action, iw_error *err);

/* Fills what the table computes at start: the default endpoint, data folder and database. */
iw_status iw_config_complete(iw_config *config, iw_error *err);

/* What the run's own metadata ask for goes before the daemon's settings.  INVALID: the first value
 * that cannot be; the others are taken. */
iw_status iw_config_of_run(iw_config *config, const iw_run_info *run, iw_error *err);

/* Charges for a run: those that its metadata give, else those that came with its atoms, else the
 * daemon's.  INVALID: a species without a charge; the run is as before. */
iw_status iw_config_charges(const iw_config *config, iw_run_info *run, iw_error *err);

/* Of every option that the analysis depends on: the same number for the same analysis. */
uint64_t iw_config_analysis_hash(const iw_config *config);

/* The analysis options as the engine takes them; names are borrowed from config through mobile. */
void iw_config_engine(const iw_config *config, const char *mobile[IW_CONFIG_MOBILE],
                      iw_engine_options *options);

void iw_config_help(FILE *out);
void iw_config_sample(FILE *out);

#endif
