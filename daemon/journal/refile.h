/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_REFILE_H
#define IW_REFILE_H
/*
 * refile.h - runs that are filed wait for the database again: it has lost them, or is to have them
 * as this program analyses them.
 *
 * The record FILED at the end of the journal is all that tells a filed run from one that has ended
 * and waits.  It is taken off, durably, and recovery finds a run to be filed, now or after the next
 * start.  Before the journal's thread starts, with the folder's lock.
 */
#include "error.h"

#include <jansson.h>
#include <stdbool.h>

typedef struct {
    size_t again; /* runs that are filed again; with look_only: that would be */
    size_t lost;  /* whose frames are not kept */
    size_t failed;
} iw_refile_account;

/* All filed runs but those whose ids are keys of ids.  look_only: counts, and changes nothing.
 * What cannot be done for one run is logged, and counted.  IO: the folder cannot be read. */
iw_status iw_refile(const char *data, const json_t *ids, bool look_only, iw_refile_account *account,
                    iw_error *err);

#endif
