/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_FETCH_H
#define IW_CLI_FETCH_H
/*
 * fetch.h - the record of a run, wherever it is.
 *
 * With --db from that database, with --endpoint from that daemon; else the word is a file where
 * there is one of that name ("-": standard input), and a run at the daemon where there is none.
 */
#include "cli.h"

/* Can the word be that of a file, as said above? */
bool iw_fetch_is_file(const iw_settings *settings, const char *word);

/* A new reference: a record with its series, from a file as it stands there or as `analyze` makes
 * it; or another object of JSON that a file holds.  Says what is wrong by itself. */
iw_exit iw_fetch(const iw_settings *settings, const char *word, json_t **record);

#endif
