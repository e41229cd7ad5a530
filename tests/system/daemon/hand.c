/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hand.h"

const char adapter_a[] = "11111111-1111-4111-8111-111111111111";
const char adapter_b[] = "22222222-2222-4222-8222-222222222222";

void
hand_open(hand *self, harness *daemon, size_t atoms)
{
    iw_error err;
    synthetic_run(&self->run, atoms);
    assert_ok(iw_frame_init(&self->frame, atoms, &err), err);
    self->peer = peer_open(daemon);
}

uint64_t
hand_hello(hand *self)
{
    iw_message welcome;
    peer_hello(self->peer, &self->run, IW_PROTOCOL_VERSION, adapter_a);
    peer_expect(self->peer, IW_MSG_WELCOME, &welcome);
    return welcome.seq;
}

void
hand_send(hand *self, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++) {
        synthetic_frame(&self->run, seq, &self->frame);
        peer_frame(self->peer, &self->frame);
    }
}

void
hand_again(hand *self, harness *daemon)
{
    peer_close(daemon, &self->peer);
    self->peer = peer_open(daemon);
}

void
hand_close(hand *self)
{
    iw_frame_fini(&self->frame);
    iw_run_info_fini(&self->run);
}
