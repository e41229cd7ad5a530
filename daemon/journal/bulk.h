/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_JOURNAL_BULK_H
#define IW_JOURNAL_BULK_H
/*
 * bulk.h - the part of a run's checkpoints that never changes again, written once for all of them.
 *
 * Blocks lie one behind the other in FOLDER/blocks-a.iwck or blocks-b.iwck and are found by the
 * hash of their bytes; where each lies is told by the checkpoint that needs it.  When more than
 * half of the file is of no use any more, the next checkpoint begins the other one with the blocks
 * that it needs, and the first is removed.  Owned by checkpoint.c, one thread at a time.
 */
#include "archive.h"

typedef struct {
    iw_archive_key key;
    uint64_t offset, size;
    bool used; /* by the checkpoint that is being made */
} iw_bulk_item;

/* The blocks of one file. */
typedef struct {
    iw_bulk_item *items;
    size_t n, room;
    size_t likely; /* where the next one is looked for first: they come in the same order */
    uint64_t size; /* of the file, as far as it is known to be good */
    uint64_t file; /* 0: a, 1: b */
} iw_bulk_file;

typedef struct {
    char folder[1024];
    iw_bulk_file now;  /* durable, as the last checkpoint knows it */
    iw_bulk_file next; /* while one is being made */
    bool renew;        /* the next checkpoint begins the other file */
    int fd;            /* of next, or of now while loading; -1: closed */
} iw_bulk;

void iw_bulk_init(iw_bulk *self, const char *folder);
void iw_bulk_fini(iw_bulk *self);

/* Making a checkpoint: begin, put..., sync, end.  put: as of iw_archive_place. */
iw_status iw_bulk_begin(iw_bulk *self, iw_error *err);
iw_status iw_bulk_put(iw_bulk *self, iw_archive_key key, const void *data, size_t size,
                      iw_error *err);
/* The disk begins to take what was put; sync waits for it. */
void iw_bulk_begin_sync(iw_bulk *self);
iw_status iw_bulk_sync(iw_bulk *self, iw_error *err);
/* done: the checkpoint counts, its file or the old one goes.  Else everything is as before. */
void iw_bulk_end(iw_bulk *self, bool done);

/* Loading: now was filled from a checkpoint (n items, file, size), items may be hostile.  open:
 * CORRUPT when the file does not hold them.  get: CORRUPT when the bytes are not those. */
iw_status iw_bulk_open(iw_bulk *self, iw_error *err);
iw_status iw_bulk_get(iw_bulk *self, iw_archive_key key, void *data, size_t size, iw_error *err);
void iw_bulk_close(iw_bulk *self);
/* Of all blocks in now. */
uint64_t iw_bulk_bytes(const iw_bulk *self);

/* Forgets everything, and removes both files. */
void iw_bulk_drop(iw_bulk *self);

/* Writes all of data at an offset; IO. */
iw_status iw_bulk_write_at(int fd, const void *data, size_t size, uint64_t offset, iw_error *err);
/* Reads all of it; CORRUPT: the file ends before. */
iw_status iw_bulk_read_at(int fd, void *data, size_t size, uint64_t offset, iw_error *err);

#endif
