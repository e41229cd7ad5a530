/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_JOURNAL_READER_H
#define IW_JOURNAL_READER_H
/*
 * reader.h - the journal of one run, read in order while it grows.
 *
 * A journal is a framelog: the HELLO of the run first, then FRAMEs, further HELLOs where the
 * adapter came back, CONTROL where a stop was asked for, BYE where the run ended, and FILED once it
 * was in the database.  Workers live on this alone, so what a restart rebuilds is what was there
 * before, and a slow analysis queues on disk, never in memory.  One thread at a time.
 */
#include "framelog.h"
#include "source.h"

typedef struct iw_journal_reader iw_journal_reader;

/* One record.  What matters is told by kind. */
typedef struct {
    iw_msg_type kind;
    uint64_t seq;
    uint64_t end;            /* offset behind the record */
    const iw_frame *frame;   /* FRAME: valid until the next call; NULL when it cannot be used */
    bool stop;               /* CONTROL: the run is asked to end */
    char text[IW_WIRE_TEXT]; /* CONTROL, BYE: reason; FILED: id; HELLO: UUID of the adapter's
                                handle; FRAME without frame: why */
} iw_journal_item;

/* Opens the journal and reads the run from its first record.  NULL: IO, CORRUPT. */
iw_journal_reader *iw_journal_reader_open(const char *path, iw_error *err);
void iw_journal_reader_close(iw_journal_reader **reader);

/* The run as its first HELLO gave it; valid until close. */
const iw_run_info *iw_journal_reader_run(const iw_journal_reader *self);

/* The next record that ends at or before offset limit.  OK; END: nothing more up to there; CORRUPT
 * or IO: reading cannot go on. */
iw_status iw_journal_reader_next(iw_journal_reader *self, uint64_t limit, iw_journal_item *item,
                                 iw_error *err);
void iw_journal_reader_rewind(iw_journal_reader *self);
/* Where it stands, and going on there later: see framelog.h. */
iw_status iw_journal_reader_stand(const iw_journal_reader *self, iw_framelog_place *place,
                                  iw_error *err);
iw_status iw_journal_reader_resume(iw_journal_reader *self, const iw_framelog_place *place,
                                   iw_error *err);

/* The frames alone, from the start up to offset limit: what the engine's method "paper" reads.  The
 * source borrows the reader. */
iw_source iw_journal_reader_source(iw_journal_reader *self, uint64_t limit);

#endif
