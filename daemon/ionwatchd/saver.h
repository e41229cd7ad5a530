/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_SAVER_H
#define IW_SAVER_H
/*
 * saver.h - when the analysis of a run is saved, and how it is taken up again after a restart.
 *
 * A checkpoint is due when the journal has grown by checkpoint_mib since the last one, but by no
 * less than what that one wrote of what changes, and when analysing that took ten times as long as
 * saving: so what is written over and over is no more than the journals are, checkpoints cost a
 * tenth of the time at most, and a restart reads no more of the journal than that.  One that cannot
 * be written is a line in the log; the run goes on without.
 */
#include "engine.h"
#include "ionwatchd/config.h"
#include "journal/checkpoint.h"

/* Of one run; belongs to its worker. */
typedef struct {
    const iw_config *config;
    char id[IW_ID_LENGTH + 1];
    iw_checkpoint_files *files; /* NULL: no checkpoints */
    uint64_t tried_at;          /* offset in the journal where it was saved, or could not be */
    iw_checkpoint_bytes wrote;  /* the last time */
    double took_s;              /* likewise */
    double busy_s;              /* analysis since then; the caller adds */
    double commit_at;           /* what was written is made durable; INFINITY: nothing was */
    bool failing;               /* said in the log */
} iw_saver;

/* Harmless to fini.  program: see iw_program_name. */
void iw_saver_init(iw_saver *self, const iw_config *config, const char *id, const char *program);
void iw_saver_fini(iw_saver *self);

/* offset: up to where the journal has been read. */
bool iw_saver_due(const iw_saver *self, uint64_t offset);

/* Would a restart analyse for long again? */
bool iw_saver_worth(const iw_saver *self);

/* Writes the engine where the reader stands; the place in *about is filled.  It counts from
 * iw_saver_commit() on, which waits for the disk: best at commit_at, not before. */
void iw_saver_write(iw_saver *self, iw_checkpoint *about, const iw_journal_reader *reader,
                    iw_engine *engine);

void iw_saver_commit(iw_saver *self);

/* Loads into an engine that was just made; about->settings is wanted, the rest is filled, and the
 * reader stands where the analysis goes on.  NOT_FOUND: there is none.  Else it is not used, the
 * log says why: the engine is to be made again, the reader is at the start. */
iw_status iw_saver_load(iw_saver *self, iw_checkpoint *about, iw_journal_reader *reader,
                        iw_engine *engine);

#endif
