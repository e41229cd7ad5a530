/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_INPUT_H
#define IW_CLI_INPUT_H
/* input.h - what analyze and follow make of their common options: a reader, a run, engine options.
 */
#include "adapters/reader.h"
#include "cli.h"
#include "engine.h"

/* Opens the paths of the command line.  NULL after filling err. */
iw_reader *iw_input_open(const iw_settings *settings, bool follow, iw_error *err);

/* A copy of the reader's run with the material of the command line. */
iw_status iw_input_run(const iw_settings *settings, const iw_reader *reader, iw_run_info *run,
                       iw_error *err);

/* Gives a run the material of the command line. */
iw_status iw_input_amend(const iw_settings *settings, iw_run_info *run, iw_error *err);

/* Gives the run an id that depends on the first path, the atoms and the first frame alone. */
iw_status iw_input_identity(const iw_settings *settings, iw_run_info *run, const iw_frame *first,
                            iw_error *err);

/* Engine options from the command line; *mobile owns the names that they borrow. */
typedef struct {
    char *text;
    const char **names; /* [n] */
    size_t n;
} iw_mobile_list;
iw_status iw_input_engine(const iw_settings *settings, iw_engine_options *options,
                          iw_mobile_list *mobile, iw_error *err);
void iw_mobile_list_fini(iw_mobile_list *mobile);

/* progress.c: a bar on stderr where that is a terminal; silent elsewhere. */
typedef struct {
    const char *doing; /* "reading" */
    double started_s;  /* clock */
    double shown_s;    /* clock of the last line */
    bool on, drawn;
} iw_progress;
void iw_progress_start(iw_progress *self, const char *doing);
/* share from 0 to 1, NAN if not known.  Costs a clock reading, and a line ten times a second. */
void iw_progress_update(iw_progress *self, uint64_t frames, double share);
void iw_progress_end(iw_progress *self); /* wipes the line */
double iw_clock_s(void);                 /* monotonic */

#endif
