/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_GUARDED_H
#define IW_GUARDED_H
/* guarded.h - a daemon with a door that asks for keys, and people who have some. */
#include "curve.h"
#include "harness.h"

typedef enum { ANNA, BOB, CAROL, MALLORY, PEOPLE } person;

typedef struct {
    harness *daemon;
    char keys[128]; /* the authorised-keys file */
    char tcp[128];  /* the guarded door */
    char open[128]; /* tcp on this machine, without keys */
    char pub[128];  /* live snapshots behind the guarded door */
    char server[IW_KEY_LENGTH + 1];
    iw_curve_pair pairs[PEOPLE];
} guarded;

/* Everybody gets a pair; nothing runs yet. */
void guarded_begin(guarded *self, harness *daemon);
/* Writes the file: one text of roles for each person, NULL: not in it. */
void guarded_allow(const guarded *self, const char *const roles[PEOPLE]);
/* Writes these bytes instead. */
void guarded_write(const guarded *self, const char *text);
void guarded_start(guarded *self);
/* Longer than the daemon takes to see a new file. */
void guarded_wait_reload(void);

/* A DEALER at the guarded door with the keys of a person; server NULL: the daemon's. */
void *guarded_peer(guarded *self, person who, const char *server);
/* The same, with a name of his own choice for his end. */
void *guarded_peer_called(guarded *self, person who, const char *name);
void *plain_peer(guarded *self, const char *endpoint);
void *guarded_subscriber(guarded *self, person who);

/* The next REFUSED or failed ANSWER within 5 s, others are passed over; fails if none comes. */
void expect_refused(void *peer, iw_status status, const char *text);
void expect_silence(void *peer, int ms);
void ask(void *peer, const char *verb, const char *arg);
void expect_answer(void *peer, iw_status status);
/* Lines of the log with this text; wait_log waits up to 10 s for the first. */
void wait_log(const harness *daemon, const char *text);
int log_lines(const harness *daemon, const char *text);

/* A connection to 127.0.0.1 at the port of that endpoint, for bytes of one's own. */
int guarded_tcp(const char *endpoint);

/* A run that others must not disturb, through the unguarded door. */
typedef struct {
    iw_run_info run;
    iw_frame frame;
    void *peer;
    uint64_t sent;
} victim;

void victim_begin(victim *self, harness *daemon);
void victim_stream(victim *self, uint64_t n); /* n more frames, and their ACK */
/* The daemon has every frame, and the numbers of the engine. */
void victim_end(victim *self, harness *daemon);

#endif
