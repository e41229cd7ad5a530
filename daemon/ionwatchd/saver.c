/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ionwatchd/saver.h"

#include "ionwatchd/log.h"

#include <math.h>
#include <string.h>
#include <sys/statvfs.h>

static const double BUSY_SHARE = 10; /* analysis takes so many times as long as saving */
static const double ROOM_SHARE = 4;  /* of what is to be written, free */
/* The disk has so many times as long as writing took, at most so many seconds, until it is waited
 * for: a worker has other runs. */
static const double DISK_SHARE = 10, DISK_S = 5;
static const double WORTH_SAVING_S = 0.1;
static const double MIB = 1024 * 1024;

void
iw_saver_init(iw_saver *self, const iw_config *config, const char *id, const char *program)
{
    *self = (iw_saver){.config = config, .commit_at = INFINITY};
    iw_text_copy(self->id, sizeof self->id, id);
    if (config->checkpoint_mib > 0)
        self->files = iw_checkpoint_files_new(config->data, id, program);
}

void
iw_saver_fini(iw_saver *self)
{
    iw_checkpoint_files_destroy(&self->files);
    self->commit_at = INFINITY;
    self->busy_s = 0;
}

bool
iw_saver_due(const iw_saver *self, uint64_t offset)
{
    if (!self->files || offset < self->tried_at)
        return false;
    double grown = (double)(offset - self->tried_at);
    return grown >= self->config->checkpoint_mib * MIB && grown >= (double)self->wrote.state &&
           self->busy_s >= BUSY_SHARE * self->took_s;
}

bool
iw_saver_worth(const iw_saver *self)
{
    return self->files && self->busy_s > WORTH_SAVING_S;
}

static void
archive_engine(void *state, iw_archive *archive)
{
    iw_engine_archive(state, archive);
}

/* Room on a disk belongs to the journals first. */
static iw_status
check_room(const iw_saver *self, const iw_engine *engine, iw_error *err)
{
    struct statvfs disk;
    if (statvfs(self->config->data, &disk) != 0)
        return iw_fail_errno(err, "cannot look at the file system of %s", self->config->data);
    double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    double spare = free_bytes - self->config->min_free_mib * MIB;
    double wanted = ROOM_SHARE * (double)iw_engine_memory(engine);
    if (spare < wanted)
        return iw_fail(err, IW_FULL, "%.0f MiB are free, %.0f are wanted for it", free_bytes / MIB,
                       wanted / MIB + self->config->min_free_mib);
    return IW_OK;
}

static void
note(iw_saver *self, iw_status status, const iw_error *err)
{
    if (status != IW_OK && !self->failing)
        iw_log("worker.checkpoint", "run %s: not saved: %s: a restart reads more of the journal",
               self->id, err->text);
    self->failing = status != IW_OK;
}

void
iw_saver_write(iw_saver *self, iw_checkpoint *about, const iw_journal_reader *reader,
               iw_engine *engine)
{
    iw_error err;
    if (!self->files || iw_journal_reader_stand(reader, &about->place, &err) != IW_OK)
        return; /* behind a damaged record: after the next one */
    iw_saver_commit(self);
    double start = iw_now();
    iw_status status = check_room(self, engine, &err);
    if (status == IW_OK)
        status =
            iw_checkpoint_write(self->files, about, archive_engine, engine, &self->wrote, &err);
    self->took_s = iw_now() - start;
    self->busy_s = 0;
    self->tried_at = about->place.end;
    if (status == IW_OK)
        self->commit_at = start + self->took_s + fmin(DISK_SHARE * self->took_s, DISK_S);
    else
        note(self, status, &err);
}

void
iw_saver_commit(iw_saver *self)
{
    iw_error err;
    self->commit_at = INFINITY;
    if (!self->files || !iw_checkpoint_written(self->files))
        return;
    double start = iw_now();
    iw_status status = iw_checkpoint_commit(self->files, &err);
    self->took_s += iw_now() - start;
    note(self, status, &err);
}

iw_status
iw_saver_load(iw_saver *self, iw_checkpoint *about, iw_journal_reader *reader, iw_engine *engine)
{
    iw_error err;
    if (!self->files) { /* those of a daemon that made some only take room */
        (void)iw_checkpoint_remove(self->config->data, self->id, NULL);
        return IW_NOT_FOUND;
    }
    iw_status status = iw_checkpoint_load(self->files, about->settings, reader, about,
                                          archive_engine, engine, &self->wrote, &err);
    if (status == IW_OK)
        self->tried_at = about->place.end;
    else if (status != IW_NOT_FOUND)
        iw_log("worker.checkpoint",
               "run %s: its checkpoint is not used, the journal is read from "
               "its start: %s",
               self->id, err.text);
    return status;
}
