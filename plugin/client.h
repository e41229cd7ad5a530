/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_CLIENT_H
#define IW_CLIENT_H
/*
 * client.h - the inside of an ionwatch handle.
 *
 * The MD code's thread fills packets and pushes them under the lock; the link's thread takes them
 * out and talks to the daemon, or writes the file.  What stands under "link" belongs to that
 * thread, what stands under "caller" to the MD code's, and the rest to whoever holds the lock.
 */
#include "outbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

/* Milliseconds; a test may make them shorter before the first frame is sent. */
typedef struct {
    int ping_ms;  /* silence before a PING */
    int dead_ms;  /* silence before the session is given up */
    int retry_ms; /* first pause before a new session; doubles up to retry_most_ms */
    int retry_most_ms;
    int refused_most_ms; /* longest pause after a refusal */
    int persist_ms;      /* without a daemon for so long, frames go to the spool at once */
    int doze_ms;         /* how long the link waits for more frames without being woken */
    int stop_check_ms;   /* between looks at a file endpoint's stop file */
    int sync_ms;         /* a file endpoint's frames are made durable so often */
} iw_client_timing;

extern iw_client_timing iw_client_timing_default;

/* Fields stand by who owns them, which is worth a few bytes. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct ionwatch {
    /* Set by open, constant after. */
    pid_t owner;    /* a child of fork() has no link thread and must keep off: */
    unsigned forks; /* before the handle was opened */
    iw_run_info run;
    iw_buffer hello; /* encoded */
    char adapter[IW_ID_LENGTH + 1];
    char *endpoint;
    char *path;                          /* of a file endpoint, else NULL */
    char *stop_path;                     /* beside it: a file that asks the run to stop */
    double length_A, time_fs, energy_eV; /* units of the MD code */
    double velocity_A_fs;
    ionwatch_policy policy;
    iw_client_timing timing;
    int wake_fd; /* eventfd that ends the link's sleep */
    void *zmq_context;
    unsigned sessions;        /* sockets made so far; link */
    iw_framelog_writer *file; /* of a file endpoint */
    uint64_t file_seq;        /* highest in the file when it was opened */
    bool file_has_hello;
    bool started; /* the thread runs */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* room in the outbox, acknowledgements, the end of the link */

    /* caller */
    iw_status broken; /* why the handle refuses frames; OK: it does not */
    iw_error error;   /* what ionwatch_error() says */
    iw_packet *spare; /* filled by the next send */

    /* under the lock */
    iw_outbox outbox;
    bool asleep; /* the link must be woken when a frame comes */
    bool connected;
    bool finishing; /* BYE is to be sent once everything else is */
    bool bye_done;
    bool closing;
    bool flushing;       /* a caller waits for durability */
    bool ended;          /* the link's thread is past its loop */
    int64_t deadline_ms; /* of closing; INT64_MAX: none */
    iw_status refused;   /* by the daemon; OK: it was not */
    bool turned_away;    /* ... for good: it is not asked again */
    iw_error link_error; /* the reason for refused, or of the last failure in the link */
    char bye[IW_WIRE_TEXT];
    uint64_t frames_sent, frames_dropped;

    /* Written once by the link before the flag is set. */
    char stop_reason[IW_WIRE_TEXT];
    atomic_int stop;
    _Atomic int64_t stride;
};

int64_t iw_now_ms(void); /* monotonic */

/* A thread that gets none of the MD code's signals.  0, or an errno. */
int iw_client_thread(pthread_t *thread, void *(*body)(void *), void *argument);

/* client_run.c: the MD code's description as a run, with defaults from the environment. */
iw_status iw_client_take_run(ionwatch *w, const ionwatch_run *from, iw_error *err);

/* The two links: open prepares (in ionwatch_open), run is the body of the thread. */
iw_status iw_link_zmq_open(ionwatch *w, iw_error *err);
void iw_link_zmq_run(ionwatch *w);
iw_status iw_link_file_open(ionwatch *w, iw_error *err);
void iw_link_file_run(ionwatch *w);

/* For the links, under the lock: nothing is left to do, or the time for it is over. */
bool iw_client_may_end(const ionwatch *w, int64_t now_ms);
/* For the links, without the lock. */
void iw_client_request_stop(ionwatch *w, const char *reason);

#endif
