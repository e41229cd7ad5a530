/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_DISK_H
#define IW_DISK_H
/*
 * disk.h - what a disk may hold after a power cut, made from the log of what programs did
 * (oplog.h).
 *
 * What was synced before the cut is there: bytes of a file by its fsync or fdatasync, names by the
 * fsync of their folder.  Of the rest each file keeps, by chance: nothing; all; a beginning that is
 * torn at a byte or at a sector of 512; any sectors, with or without the size of all (zeros where
 * no sector came); any writes.  Names that were not synced are there up to some moment, or each by
 * chance.  After a sync that failed, what it was to make durable is there or not, and no later sync
 * brings it.
 */
#include "oplog.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct disk disk;

/* root: the watched folder as the log has it.  NULL when the log cannot be read. */
disk *disk_load(const char *log, const char *root);
void disk_destroy(disk **self);

size_t disk_size(const disk *self); /* operations */
oplog_op disk_op(const disk *self, size_t i);

/* Makes the folder "to" hold what is left of the watched one when the power went before operation
 * "cut".  False: it cannot be written. */
bool disk_make(const disk *self, size_t cut, uint64_t *seed, const char *to);

/* True when each process that acknowledged frames of the run had made the names in the run's folder
 * durable before: also one that found a journal there, whose maker may not have come to it. */
bool disk_names_first(const disk *self, const char *run);

/* The highest number of that kind and run before the cut; 0 when there is none (FILED: 1). */
uint64_t disk_promised(const disk *self, size_t cut, oplog_op kind, const char *run);

#endif
