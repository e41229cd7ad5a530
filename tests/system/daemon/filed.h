/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_FILED_H
#define IW_FILED_H
/*
 * filed.h - what the database holds of a run, to the last bit: the record, all descriptors and all
 * series in full length.  Left out is what another history of the same steps may change: ids, the
 * time of filing, the events, which tell of restarts, and the sequence numbers in decisions, which
 * count steps that the MD code repeated.
 */
#include "harness.h"

/* As text, one value a line; freed by the caller.  NULL: the run is not there. */
char *filed_rows(const char *path, const char *id);

/* Waits until the run is "completed", and fails with the first line that differs.  rows: those of
 * the undisturbed run. */
void assert_filed(harness *daemon, const char *id, const char *rows);

#endif
