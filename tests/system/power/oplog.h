/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_OPLOG_H
#define IW_OPLOG_H
/*
 * oplog.h - what programs did to a watched folder, in order: written by recorder.c inside of them,
 * read by disk.c.  One file for all programs; each entry is a head, path_size bytes of path (with
 * its zero) and data_size bytes of data.
 *
 *   IONWATCH_POWER_ROOT      the watched folder
 *   IONWATCH_POWER_LOG       the log; not in the folder
 *   IONWATCH_POWER_CONTROL   an oplog_control that makes calls fail, or not set
 */
#include <stdatomic.h>
#include <stdint.h>

typedef enum {
    OP_CREATE = 1,  /* path is a new, empty file; file is its inode */
    OP_MKDIR,       /* path */
    OP_RMDIR,       /* path */
    OP_UNLINK,      /* path */
    OP_RENAME,      /* path becomes data */
    OP_WRITE,       /* data at offset at of file */
    OP_TRUNCATE,    /* file to at bytes */
    OP_SYNC,        /* of file: it succeeded */
    OP_SYNC_FAILED, /* of file */
    OP_SYNC_FOLDER, /* path */
    OP_ACK,         /* the daemon is about to tell run path that frame at is durable */
    OP_FILED,       /* ... that run path is in the database */
    OP_CHECKPOINT   /* the MD code of run path will go on from step at */
} oplog_op;

typedef struct {
    uint32_t op;
    uint32_t path_size, data_size;
    uint32_t process; /* who did it */
    uint64_t file, at;
} oplog_head;

/* Shared memory: calls that fail.  An error number, or 0; every n-th call, n > 0. */
typedef struct {
    atomic_int write_error, sync_error;
    atomic_int every;
    atomic_int failed; /* calls so far */
} oplog_control;

/* A mark by the program itself; defined where the recorder is loaded, else NULL. */
__attribute__((weak)) void oplog_mark(oplog_op op, const char *run, uint64_t at);

#endif
