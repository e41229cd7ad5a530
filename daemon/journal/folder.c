/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/folder.h"

#include "framelog.h"
#include "ionwatchd/log.h"
#include "journal/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024 };

static iw_status
sync_folder(const char *path, iw_error *err)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* A file system that cannot do it for folders says EINVAL. */
    bool failed = folder < 0 || (fsync(folder) != 0 && errno != EINVAL);
    iw_status status =
        failed ? iw_fail_errno(err, "cannot make the names in %s durable", path) : IW_OK;
    if (folder >= 0)
        (void)close(folder);
    return status;
}

/* Makes the name of a new folder durable. */
static iw_status
sync_parent(const char *path, iw_error *err)
{
    char copy[PATH_SIZE];
    (void)snprintf(copy, sizeof copy, "%s", path);
    return sync_folder(dirname(copy), err);
}

static iw_status
make_folders(const char *path, iw_error *err) /* mkdir -p, mode 0700 */
{
    char part[PATH_SIZE];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return iw_fail(err, IW_INVALID, "the name of the data folder is too long");
    for (char *at = part + 1;; at++) {
        if (*at && *at != '/')
            continue;
        char kept = *at;
        *at = '\0';
        if (mkdir(part, 0700) == 0) {
            if (sync_parent(part, err) != IW_OK)
                return err->code;
        } else if (errno != EEXIST) {
            return iw_fail_errno(err, "cannot make the folder %s", part);
        }
        *at = kept;
        if (!kept)
            return IW_OK;
    }
}

/* Frames, results and the daemon's secret key lie here: nobody else may put others in their place,
 * and nobody else should look. */
static iw_status
check_private(const char *data, iw_error *err)
{
    struct stat info;
    if (stat(data, &info) != 0)
        return iw_fail_errno(err, "cannot look at %s", data);
    if (info.st_uid != geteuid() && info.st_uid != 0)
        return iw_fail(err, IW_REFUSED,
                       "the data folder %s belongs to user %u: name one of your own with --data",
                       data, (unsigned)info.st_uid);
    if ((info.st_mode & 022) != 0)
        return iw_fail(
            err, IW_REFUSED,
            "the data folder %s can be written by others (mode %04o): run `chmod 700 %s`", data,
            (unsigned)info.st_mode & 07777, data);
    if ((info.st_mode & 055) != 0)
        iw_log("journal.exposed", "%s can be looked into by others (mode %04o): run `chmod 700 %s`",
               data, (unsigned)info.st_mode & 07777, data);
    return IW_OK;
}

static iw_status
take_lock(int file, const char *data, const char *path, iw_error *err)
{
    char text[32] = "";
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return iw_fail_errno(err, "cannot lock %s", path);
        ssize_t size = pread(file, text, sizeof text - 1, 0);
        text[size > 0 ? strcspn(text, "\n") : 0] = '\0';
        return iw_fail(err, IW_EXISTS,
                       "the data folder %s is in use by another ionwatchd (process %s): stop that "
                       "one, or name another folder with --data",
                       data, *text ? text : "unknown");
    }
    int size = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)size, 0) != size)
        return iw_fail_errno(err, "cannot write %s", path);
    return IW_OK;
}

int
iw_folder_open(const char *data, iw_error *err)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/runs", data);
    int file = -1;
    iw_status status = make_folders(path, err);
    if (status == IW_OK) /* who made them may have been killed before their names were durable */
        status = sync_parent(path, err);
    if (status == IW_OK)
        status = sync_parent(data, err);
    if (status == IW_OK)
        status = check_private(data, err);
    if (status == IW_OK) {
        (void)snprintf(path, sizeof path, "%s/lock", data);
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        status = file < 0 ? iw_fail_errno(err, "cannot write %s", path)
                          : take_lock(file, data, path, err);
    }
    if (status == IW_OK) {
        (void)snprintf(path, sizeof path, "%s/runs", data);
        if (access(path, R_OK | W_OK | X_OK) != 0)
            status = iw_fail_errno(err, "cannot write in %s", path);
    }
    if (status == IW_OK)
        return file;
    if (file >= 0)
        (void)close(file);
    if (status == IW_IO && err) {
        size_t used = strlen(err->text);
        (void)snprintf(err->text + used, sizeof err->text - used,
                       ": name a data folder that you may write with --data");
    }
    return -1;
}

void
iw_folder_path(const char *data, const char *id, const char *file, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/runs/%s%s%s", data, id, *file ? "/" : "", file);
}

iw_status
iw_folder_make_run(const char *data, const char *id, iw_error *err)
{
    char path[PATH_SIZE];
    iw_folder_path(data, id, "", path, sizeof path);
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return iw_fail_errno(err, "cannot make %s", path);
    return IW_OK;
}

iw_status
iw_folder_sync(const char *data, const char *id, iw_error *err)
{
    char path[PATH_SIZE];
    iw_folder_path(data, id, "", path, sizeof path);
    iw_status status = sync_folder(path, err);
    iw_folder_path(data, ".", "", path, sizeof path);
    return status == IW_OK ? sync_folder(path, err) : status;
}

iw_status
iw_folder_remove_run(const char *data, const char *id, iw_error *err)
{
    char path[PATH_SIZE];
    static const char *const files[] = {"journal.iwlog",      "journal.iwlog.new", "journal.iwpack",
                                        "journal.iwpack.new", "run.iwlog",         "run.iwlog.new",
                                        "summary.json",       "summary.json.new"};
    if (iw_checkpoint_remove(data, id, err) != IW_OK)
        return err ? err->code : IW_IO;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        iw_folder_path(data, id, files[i], path, sizeof path);
        if (unlink(path) != 0 && errno != ENOENT)
            return iw_fail_errno(err, "cannot remove %s", path);
    }
    iw_folder_path(data, id, "", path, sizeof path);
    if (rmdir(path) != 0 && errno != ENOENT)
        return iw_fail_errno(err, "cannot remove %s", path);
    return IW_OK;
}

void
iw_journal_scan_take(iw_journal_scan *scan, iw_msg_type kind, uint64_t seq, const char *text,
                     bool stop)
{
    switch (kind) {
    case IW_MSG_FRAME:
        scan->last_seq = seq;
        break;
    case IW_MSG_FILED:
        scan->filed = scan->ended;
        break;
    case IW_MSG_HELLO:
        if (scan->ended)
            scan->stop[0] = '\0';
        scan->ended = scan->filed = false;
        break;
    case IW_MSG_BYE:
        scan->ended = true;
        iw_text_copy(scan->why, sizeof scan->why, text);
        break;
    case IW_MSG_CONTROL:
        if (stop)
            iw_text_copy(scan->stop, sizeof scan->stop, text);
        break;
    default:
        break;
    }
}

static iw_status
scan_record(const iw_framelog_record *record, iw_journal_scan *scan, iw_error *err)
{
    iw_message message;
    iw_message_init(&message, (iw_msg_type)record->kind);
    bool first = record->kind == IW_MSG_HELLO && scan->info->n_atoms == 0;
    if (first)
        message.run = scan->info;
    iw_status status = IW_OK;
    if (first || record->kind == IW_MSG_BYE || record->kind == IW_MSG_CONTROL)
        status = iw_wire_decode(record->data, record->size, &message, err);
    if (status == IW_OK)
        iw_journal_scan_take(scan, (iw_msg_type)record->kind, record->seq, message.text,
                             message.stop);
    return status;
}

/* The run, from the first record, then to the place. */
static iw_status
skip_to(iw_framelog_reader *log, const iw_framelog_place *place, iw_run_info *info, iw_error *err)
{
    iw_framelog_record record;
    iw_journal_scan first = {.info = info};
    iw_status status = iw_framelog_next(log, &record, err);
    if (status == IW_OK)
        status = scan_record(&record, &first, err);
    return status == IW_OK ? iw_framelog_resume(log, place, err) : status;
}

static iw_status
scan_log(const char *path, const iw_framelog_place *place, iw_journal_scan *scan, iw_error *err)
{
    scan->info = malloc(sizeof *scan->info);
    if (!scan->info)
        return iw_fail(err, IW_NO_MEMORY, "out of memory");
    iw_run_info_init(scan->info);
    iw_framelog_reader *log = iw_framelog_reader_open(path, err);
    iw_status status = log ? IW_OK : err->code;
    if (status == IW_OK && place)
        status = skip_to(log, place, scan->info, err);
    iw_framelog_record record;
    while (status == IW_OK) {
        status = iw_framelog_next(log, &record, err);
        if (status == IW_OK)
            status = scan_record(&record, scan, err);
        else if (status == IW_CORRUPT && scan->info->n_atoms > 0)
            status = IW_OK; /* the worker says so; what is behind it counts */
        scan->bytes = iw_framelog_tell(log);
    }
    if (status == IW_END || status == IW_AGAIN)
        status = scan->info->n_atoms > 0
                     ? IW_OK
                     : iw_fail(err, IW_NOT_FOUND, "the journal holds no run yet");
    if (log)
        iw_framelog_reader_close(&log);
    if (status == IW_OK)
        return IW_OK;
    iw_run_info_fini(scan->info);
    free(scan->info);
    scan->info = NULL;
    return iw_prefix(err, "%s", path), status;
}

iw_status
iw_journal_scan_file(const char *path, iw_journal_scan *scan, iw_error *err)
{
    memset(scan, 0, sizeof *scan);
    return scan_log(path, NULL, scan, err);
}

iw_status
iw_journal_scan_from(const char *path, const iw_framelog_place *place, iw_journal_scan *scan,
                     iw_error *err)
{
    return scan_log(path, place, scan, err);
}

/* Not synced: one that a power cut has torn is no JSON, and the journal is read instead. */
static bool
write_json(const json_t *json, const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = file >= 0 && json_dumpfd(json, file, JSON_INDENT(1)) == 0;
    if (file >= 0 && close(file) != 0)
        good = false;
    return good;
}

iw_status
iw_summary_save(const char *path, const iw_summary *summary, uint64_t journal_bytes, iw_error *err)
{
    json_t *json =
        json_pack("{s:I, s:I, s:s, s:I, s:s, s:s, s:b}", "last_seq", (json_int_t)summary->last_seq,
                  "journal_bytes", (json_int_t)journal_bytes, "state", summary->state, "frames",
                  (json_int_t)summary->frames, "convergence", summary->convergence, "updated",
                  summary->updated, "unfiled", (int)summary->unfiled);
    bool failed = !json || !iw_summary_put(summary, json);
    char fresh[PATH_SIZE];
    iw_status status = IW_OK;
    if (failed || snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        status = iw_fail(err, IW_NO_MEMORY, "%s: out of memory", path);
    else if (!write_json(json, fresh) || rename(fresh, path) != 0)
        status = iw_fail_errno(err, "cannot write %s", path);
    json_decref(json);
    return status;
}

static void
text_of(const json_t *json, const char *key, char *text, size_t size)
{
    const char *value = json_string_value(json_object_get(json, key));
    (void)snprintf(text, size, "%s", value ? value : "");
}

iw_status
iw_summary_load(const char *path, uint64_t journal_bytes, iw_summary *summary)
{
    iw_summary_init(summary);
    json_t *json = json_load_file(path, 0, NULL);
    if (!json)
        return IW_NOT_FOUND;
    bool current =
        journal_bytes == 0 ||
        json_integer_value(json_object_get(json, "journal_bytes")) == (json_int_t)journal_bytes;
    summary->frames = (uint64_t)json_integer_value(json_object_get(json, "frames"));
    summary->last_seq = (uint64_t)json_integer_value(json_object_get(json, "last_seq"));
    summary->unfiled = json_is_true(json_object_get(json, "unfiled"));
    text_of(json, "state", summary->state, sizeof summary->state);
    text_of(json, "convergence", summary->convergence, sizeof summary->convergence);
    text_of(json, "updated", summary->updated, sizeof summary->updated);
    iw_summary_take(summary, json);
    json_decref(json);
    if (!current) /* the run has gone on */
        summary->state[0] = '\0';
    return summary->state[0] ? IW_OK : IW_NOT_FOUND;
}
