/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_SOAK_H
#define IW_SOAK_H
/* soak.h - the processes that a soak test lets loose on a daemon, and how it watches what lives. */
#include "harness.h"

/* Bodies of processes: they work until SIGTERM, then end in order.  Exit codes. */
int soak_be_adapter(const char *endpoint, const char *folder, uint64_t seed);
int soak_be_reader(const char *endpoint, uint64_t seed);

/* What a process holds. */
typedef enum {
    SOAK_RSS,         /* MB */
    SOAK_PRIVATE,     /* MB of its own: heap and stacks */
    SOAK_DESCRIPTORS, /* */
    SOAK_THREADS,     /* */
    SOAK_QUANTITIES
} soak_quantity;

typedef struct {
    const char *name;
    pid_t pid;
    size_t n, room;
    double *at_s;
    double *values; /* [room][SOAK_QUANTITIES] */
} soak_watched;

void soak_sample(soak_watched *self, double at_s);
/* The growth by a straight line over the samples from from_s on: whether it is more than noise and
 * than what may be.  Prints a line for each quantity. */
bool soak_grows(const soak_watched *self, double from_s);
void soak_forget(soak_watched *self);

#endif
