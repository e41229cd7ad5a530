/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RECORDS_H
#define RECORDS_H
/* records.h - small records of finished runs, made up. */
#include "iw_test.h"

#include "store/store.h"

#define ID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define ID_B "aaaabbbb-0000-4000-8000-000000000002"

/* A record with descriptors, errors, a series and an event; the caller owns it. */
json_t *record_of(const char *id, const char *name, double D);
void make_run(iw_run_info *run); /* Li, Li, S; fini by the caller */
/* Files record_of(); row as iw_store_file has it. */
iw_status file_run(iw_store *store, const char *id, const char *name, double D, char *row,
                   iw_error *err);

#endif
