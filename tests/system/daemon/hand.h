/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HAND_H
#define IW_HAND_H
/* hand.h - an adapter by hand that streams the synthetic run: it can do what the library does not.
 */
#include "harness.h"

/* Two handles. */
extern const char adapter_a[], adapter_b[];

typedef struct {
    iw_run_info run;
    iw_frame frame;
    void *peer;
} hand;

void hand_open(hand *self, harness *daemon, size_t atoms); /* connects, says nothing */
uint64_t hand_hello(hand *self);                           /* as adapter_a; the frame wanted next */
void hand_send(hand *self, uint64_t first, uint64_t last);
void hand_again(hand *self, harness *daemon); /* over a new connection */
void hand_close(hand *self);

#endif
