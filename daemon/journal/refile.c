/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/refile.h"

#include "framelog_record.h"
#include "ionwatchd/log.h"
#include "journal/checkpoint.h"
#include "journal/folder.h"
#include "journal/keeping.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, LONGEST = 1024 /* bytes of a record FILED: it has one short text */ };

/* Does a record FILED begin there, and end with the log? */
static bool
is_filed_at(iw_framelog_reader *log, uint64_t offset)
{
    iw_framelog_record record;
    return iw_framelog_seek(log, offset, NULL) == IW_OK &&
           iw_framelog_next(log, &record, NULL) == IW_OK && record.kind == IW_MSG_FILED &&
           record.offset == offset;
}

/* Where the record FILED begins that ends at *end.  From the tail, not from the start: a journal
 * has gigabytes. */
static bool
find_filed(const char *path, int fd, uint64_t *end)
{
    unsigned char tail[LONGEST];
    uint64_t size = *end < LONGEST ? *end : LONGEST;
    if (size < IW_FRAMELOG_HEAD ||
        iw_framelog_read_at(fd, tail, (size_t)size, *end - size, NULL) != IW_OK)
        return false;
    for (uint64_t at = 0; at + IW_FRAMELOG_HEAD <= size; at++) {
        iw_framelog_head head = iw_framelog_head_read(tail + at);
        if (head.kind != IW_MSG_FILED || at + IW_FRAMELOG_HEAD + head.size != size)
            continue;
        iw_framelog_reader *log = iw_framelog_reader_open(path, NULL);
        bool found = log && is_filed_at(log, *end - size + at);
        if (log)
            iw_framelog_reader_close(&log);
        if (found) {
            *end -= size - at;
            return true;
        }
    }
    return false;
}

/* The size of a journal without the records FILED at its end; *size: with them. */
static iw_status
size_without(const char *path, uint64_t *size, uint64_t *without, iw_error *err)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0) {
        (void)iw_fail_errno(err, "cannot read %s", path);
        if (fd >= 0)
            (void)close(fd);
        return IW_IO;
    }
    *size = *without = (uint64_t)about.st_size;
    while (find_filed(path, fd, without))
        ;
    (void)close(fd);
    return IW_OK;
}

static iw_status
cut(const char *path, uint64_t size, uint64_t without, iw_error *err)
{
    uint64_t torn;
    iw_framelog_writer *writer = iw_framelog_writer_open_from(path, size, &torn, err);
    if (!writer)
        return err->code;
    iw_status status = iw_framelog_cut(writer, without, err);
    iw_status closed = iw_framelog_writer_close(&writer, status == IW_OK ? err : NULL);
    return status == IW_OK ? closed : status;
}

/* With its summary the next start needs not read the journal to know that the run has ended. */
static void
keep_summary(const char *data, const char *id, uint64_t size, uint64_t without)
{
    char path[PATH_SIZE];
    iw_summary summary;
    iw_error err;
    iw_folder_path(data, id, "summary.json", path, sizeof path);
    if (iw_summary_load(path, size, &summary) != IW_OK)
        return;
    summary.unfiled = true;
    if (iw_summary_save(path, &summary, without, &err) != IW_OK)
        iw_log("refile.summary", "run %s: %s: its journal is read instead", id, err.text);
}

static iw_status
wait_again(const char *data, const char *id, iw_kept kept, iw_error *err)
{
    char path[PATH_SIZE];
    uint64_t size = 0, without = 0, lost = 0;
    iw_status status =
        kept == IW_KEPT_PACKED ? iw_keeping_unpack(data, id, NULL, &lost, err) : IW_OK;
    if (status == IW_OK && lost > 0)
        iw_log("refile.damaged", "run %s: %llu bytes of its packed journal are lost", id,
               (unsigned long long)lost);
    iw_folder_path(data, id, "journal.iwlog", path, sizeof path);
    if (status == IW_OK)
        status = iw_checkpoint_remove(data, id, err); /* it is analysed anew */
    if (status == IW_OK)
        status = size_without(path, &size, &without, err);
    if (status == IW_OK)
        status = cut(path, size, without, err);
    if (status == IW_OK)
        keep_summary(data, id, size, without);
    return status;
}

/* A packed journal, or one that is gone, is of a filed run. */
static bool
is_filed(iw_kept kept, const char *path)
{
    uint64_t size, without;
    if (kept != IW_KEPT_PLAIN)
        return kept != IW_KEPT_NOTHING;
    return size_without(path, &size, &without, NULL) == IW_OK && without < size;
}

static void
look_at(const char *data, const char *id, bool look_only, iw_refile_account *account)
{
    char path[PATH_SIZE];
    iw_error err = {0};
    iw_kept kept = iw_keeping_look(data, id, path, sizeof path);
    if (!is_filed(kept, path))
        return;
    if (kept == IW_KEPT_RUN) {
        account->lost++;
        if (!look_only)
            iw_log("refile.lost", "run %s: its frames are not kept: it cannot be filed again", id);
    } else if (look_only || wait_again(data, id, kept, &err) == IW_OK) {
        account->again++;
    } else {
        account->failed++;
        iw_log("refile.failed", "run %s: %s: it is not filed again", id, err.text);
    }
}

iw_status
iw_refile(const char *data, const json_t *ids, bool look_only, iw_refile_account *account,
          iw_error *err)
{
    char path[PATH_SIZE];
    *account = (iw_refile_account){0};
    (void)snprintf(path, sizeof path, "%.1000s/runs", data);
    DIR *folder = opendir(path);
    if (!folder)
        return iw_fail_errno(err, "cannot read %s", path);
    for (struct dirent *item; (item = readdir(folder));)
        if (iw_uuid_valid(item->d_name) && !json_object_get(ids, item->d_name))
            look_at(data, item->d_name, look_only, account);
    (void)closedir(folder);
    return IW_OK;
}
