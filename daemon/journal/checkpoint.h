/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_JOURNAL_CHECKPOINT_H
#define IW_JOURNAL_CHECKPOINT_H
/*
 * checkpoint.h - the analysis of one run, saved, so that a restart goes on from there instead of
 * reading the run's journal from its start.
 *
 *   DATA/runs/<id>/state.iwck       replaced as a whole: written aside, made durable, renamed
 *   DATA/runs/<id>/blocks-?.iwck    what it refers to and never changes again, see bulk.h
 *
 *   state.iwck = magic (8), size of the head u64, XXH3 of the head u64, head, state, index of
 * blocks
 *
 * The head tells which run, which journal up to which record, which program and which options; the
 * XXH3 of state and index is in it.  A checkpoint is never needed: the journal has everything, so
 * whatever is wrong with one, it is not used, and nothing but time is lost.
 *
 * A run that is filed has none any more.
 */
#include "archive.h"
#include "journal/folder.h"
#include "journal/reader.h"

enum { IW_CHECKPOINT_PROGRAM = 128 };

/* What is true of the run where its analysis was saved. */
typedef struct {
    iw_framelog_place place;        /* in the journal: the records before it are in the state */
    iw_journal_scan scan;           /* what the records before it said, without info and bytes */
    char adapter[IW_ID_LENGTH + 1]; /* of the last HELLO */
    bool stop_asked;                /* a CONTROL record is before it */
    uint64_t settings;              /* hash of the options of the analysis */
} iw_checkpoint;

/* What a checkpoint wrote. */
typedef struct {
    uint64_t state;  /* and the next one will write about so much again */
    uint64_t blocks; /* once for all */
} iw_checkpoint_bytes;

/* The saved state itself, for both directions. */
typedef void iw_checkpoint_archive(void *state, iw_archive *archive);

typedef struct iw_checkpoint_files iw_checkpoint_files;

/* program: version and build, one that is different does not load.  NULL: no memory. */
iw_checkpoint_files *iw_checkpoint_files_new(const char *data, const char *id, const char *program);
void iw_checkpoint_files_destroy(iw_checkpoint_files **self);

/* Writes a checkpoint aside and does not wait for the disk; one that was written before and not
 * committed is given up.  A failure leaves nothing of it.  IO, NO_MEMORY. */
iw_status iw_checkpoint_write(iw_checkpoint_files *self, const iw_checkpoint *about,
                              iw_checkpoint_archive *archive, void *state,
                              iw_checkpoint_bytes *bytes, iw_error *err);
bool iw_checkpoint_written(const iw_checkpoint_files *self); /* ... and not committed */
/* Makes what was written durable, and puts it in the place of the one before: at once where the
 * disk has had the time.  A failure leaves the one that was there.  IO. */
iw_status iw_checkpoint_commit(iw_checkpoint_files *self, iw_error *err);

/* Takes up the checkpoint: *about is filled, the reader stands behind its place, and state is
 * loaded; bytes->state as when it was saved.  NOT_FOUND: there is none.  Else why it is not
 * used: UNSUPPORTED (another program), INVALID (settings differ), CORRUPT, IO, NO_MEMORY: the
 * reader is where it was opened, state is to be destroyed, and the files are gone. */
iw_status iw_checkpoint_load(iw_checkpoint_files *self, uint64_t settings,
                             iw_journal_reader *reader, iw_checkpoint *about,
                             iw_checkpoint_archive *archive, void *state,
                             iw_checkpoint_bytes *bytes, iw_error *err);

/* For who reads the journal alone: where a reading may begin, and what the records before it said.
 * False: at its start. */
bool iw_checkpoint_peek(const char *data, const char *id, iw_framelog_place *place,
                        iw_journal_scan *scan);

/* Removes the files of a run's checkpoint; IO. */
iw_status iw_checkpoint_remove(const char *data, const char *id, iw_error *err);

#endif
