/* SPDX-License-Identifier: GPL-3.0-or-later */
/* front_status.c - what the daemon says of itself. */
#include "intake/front_internal.h"
#include "ionwatchd/log.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void
iw_front_work(iw_front *self, const iw_work *work)
{
    self->tally.work.frames += work->frames;
    self->tally.work.snapshots += work->snapshots;
    self->tally.work.analysis_s += work->analysis_s;
    self->tally.work.snapshot_s += work->snapshot_s;
}

static json_t *
strings(const char *(*get)(const iw_front *, size_t), const iw_front *self, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < n; i++)
        if (json_array_append_new(list, json_string(get(self, i))) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static const char *
listen_at(const iw_front *self, size_t i)
{
    return self->listen[i];
}

static const char *
pub_at(const iw_front *self, size_t i)
{
    return iw_pub_endpoint(self->pub, i);
}

static double
seconds(const struct timeval *time)
{
    return (double)time->tv_sec + 1e-6 * (double)time->tv_usec;
}

/* null where they cannot be counted. */
static json_t *
count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    json_int_t n = -3; /* ".", ".." and the folder's own */
    if (!folder)
        return json_null();
    while (readdir(folder))
        n++;
    (void)closedir(folder);
    return json_integer(n);
}

/* As the kernel counts them. */
static json_t *
process(const iw_front *self)
{
    struct rusage use = {0};
    struct rlimit limit = {0};
    char line[128] = "", *second = line;
    (void)getrusage(RUSAGE_SELF, &use);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    FILE *file = fopen("/proc/self/statm", "re");
    if (file) {
        if (!fgets(line, sizeof line, file))
            line[0] = '\0';
        (void)fclose(file);
    }
    long page = sysconf(_SC_PAGESIZE);
    long long pages = strtoll(line, &second, 10), resident = strtoll(second, NULL, 10);
    return json_pack("{s:f, s:f, s:I, s:I, s:o, s:I}", "started_unix_s", self->started_unix_s,
                     "cpu_s", seconds(&use.ru_utime) + seconds(&use.ru_stime), "virtual_bytes",
                     (json_int_t)(pages * page), "resident_bytes", (json_int_t)(resident * page),
                     "descriptors", count_descriptors(), "descriptors_limit",
                     (json_int_t)limit.rlim_cur);
}

static json_t *
counted(const iw_tally *t)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}",
        "frames_received", (json_int_t)t->received, "frame_bytes_received",
        (json_int_t)t->received_bytes, "frames_repeated", (json_int_t)t->repeated,
        "frames_deferred", (json_int_t)t->deferred, "frames_acknowledged",
        (json_int_t)t->acknowledged, "frames_analysed", (json_int_t)t->work.frames,
        "journal_bytes_written", (json_int_t)t->written_bytes, "runs_begun", (json_int_t)t->begun,
        "runs_ended", (json_int_t)t->ended, "runs_filed", (json_int_t)t->filed, "questions",
        (json_int_t)t->questions, "notices_told", (json_int_t)t->told, "notices_failed",
        (json_int_t)t->untold, "notices_left_out", (json_int_t)t->left_out, "snapshots",
        (json_int_t)t->work.snapshots, "analysis_s", t->work.analysis_s, "snapshot_s",
        t->work.snapshot_s);
}

/* As it stands now.  Room on disk is null until the journal has looked. */
static json_t *
standing(const iw_front *self)
{
    size_t adapters = 0;
    uint64_t journal_bytes = 0;
    for (size_t i = 0; i < self->runs.n; i++) {
        const iw_live *run = self->runs.items[i];
        adapters += run->peer.size > 0 && iw_now() - run->heard_s <= self->heartbeat_s;
        journal_bytes += run->filed ? 0 : run->journal_bytes;
    }
    bool known = self->disk_bytes > 0;
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:b}", "adapters", (json_int_t)adapters,
        "journal_bytes", (json_int_t)journal_bytes, "queue_bytes", (json_int_t)self->runs.in_flight,
        "queue_limit_bytes", (json_int_t)self->runs.room, "disk_free_bytes",
        known ? json_integer((json_int_t)self->disk_free) : json_null(), "disk_bytes",
        known ? json_integer((json_int_t)self->disk_bytes) : json_null(), "disk_reserve_bytes",
        (json_int_t)self->min_free_mib << 20, "database_up", !self->db_trouble[0]);
}

json_t *
iw_front_status(const iw_front *self)
{
    size_t live = 0;
    for (size_t i = 0; i < self->runs.n; i++)
        live += !self->runs.items[i]->filed;
    json_t *listen = strings(listen_at, self, self->n_listen);
    json_t *pubs = strings(pub_at, self, iw_pub_count(self->pub));
    return json_pack(
        "{s:s, s:i, s:I, s:f, s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, "
        "s:I, s:I, s:o, s:o, "
        "s:o}",
        "version", IONWATCH_VERSION, "protocol", IW_PROTOCOL_VERSION, "pid", (json_int_t)getpid(),
        "uptime_s", iw_now() - self->started_s, "pub", iw_pub_endpoint(self->pub, 0), "pubs", pubs,
        "listen", listen, "http", self->http, "http_trouble", self->http_trouble, "data",
        self->data, "db", self->db, "db_trouble", self->db_trouble, "notice_trouble",
        self->notice_trouble, "runs", (json_int_t)self->runs.n, "live", (json_int_t)live,
        "server_key", iw_gate_server_key(self->gate), "refused",
        (json_int_t)iw_gate_refusals(self->gate), "answers_waiting",
        (json_int_t)iw_ledger_waiting(self->ledger), "counted", counted(&self->tally), "now",
        standing(self), "process", process(self));
}
