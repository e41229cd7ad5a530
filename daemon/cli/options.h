/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_OPTIONS_H
#define IW_CLI_OPTIONS_H
/*
 * options.h - command lines as tables.
 *
 * An option is one row; a command names the tables it takes.  Parsing, --help and the complaint
 * about an unknown option ("did you mean ...") all come from the rows.
 */
#include "cli.h"

typedef enum {
    IW_OPT_FLAG,   /* bool */
    IW_OPT_TEXT,   /* const char * */
    IW_OPT_NUMBER, /* double, least to most */
    IW_OPT_COUNT,  /* long, least to most */
    IW_OPT_CHOICE  /* const char *, one of choices */
} iw_opt_type;

typedef struct {
    const char *name; /* "msd-stride" for --msd-stride; NULL ends a table */
    char letter;      /* 'o' for -o, 0 if there is none */
    iw_opt_type type;
    size_t offset;        /* of the value in iw_settings */
    const char *argument; /* what --help calls the value: "PS" */
    const char *unit;     /* of the value, "" if it has none */
    const char *fallback; /* the default, in words; NULL if there is nothing to say */
    double least, most;   /* range of a number or count */
    const char *choices;  /* "com|framework|none" */
    const char *help;     /* one line */
} iw_cli_option;

enum { IW_OPTION_TABLES = 6 };

typedef struct {
    const char *name;      /* "analyze", "db export" */
    const char *arguments; /* "PATH..." */
    const char *summary;   /* one line */
    const char *details;   /* more, or NULL */
    const char *examples;  /* lines of shell */
    int least, most;       /* number of operands; most -1: any */
    iw_exit (*run)(const iw_settings *settings);
    const iw_cli_option *options[IW_OPTION_TABLES]; /* tables, ends with NULL */
} iw_command;

extern const iw_command iw_commands[]; /* ends with a NULL name; commands.c */

/* Fills *settings (initialised by the caller) from the words that follow the command.  operands
 * point into argv.  EXIT_OK; EXIT_USAGE after a message; *help is set when it was asked for. */
iw_exit iw_options_parse(const iw_command *command, int argc, char **argv, iw_settings *settings,
                         bool *help);

void iw_options_help(const iw_command *command, FILE *out);

#endif
