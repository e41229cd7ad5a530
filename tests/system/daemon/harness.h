/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HARNESS_H
#define IW_HARNESS_H
/* harness.h - an ionwatchd of one's own in a scratch folder, and peers that talk to it. */
#include "iw_test.h"

#include "engine.h"
#include "wire.h"

#include <jansson.h>
#include <sys/types.h>
#include <zmq.h>

typedef struct {
    char folder[64]; /* scratch, removed by harness_end */
    char endpoint[128];
    char data[128];
    char log[128];
    pid_t pid; /* 0: not running */
    const char *const
        *environment; /* of the daemon: names and values by turns, then NULL; or NULL */
    void *context;
    void *reader;    /* DEALER that asks */
    void *peers[16]; /* open ones, closed at the end even after a failure */
} harness;

int harness_begin(void **state); /* CMocka setup and teardown: *state is a harness */
int harness_end(void **state);

/* Starts the daemon and waits until it answers.  options: NULL-terminated, or NULL.  file_limit: of
 * the daemon's files in bytes, 0 for none.  The environment may give more options to all daemons,
 * IONWATCH_DAEMON_OPTIONS="--a 1 --b 2", and a program to run them in, IONWATCH_WRAP="valgrind -q":
 * both are words with blanks between them. */
void harness_start(harness *self, const char *const *options, unsigned long file_limit);
/* Starts it and does not wait. */
void harness_launch(harness *self, const char *const *options, unsigned long file_limit);
/* Runs a daemon that must not start: its exit code; what it said is in self->log. */
int harness_fail(harness *self, const char *const *options);
void harness_kill(harness *self, int number); /* and waits; SIGTERM must give exit code 0 */
bool harness_log_has(const harness *self, const char *text);
void harness_wait_log(const harness *self, const char *text); /* or fails after 20 s */

/* The JSON of an answer (caller frees), NULL for a refusal, whose text is in *answer. */
json_t *harness_ask(harness *self, const char *verb, const char *arg, bool flag,
                    iw_message *answer);
/* Asks "show" until the run has that many frames, or fails after 20 s. */
json_t *harness_show(harness *self, const char *id, uint64_t frames);
/* The state of a run in the listing; "" if it is not there. */
void harness_state(harness *self, const char *id, char state[64]);
void harness_wait_state(harness *self, const char *id, const char *wanted);

/* A synthetic run of n atoms, Li and S by turns, random walk in a cubic cell of 12 A. */
void synthetic_run(iw_run_info *run, size_t n);
void synthetic_frame(const iw_run_info *run, uint64_t seq, iw_frame *frame);
/* What the engine makes of frames 1..n, as JSON with the thinned series. */
json_t *synthetic_record(const iw_run_info *run, uint64_t n, const char *state);
/* Compares frames, D and the whole MSD of every group (thinned on one side alike). */
void assert_same_physics(const json_t *actual, const json_t *expected);
bool has_event(const json_t *record, const char *id);

void pause_ms(long ms);
long harness_resident_kib(const harness *self); /* memory of the daemon now */

/* An adapter by hand: one DEALER. */
void *peer_open(harness *self);
void peer_close(harness *self, void **peer);
void peer_hello(void *peer, iw_run_info *run, int version, const char *adapter);
void peer_frame(void *peer, const iw_frame *frame);
void peer_bye(void *peer, uint64_t seq, const char *why);
/* The next message of that type within 10 s, others are passed over; fails if none comes. */
void peer_expect(void *peer, iw_msg_type type, iw_message *message);
/* Waits for an ACK of at least seq. */
void peer_expect_ack(void *peer, uint64_t seq);

#endif
