/* SPDX-License-Identifier: BSD-3-Clause */
#include "outbox.h"

#include <stdlib.h>
#include <string.h>

enum { REFILL_BYTES = 1 << 20 };

void
iw_outbox_init(iw_outbox *self, uint64_t limit)
{
    memset(self, 0, sizeof *self);
    self->limit = limit;
    self->fresh = 1;
}

static void
destroy_packet(iw_packet *packet)
{
    if (packet)
        iw_buffer_fini(&packet->bytes);
    free(packet);
}

static iw_packet *
packet_at(const iw_outbox *self, size_t i)
{
    return self->ring[(self->head + i) & (self->capacity - 1)];
}

void
iw_outbox_fini(iw_outbox *self)
{
    for (size_t i = 0; i < self->count; i++)
        destroy_packet(packet_at(self, i));
    for (size_t i = 0; i < self->pooled; i++)
        destroy_packet(self->pool[i]);
    free(self->ring);
    iw_spool_fini(&self->spool);
    memset(self, 0, sizeof *self);
}

void
iw_outbox_adopt_spool(iw_outbox *self)
{
    for (size_t i = 0; i < self->spool.n_files; i++)
        if (self->spool.files[i].last > self->last_number)
            self->last_number = self->spool.files[i].last;
    self->newest = self->last_number;
    self->inherited = self->last_number;
    if (self->spool.numbered) {
        self->shift = self->spool.shift;
        self->fresh = self->last_number + 1; /* the earlier handle may have sent them */
    }
}

/* The packet that was given back last, which the caches know best. */
static iw_packet *
take_pooled(iw_outbox *self)
{
    if (self->pooled == 0)
        return NULL;
    iw_packet *packet = self->pool[--self->pooled];
    self->pooled_bytes -= packet->bytes.capacity;
    return packet;
}

iw_packet *
iw_outbox_take_packet(iw_outbox *self)
{
    iw_packet *packet = take_pooled(self);
    return packet ? packet : calloc(1, sizeof(iw_packet));
}

void
iw_outbox_give_packet(iw_outbox *self, iw_packet *packet)
{
    if (!packet)
        return;
    iw_buffer_clear(&packet->bytes);
    /* One packet, however large, is always worth keeping. */
    bool fits = self->pooled_bytes + packet->bytes.capacity <= IW_OUTBOX_POOL_BYTES;
    if (self->pooled < IW_OUTBOX_POOL && (fits || self->pooled == 0)) {
        self->pool[self->pooled++] = packet;
        self->pooled_bytes += packet->bytes.capacity;
    } else {
        destroy_packet(packet);
    }
}

/* Makes room for one more pointer in the ring. */
static iw_status
grow(iw_outbox *self, iw_error *err)
{
    if (self->count < self->capacity)
        return IW_OK;
    size_t capacity = self->capacity ? 2 * self->capacity : 256;
    iw_packet **ring = malloc(capacity * sizeof(iw_packet *));
    if (!ring)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu waiting frames", capacity);
    for (size_t i = 0; i < self->count; i++)
        ring[i] = packet_at(self, i);
    free(self->ring);
    self->ring = ring;
    self->capacity = capacity;
    self->head = 0;
    return IW_OK;
}

/* There is room. */
static void
add(iw_outbox *self, iw_packet *packet)
{
    self->ring[(self->head + self->count) & (self->capacity - 1)] = packet;
    self->count++;
    self->bytes += packet->bytes.size;
}

iw_status
iw_outbox_push(iw_outbox *self, iw_packet **packet, iw_error *err)
{
    iw_packet *p = *packet;
    iw_status status;
    bool in_order = !iw_spool_has_unread(&self->spool);
    /* A frame that is larger than the whole queue may still be the only one in it. */
    if (in_order && (self->count == 0 || self->bytes + p->bytes.size <= self->limit)) {
        p->number = self->last_number + 1;
        status = grow(self, err);
        if (status == IW_OK) {
            add(self, p);
            *packet = take_pooled(self);
        }
    } else {
        status =
            iw_spool_push(&self->spool, self->last_number + 1, p->bytes.data, p->bytes.size, err);
        if (status == IW_OK)
            iw_buffer_clear(&p->bytes);
    }
    if (status == IW_OK)
        self->newest = ++self->last_number;
    return status;
}

void
iw_outbox_skip(iw_outbox *self)
{
    self->last_number++;
}

iw_status
iw_outbox_refill(iw_outbox *self, iw_error *err)
{
    size_t read = 0;
    while (read < REFILL_BYTES && (self->count == 0 || self->bytes < self->limit / 2)) {
        /* Room comes first: what was read from the spool is not read again. */
        iw_status status = grow(self, err);
        if (status != IW_OK)
            return status;
        iw_packet *packet = iw_outbox_take_packet(self);
        if (!packet)
            return iw_fail(err, IW_NO_MEMORY, "no memory for a frame from the spool");
        status = iw_spool_read(&self->spool, &packet->number, &packet->bytes, err);
        size_t size = packet->bytes.size;
        bool wanted = status == IW_OK && packet->number > self->acknowledged;
        if (status == IW_OK && !wanted && packet->number > self->inherited)
            self->delivered++;
        if (wanted)
            add(self, packet);
        else
            iw_outbox_give_packet(self, packet);
        if (status == IW_END) {
            iw_spool_acknowledge(&self->spool, self->acknowledged);
            return IW_OK;
        }
        if (status != IW_OK)
            return status;
        read += size;
    }
    return IW_OK;
}

iw_packet *
iw_outbox_next(iw_outbox *self, uint64_t *seq)
{
    if (self->sent >= self->count || iw_outbox_window_is_full(self))
        return NULL;
    iw_packet *packet = packet_at(self, self->sent++);
    self->sent_bytes += packet->bytes.size;
    *seq = packet->number + self->shift;
    if (packet->number >= self->fresh)
        self->fresh = packet->number + 1;
    return packet;
}

void
iw_outbox_undo_next(iw_outbox *self)
{
    self->sent--;
    self->sent_bytes -= packet_at(self, self->sent)->bytes.size;
}

bool
iw_outbox_window_is_full(const iw_outbox *self)
{
    return self->sent_bytes >= IW_OUTBOX_WINDOW;
}

static void
drop_acknowledged(iw_outbox *self)
{
    while (self->count > 0 && packet_at(self, 0)->number <= self->acknowledged) {
        iw_packet *packet = packet_at(self, 0);
        self->head = (self->head + 1) & (self->capacity - 1);
        self->count--;
        self->bytes -= packet->bytes.size;
        if (self->sent > 0) {
            self->sent--;
            self->sent_bytes -= packet->bytes.size;
        }
        if (packet->number > self->inherited)
            self->delivered++;
        iw_outbox_give_packet(self, packet);
    }
    iw_spool_acknowledge(&self->spool, self->acknowledged);
}

void
iw_outbox_welcome(iw_outbox *self, uint64_t seq)
{
    /* A daemon that is further than anything ever sent from here knows frames of an earlier
     * handle: ours come after them. */
    if (self->fresh + self->shift < seq) {
        self->shift = seq - self->fresh;
        self->numbered = false;
    }
    self->numbered = true;
    (void)iw_spool_set_shift(&self->spool, self->shift, NULL); /* else with the next WELCOME */
    self->sent = 0;
    self->sent_bytes = 0;
    if (seq > 0)
        iw_outbox_acknowledge(self, seq - 1);
}

void
iw_outbox_send_again(iw_outbox *self, uint64_t seq)
{
    size_t i = 0;
    while (i < self->sent && packet_at(self, i)->number + self->shift < seq)
        i++;
    while (self->sent > i)
        iw_outbox_undo_next(self);
}

void
iw_outbox_acknowledge(iw_outbox *self, uint64_t seq)
{
    uint64_t number = seq > self->shift ? seq - self->shift : 0;
    if (number >= self->fresh) /* nobody can have what was never sent */
        number = self->fresh - 1;
    if (number > self->acknowledged)
        self->acknowledged = number;
    drop_acknowledged(self);
}

uint64_t
iw_outbox_last_seq(const iw_outbox *self)
{
    return self->newest ? self->newest + self->shift : self->shift;
}

bool
iw_outbox_is_empty(const iw_outbox *self)
{
    return self->count == 0 && !iw_spool_has_unread(&self->spool);
}

bool
iw_outbox_all_sent(const iw_outbox *self)
{
    return self->sent == self->count && !iw_spool_has_unread(&self->spool);
}

iw_status
iw_outbox_persist(iw_outbox *self, iw_error *err)
{
    iw_framelog_writer *writer = NULL;
    iw_error unused;
    if (!err)
        err = &unused;
    if (self->count == 0)
        return IW_OK;
    uint64_t first = packet_at(self, 0)->number;
    uint64_t last = packet_at(self, self->count - 1)->number;
    iw_status status = iw_spool_front_open(&self->spool, &writer, err);
    if (status != IW_OK)
        return status;
    for (size_t i = 0; i < self->count && status == IW_OK; i++) {
        const iw_packet *p = packet_at(self, i);
        status =
            iw_framelog_append(writer, IW_MSG_FRAME, p->number, p->bytes.data, p->bytes.size, err);
    }
    iw_status closed = iw_spool_front_close(&self->spool, &writer, first, last, status == IW_OK,
                                            status == IW_OK ? err : &unused);
    if (status == IW_OK)
        status = closed;
    if (status != IW_OK)
        return status;
    while (self->count > 0) {
        iw_outbox_give_packet(self, packet_at(self, 0));
        self->head = (self->head + 1) & (self->capacity - 1);
        self->count--;
    }
    self->sent = 0;
    self->sent_bytes = 0;
    self->bytes = 0;
    return IW_OK;
}
