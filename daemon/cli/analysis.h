/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_ANALYSIS_H
#define IW_CLI_ANALYSIS_H
/* analysis.h - what `ionwatch analyze` finds in files, for commands that do more with it. */
#include "cli.h"

/* The record of settings->operands, pieces of one run, with whole series; a new reference.  Says
 * what is wrong by itself. */
iw_exit iw_analyze_record(const iw_settings *settings, json_t **record);

#endif
