/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/recovery.h"

#include "journal/checkpoint.h"
#include "journal/keeping.h"
#include "journal/reader.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_SIZE = 1024 };

iw_run_info *
iw_journal_copy_info(const iw_run_info *from)
{
    iw_run_info *to = malloc(sizeof *to);
    if (!to)
        return NULL;
    iw_run_info_init(to);
    if (iw_run_info_copy(to, from, NULL) == IW_OK)
        return to;
    iw_run_info_fini(to);
    free(to);
    return NULL;
}

/* Of a run that is filed, or was, the summary says the rest: its frames are not read again. */
static iw_status
read_run(const char *path, const iw_summary *summary, iw_journal_scan *scan, iw_error *err)
{
    iw_journal_reader *reader = iw_journal_reader_open(path, err);
    if (!reader)
        return err->code;
    scan->info = iw_journal_copy_info(iw_journal_reader_run(reader));
    scan->last_seq = summary->last_seq;
    iw_journal_reader_close(&reader);
    return scan->info ? IW_OK : iw_fail(err, IW_NO_MEMORY, "%s: out of memory", path);
}

/* Opens the journal of a run that is not filed and takes stock of it, from its checkpoint on if it
 * has one. */
static iw_framelog_writer *
reopen(const char *data, const char *id, const char *path, iw_journal_scan *scan, uint64_t *cut,
       iw_error *err)
{
    iw_framelog_place place;
    bool known = iw_checkpoint_peek(data, id, &place, scan);
    iw_framelog_writer *writer =
        iw_framelog_writer_open_from(path, known ? place.end : 0, cut, err);
    iw_status status = writer ? IW_OK : err->code;
    if (status == IW_OK) /* who made the file may have been killed before its name was durable */
        status = iw_folder_sync(data, id, err);
    if (status == IW_OK)
        status = known ? iw_journal_scan_from(path, &place, scan, err)
                       : iw_journal_scan_file(path, scan, err);
    if (status != IW_OK && writer)
        (void)iw_framelog_writer_close(&writer, NULL);
    return writer;
}

/* On a thread of the crew. */
static void
look_at(void *item)
{
    iw_found_run *self = item;
    char path[PATH_SIZE], summary[PATH_SIZE];
    iw_kept kept = iw_keeping_look(self->data, self->id, path, sizeof path);
    iw_folder_path(self->data, self->id, "summary.json", summary, sizeof summary);
    if (iw_summary_load(summary, self->bytes, &self->summary) == IW_OK) {
        self->status = read_run(path, &self->summary, &self->scan, &self->err);
        self->filed = !self->summary.unfiled;
        self->scan.ended = true;
        self->scan.bytes = self->bytes;
        iw_text_copy(self->scan.why, sizeof self->scan.why, self->summary.state);
        return;
    }
    if (kept != IW_KEPT_PLAIN) {
        self->status = iw_fail(&self->err, IW_CORRUPT, "%s is missing or cannot be read", summary);
        return;
    }
    self->writer = reopen(self->data, self->id, path, &self->scan, &self->cut, &self->err);
    self->status = self->writer ? IW_OK : self->err.code;
}

static bool
is_run(const char *data, const char *id, uint64_t *bytes)
{
    char path[PATH_SIZE];
    struct stat info;
    if (!iw_uuid_valid(id))
        return false;
    iw_kept kept = iw_keeping_look(data, id, path, sizeof path);
    if (stat(path, &info) != 0)
        return false;
    *bytes = kept == IW_KEPT_PLAIN ? (uint64_t)info.st_size : 0;
    return true;
}

iw_found_run *
iw_recovery_look(const char *data, iw_crew *crew, size_t *n, iw_error *err)
{
    char path[PATH_SIZE];
    size_t room = 16;
    iw_found_run *runs = malloc(room * sizeof *runs);
    (void)snprintf(path, sizeof path, "%.1000s/runs", data);
    DIR *folder = opendir(path);
    *n = 0;
    if (!runs || !folder) {
        (void)iw_fail_errno(err, "cannot read %s", path);
        goto failed;
    }
    for (struct dirent *item; (item = readdir(folder));) {
        uint64_t bytes;
        if (!is_run(data, item->d_name, &bytes))
            continue;
        if (*n == room) {
            iw_found_run *more = realloc(runs, 2 * room * sizeof *runs);
            if (!more) {
                (void)iw_fail(err, IW_NO_MEMORY, "no memory for the runs in %s", path);
                goto failed;
            }
            runs = more;
            room *= 2;
        }
        runs[*n] = (iw_found_run){.data = data, .bytes = bytes};
        memcpy(runs[*n].id, item->d_name, sizeof runs[*n].id);
        ++*n;
    }
    (void)closedir(folder);
    iw_crew_run(crew, look_at, runs, *n, sizeof *runs);
    return runs;

failed:
    if (folder)
        (void)closedir(folder);
    free(runs);
    *n = 0;
    return NULL;
}
