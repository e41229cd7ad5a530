/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CABLE_H
#define IW_CABLE_H
/*
 * cable.h - two hosts and a cable between them that can be made bad: two network namespaces with a
 * TUN device each, and a thread that passes IP packets from one to the other - late, out of order,
 * or not at all.  Needs root, as namespaces and devices do; no other program.
 */
#include <stdbool.h>
#include <stdint.h>

typedef enum { CABLE_DAEMON, CABLE_ADAPTER } cable_side;

#define CABLE_DAEMON_ADDRESS "10.77.0.1"

typedef struct {
    double delay_ms;  /* one way */
    double jitter_ms; /* at most so much more, another for each packet: they overtake one another */
    double loss;      /* share of the packets */
    bool cut[2];      /* nothing leaves that side */
} cable_quality;

typedef struct {
    uint64_t passed, lost, overtaken;
} cable_counts;

typedef struct cable cable;

/* NULL where that is not allowed: why[200] says what. */
cable *cable_open(char why[200]);
void cable_close(cable **self_);

/* The calling thread, and what it starts, live on that host until it leaves. */
void cable_enter(cable *self, cable_side side);
void cable_leave(cable *self);

void cable_set(cable *self, const cable_quality *quality);
cable_counts cable_count(cable *self);

#endif
