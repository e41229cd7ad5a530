/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_WORKER_INTERNAL_H
#define IW_WORKER_INTERNAL_H
/* worker_internal.h - shared by the files of a worker: reading, publishing, filing. */
#include "ionwatchd/saver.h"
#include "ionwatchd/worker.h"
#include "journal/reader.h"

/* One run. */
typedef struct iw_job {
    uint32_t run;
    char id[IW_ID_LENGTH + 1];
    iw_run_info *info;
    iw_journal_reader *reader;
    iw_journal_reader *again; /* the frames are read again, see iw_engine_wants_replay */
    iw_snapshot *held;        /* what readers get meanwhile; NULL: no memory for it */
    iw_engine *engine;        /* NULL: it cannot be analysed, said once in the log */
    iw_doorbell *doorbell;    /* rung when more is durable */
    uint64_t durable_bytes, read_bytes;
    uint64_t recovered_at; /* > 0: a restart found so much; its remark is due there */
    bool remarked;         /* it was made */
    iw_checkpoint about;   /* what the records so far said; its place is filled when it is saved */
    iw_saver saver;
    uint64_t saved_seq;     /* the frame at which the analysis was taken up; 0: at the start */
    double begun_s;         /* reading began */
    char cut[IW_WIRE_TEXT]; /* of a torn tail */
    char state[24];
    char why[IW_WIRE_TEXT]; /* the run has ended; "" while it has not */
    bool filing;            /* its record was sent to the store */
    bool slot;              /* it has one of the places for records that are made or filed */
    bool guest;             /* it was revived for a reader */
    bool parked;            /* no engine, no reader: it has ended, and the journal has everything */
    bool revived;           /* read again after that: listings know better until it is done */
    uint64_t parked_bytes;  /* durable_bytes then */
    uint64_t refused_bytes; /* the record up to there is none for the database; 0: no such */
    double park_s;          /* > 0: it is parked then, if it waits so long */
    bool wished;            /* STOP_WISH was sent */
    bool changed;           /* since the last snapshot */
    double next_snapshot_s; /* if it is watched and no frames wait */
    double spared_until_s;  /* else */
    unsigned short heralded[IW_EVENT_COUNT]; /* events of each kind that went to the herald */
    bool listened;                           /* somebody subscribes to it */
    uint64_t told_frames;                    /* what listings count */
    double next_count_s;
    iw_mail *asks; /* readers that wait for frames */
    struct iw_job *next;
} iw_job;

struct iw_worker {
    const iw_config *config;
    uint64_t settings; /* hash of the options of the analysis */
    char program[IW_CHECKPOINT_PROGRAM];
    void *inbox, *front, *store;
    void *herald; /* NULL: nobody wants to be told */
    iw_job *jobs;
    iw_mail *strays;     /* questions about runs that were not known when they came */
    double next_slice_s; /* when snapshots may be made again */
    unsigned slots;      /* taken */
    unsigned guests;
    iw_work work; /* not told yet */
    bool terminated;
};

/* worker.c */
/* Reader and engine, for a run that is read from its checkpoint if it has one, else from its start.
 */
void iw_worker_begin(iw_worker *self, iw_job *run);
iw_journal_reader *iw_worker_reader(const iw_worker *self, const char *id, iw_error *err);
bool iw_job_has_more(const iw_job *run);    /* records that are durable and not read */
bool iw_job_reads_again(const iw_job *run); /* see iw_engine_wants_replay */
/* A checkpoint now.  False: there is nothing that could be saved. */
bool iw_job_save(iw_job *run);

/* worker_publish.c: what readers get. */
void iw_worker_publish(iw_worker *self, iw_job *run, const iw_snapshot *snapshot);
void iw_worker_publish_due(iw_worker *self); /* snapshots whose time has come */
void iw_worker_count(iw_worker *self, iw_job *run);
double iw_worker_publish_at(const iw_worker *self, const iw_job *run); /* INFINITY: not yet */
void iw_worker_answer(iw_worker *self, iw_job *run, iw_mail *ask);
void iw_worker_answer_due(iw_worker *self, iw_job *run);

/*
 * worker_filing.c: how runs that have ended get into the database, with bounded memory while that
 * is away.  A few records are made and handed over at a time; a run that finds no place for long
 * gives its memory back and is read again from its journal when there is one, when it goes on, or,
 * one at a time, when a reader asks.
 */
void iw_worker_file_due(iw_worker *self, iw_job *run);
double iw_worker_file_at(const iw_worker *self, const iw_job *run); /* INFINITY: not by itself */
void iw_worker_park(iw_worker *self, iw_job *run);
void iw_worker_refused(iw_worker *self, iw_job *run);    /* by the database */
void iw_worker_leave_slot(iw_worker *self, iw_job *run); /* harmless without one */

#endif
