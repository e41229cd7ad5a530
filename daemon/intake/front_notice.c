/* SPDX-License-Identifier: GPL-3.0-or-later */
/* front_notice.c - what only the front door knows, for the user's command. */
#include "herald/notice.h"
#include "intake/front_internal.h"

#include <math.h>
#include <string.h>

enum { TEXT = 240 };

/* The frame that comes next is the number: the same silence or end is told once, also over a
 * restart. */
void
iw_front_herald(const iw_front *self, const iw_live *run, iw_event_kind kind, const char *text)
{
    iw_notice notice = {.kind = kind,
                        .number = run->next_seq,
                        .run = run->info,
                        .text = text,
                        .time_ps = run->summary.time_ps,
                        .frame = run->next_seq - 1,
                        .summary = &run->summary};
    iw_notice_send(self->herald, &notice);
}

void
iw_front_herald_filed(const iw_front *self, const iw_live *run)
{
    char text[TEXT];
    const iw_summary *s = &run->summary;
    int size = snprintf(text, sizeof text, "%.23s after %llu frames", run->why,
                        (unsigned long long)s->frames);
    if (isfinite(s->time_ps))
        size += snprintf(text + size, sizeof text - (size_t)size, ", %.6g ps", s->time_ps);
    if (isfinite(s->D_cm2_s))
        size += snprintf(text + size, sizeof text - (size_t)size, "; D %.3g", s->D_cm2_s);
    if (isfinite(s->D_cm2_s) && isfinite(s->stderr_cm2_s))
        size += snprintf(text + size, sizeof text - (size_t)size, " +- %.2g", s->stderr_cm2_s);
    if (isfinite(s->D_cm2_s))
        size += snprintf(text + size, sizeof text - (size_t)size, " cm2/s");
    if (s->convergence[0] && strcmp(s->convergence, "unknown") != 0)
        (void)snprintf(text + size, sizeof text - (size_t)size, "; %.23s", s->convergence);
    iw_front_herald(self, run, IW_EVENT_filed, text);
}

void
iw_front_herald_silence(const iw_front *self, iw_live *run, double now_s)
{
    char text[TEXT];
    double silent_s = now_s - run->heard_s;
    if (!self->herald || silent_s <= self->stalled_s) {
        run->silence_told = false;
        return;
    }
    if (run->silence_told)
        return;
    run->silence_told = true;
    (void)snprintf(text, sizeof text,
                   "nothing was heard of the adapter%s%.64s for %.0f s, %llu frames are safe",
                   run->address[0] ? " at " : "", run->address, silent_s,
                   (unsigned long long)run->durable_seq);
    iw_front_herald(self, run, IW_EVENT_stalled, text);
}

static void
herald_daemon(const iw_front *self, iw_event_kind kind, const char *text)
{
    iw_notice notice = {.kind = kind, .text = text, .time_ps = NAN};
    iw_notice_send(self->herald, &notice);
}

void
iw_front_database(iw_front *self, const char *trouble)
{
    bool new = trouble[0] && !self->db_trouble[0];
    iw_text_copy(self->db_trouble, sizeof self->db_trouble, trouble);
    if (new)
        herald_daemon(self, IW_EVENT_database, self->db_trouble);
}

void
iw_front_room(iw_front *self, uint64_t free_bytes, uint64_t bytes)
{
    char text[TEXT];
    bool low = free_bytes >> 20 < self->min_free_mib;
    bool new = low && !self->disk_low;
    self->disk_low = low;
    self->disk_free = free_bytes;
    self->disk_bytes = bytes;
    if (!new)
        return;
    (void)snprintf(
        text, sizeof text,
        "%llu MiB are free on the file system of %.100s, min_free_mib is %u: frames wait",
        (unsigned long long)free_bytes >> 20, self->data, self->min_free_mib);
    herald_daemon(self, IW_EVENT_disk, text);
}

void
iw_front_told(iw_front *self, iw_status status, const char *why)
{
    iw_tally *t = &self->tally;
    (*(status == IW_OK ? &t->told : status == IW_AGAIN ? &t->left_out : &t->untold))++;
    iw_text_copy(self->notice_trouble, sizeof self->notice_trouble, why);
}
