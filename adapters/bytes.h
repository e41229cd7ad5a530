/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_BYTES_H
#define IW_BYTES_H
/*
 * bytes.h - the bytes of a file, plain or compressed.
 *
 * gz, xz and zst are told by their first bytes, not by the name, and may hold several streams one
 * after the other.  A plain file that is followed may grow between reads.
 */
#include "error.h"

#include <stdbool.h>

typedef struct iw_bytes iw_bytes;

/* NOT_FOUND, IO, INVALID (a folder), UNSUPPORTED (bzip2). */
iw_bytes *iw_bytes_open(const char *path, iw_error *err);
void iw_bytes_close(iw_bytes **self);

/* Reads up to size bytes, *got says how many; 0 is the end of what is there now.  IO; CLOSED: a
 * signal came while a pipe was waited for; CORRUPT: compressed data that are damaged or cut short,
 * or a file that was written anew since the read before. */
iw_status iw_bytes_read(iw_bytes *self, void *data, size_t size, size_t *got, iw_error *err);

/* CORRUPT when the file at the path is no longer the one that is being read, or became shorter. */
iw_status iw_bytes_check_same(const iw_bytes *self, iw_error *err);

bool iw_bytes_can_grow(const iw_bytes *self); /* plain regular file */
bool iw_bytes_seekable(const iw_bytes *self); /* regular file, not a pipe */
const char *iw_bytes_path(const iw_bytes *self);
/* Bytes of the file read so far and in all (0 for a pipe), compressed where it is compressed. */
uint64_t iw_bytes_done(const iw_bytes *self);
uint64_t iw_bytes_total(const iw_bytes *self);

#endif
