/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_ROWS_H
#define IW_HTTP_ROWS_H
/*
 * rows.h - the daemon's listing as pages know it: which rows changed since when.
 *
 * Each change has a number that grows; who has seen all up to one gets the rows with higher ones.
 * Pure.
 */
#include "buffer.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct iw_rows iw_rows;

iw_rows *iw_rows_new(void); /* NULL: no memory */
void iw_rows_destroy(iw_rows **self);

/* The listing of now: {"runs":[..]} of objects with "id"; "silent_s", which changes by itself, is
 * left out.  PROTOCOL: it is none; NO_MEMORY. */
iw_status iw_rows_update(iw_rows *self, const void *json, size_t size, iw_error *err);
uint64_t iw_rows_version(const iw_rows *self); /* of the last change; 0 before the first listing */

/* {"runs":[rows changed after `since`], "removed":[ids]}, with "all": true where a page must forget
 * what it had: since is 0, or longer ago than removals are remembered. */
iw_status iw_rows_changes(const iw_rows *self, uint64_t since, iw_buffer *out, iw_error *err);

/* The version of one row; 0: it is not there. */
uint64_t iw_rows_version_of(const iw_rows *self, const char *id);

#endif
