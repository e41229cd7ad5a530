/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_RECOVERY_H
#define IW_RECOVERY_H
/*
 * recovery.h - what a start finds in the folders of runs, looked at side by side: a thousand
 * journals that are opened, checked and synchronised one after the other take their time.
 */
#include "framelog.h"
#include "journal/crew.h"
#include "journal/folder.h"

typedef struct {
    const char *data; /* borrowed */
    char id[IW_ID_LENGTH + 1];
    iw_status status; /* CORRUPT, IO, ...: *err says why, and nothing else is there */
    iw_error err;
    bool filed;                 /* its summary is there and says the rest */
    iw_summary summary;         /* of a run that is filed, or was */
    iw_journal_scan scan;       /* its info is the caller's */
    iw_framelog_writer *writer; /* of a run that is not filed; the caller's */
    uint64_t cut;               /* bytes of a torn tail that were taken off */
    uint64_t bytes;             /* of the journal before that; 0: it is packed or removed */
} iw_found_run;

/* All runs of the data folder, as many as *n; the caller frees the array.  NULL: IO, NO_MEMORY. */
iw_found_run *iw_recovery_look(const char *data, iw_crew *crew, size_t *n, iw_error *err);

/* NULL when memory is exhausted. */
iw_run_info *iw_journal_copy_info(const iw_run_info *from);

#endif
