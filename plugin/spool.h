/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_SPOOL_H
#define IW_SPOOL_H
/*
 * spool.h - frames of one run that wait on disk, oldest first, in frame logs named
 * ionwatch-<run id>.spool, .spool.1, .spool.2, ... (one after the other, each with the run's
 * HELLO).
 *
 * Frames carry the handle's own numbers; a WELCOME record says by how much the daemon's sequence
 * numbers are ahead of them, once that is known.  A file goes when all of its frames are durable at
 * the daemon, so that a crash may repeat frames to the next handle but never lose one that was
 * spooled.  Repeated numbers are passed over.  Not locked: the outbox's lock covers it.
 */
#include "framelog.h"

typedef struct {
    char *path;
    uint64_t first;   /* number of the first frame; 0: it has none */
    uint64_t last;    /* number of the last frame */
    uint64_t bytes;   /* file size */
    uint64_t read_at; /* offset of the next record to read */
    bool read;        /* all that is there so far */
} iw_spool_file;

typedef struct {
    char *stem;       /* "<folder>/ionwatch-<run id>.spool" */
    uint64_t limit;   /* bytes of all files */
    uint64_t bytes;   /* of all files now */
    unsigned ordinal; /* of the next file */
    iw_spool_file *files;
    size_t n_files;
    size_t reading;             /* index of the file that is read next; files before it are read */
    uint64_t last_read;         /* number */
    iw_framelog_reader *reader; /* of files[reading] or NULL */
    iw_framelog_writer *writer; /* of the last file or NULL */
    const iw_buffer *hello;     /* borrowed, begins every file */
    bool numbered;              /* shift is known */
    uint64_t shift;             /* daemon's sequence number less our number */
    bool unsaid;                /* no file durably has it, although there are files */
    bool has_bye;               /* an earlier handle could not deliver its BYE */
    char bye[IW_WIRE_TEXT];
} iw_spool;

/* hello is borrowed.  No file is made before the first frame is pushed. */
iw_status iw_spool_init(iw_spool *self, const char *folder, const char *run_id, uint64_t limit,
                        const iw_buffer *hello, iw_error *err);
void iw_spool_fini(iw_spool *self); /* closes; files stay */

/* Takes over what earlier handles left.  INVALID: it belongs to a run of other atoms. */
iw_status iw_spool_load(iw_spool *self, const iw_run_info *run, iw_error *err);

/* FULL: limit or disk; IO: it cannot be written at all. */
iw_status iw_spool_push(iw_spool *self, uint64_t number, const void *frame, size_t size,
                        iw_error *err);
bool iw_spool_has_unread(const iw_spool *self);
/* The oldest unread frame into *frame (cleared first).  END: none. */
iw_status iw_spool_read(iw_spool *self, uint64_t *number, iw_buffer *frame, iw_error *err);
/* Removes files whose frames are read and not above number. */
void iw_spool_acknowledge(iw_spool *self, uint64_t number);

/* Begins a file in front of the unread ones, for frames that were in memory: they are appended to
 * *writer, and closing hands it over.  A close that fails, or is told to drop it, removes the
 * file. */
iw_status iw_spool_front_open(iw_spool *self, iw_framelog_writer **writer, iw_error *err);
iw_status iw_spool_front_close(iw_spool *self, iw_framelog_writer **writer, uint64_t first,
                               uint64_t last, bool keep, iw_error *err);

/* Makes known by how much the daemon is ahead, and durably leaves word of it for the next handle:
 * neither a killed process nor a power cut may have its frames numbered twice. */
iw_status iw_spool_set_shift(iw_spool *self, uint64_t shift, iw_error *err);
/* Leaves a BYE for the next handle. */
iw_status iw_spool_push_bye(iw_spool *self, uint64_t number, const char *why, iw_error *err);
iw_status iw_spool_flush(iw_spool *self, bool durable, iw_error *err);

#endif
