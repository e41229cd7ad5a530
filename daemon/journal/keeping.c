/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/keeping.h"

#include "journal/folder.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024 };

/* In the order of iw_kept. */
static const char *const forms[] = {"journal.iwlog", "journal.iwpack", "run.iwlog"};
static const char *const asides[] = {"journal.iwlog.new", "journal.iwpack.new", "run.iwlog.new"};

iw_kept
iw_keeping_look(const char *data, const char *id, char *path, size_t size)
{
    for (int form = IW_KEPT_PLAIN; form < IW_KEPT_NOTHING; form++) {
        iw_folder_path(data, id, forms[form], path, size);
        if (access(path, F_OK) == 0)
            return (iw_kept)form;
    }
    *path = '\0';
    return IW_KEPT_NOTHING;
}

static iw_status
remove_file(const char *data, const char *id, const char *file, iw_error *err)
{
    char path[PATH_SIZE];
    iw_folder_path(data, id, file, path, sizeof path);
    return unlink(path) == 0 || errno == ENOENT ? IW_OK
                                                : iw_fail_errno(err, "cannot remove %s", path);
}

iw_status
iw_keeping_tidy(const char *data, const char *id, iw_error *err)
{
    char path[PATH_SIZE];
    iw_status status = IW_OK;
    int kept = (int)iw_keeping_look(data, id, path, sizeof path);
    for (int form = IW_KEPT_PLAIN; form < IW_KEPT_NOTHING && status == IW_OK; form++) {
        status = remove_file(data, id, asides[form], err);
        iw_folder_path(data, id, forms[form], path, sizeof path);
        if (status != IW_OK || form <= kept || access(path, F_OK) != 0)
            continue;
        status = iw_folder_sync(data, id, err); /* first the name of the one that counts */
        if (status == IW_OK)
            status = remove_file(data, id, forms[form], err);
    }
    return status;
}

/* The next start will not read the journal: all that it needs must be in the summary. */
static iw_status
check_summary(const char *data, const char *id, iw_kept kept, const char *journal, iw_error *err)
{
    char path[PATH_SIZE];
    struct stat info;
    iw_summary summary;
    if (stat(journal, &info) != 0)
        return iw_fail_errno(err, "cannot look at %s", journal);
    uint64_t size = kept == IW_KEPT_PLAIN ? (uint64_t)info.st_size : 0;
    iw_folder_path(data, id, "summary.json", path, sizeof path);
    if (iw_summary_load(path, size, &summary) != IW_OK)
        return iw_fail(err, IW_INVALID, "%s does not fit to the journal", path);
    return IW_OK;
}

/* The form that was written aside becomes the one that counts; the older ones go. */
static iw_status
replace(const char *data, const char *id, iw_kept by, iw_error *err)
{
    char aside[PATH_SIZE], path[PATH_SIZE];
    iw_folder_path(data, id, asides[by], aside, sizeof aside);
    iw_folder_path(data, id, forms[by], path, sizeof path);
    if (rename(aside, path) != 0)
        return iw_fail_errno(err, "cannot rename %s", aside);
    iw_status status = iw_folder_sync(data, id, err);
    for (int form = IW_KEPT_PLAIN; form < IW_KEPT_NOTHING && status == IW_OK; form++)
        if (form != (int)by)
            status = remove_file(data, id, forms[form], err);
    return status == IW_OK ? iw_folder_sync(data, id, err) : status;
}

iw_status
iw_keeping_pack(const char *data, const char *id, const iw_packlog_watch *watch, iw_error *err)
{
    char plain[PATH_SIZE], aside[PATH_SIZE];
    iw_status status = iw_keeping_tidy(data, id, err);
    if (status != IW_OK)
        return status;
    if (iw_keeping_look(data, id, plain, sizeof plain) != IW_KEPT_PLAIN)
        return iw_fail(err, IW_NOT_FOUND, "run %s has no plain journal", id);
    iw_folder_path(data, id, asides[IW_KEPT_PACKED], aside, sizeof aside);
    status = check_summary(data, id, IW_KEPT_PLAIN, plain, err);
    if (status == IW_OK)
        status = iw_packlog_pack(plain, aside, watch, err);
    if (status == IW_OK)
        status = iw_packlog_verify(plain, aside, watch, err);
    if (status == IW_OK)
        status = replace(data, id, IW_KEPT_PACKED, err);
    if (status != IW_OK)
        (void)unlink(aside);
    return status;
}

iw_status
iw_keeping_drop(const char *data, const char *id, iw_error *err)
{
    char journal[PATH_SIZE], aside[PATH_SIZE];
    iw_status status = iw_keeping_tidy(data, id, err);
    if (status != IW_OK)
        return status;
    iw_kept kept = iw_keeping_look(data, id, journal, sizeof journal);
    if (kept >= IW_KEPT_RUN)
        return iw_fail(err, IW_NOT_FOUND, "run %s has no journal", id);
    iw_folder_path(data, id, asides[IW_KEPT_RUN], aside, sizeof aside);
    status = check_summary(data, id, kept, journal, err);
    if (status == IW_OK)
        status = iw_packlog_begin(journal, aside, err);
    if (status == IW_OK)
        status = replace(data, id, IW_KEPT_RUN, err);
    if (status != IW_OK)
        (void)unlink(aside);
    return status;
}

iw_status
iw_keeping_unpack(const char *data, const char *id, const iw_packlog_watch *watch, uint64_t *lost,
                  iw_error *err)
{
    char packed[PATH_SIZE], aside[PATH_SIZE];
    *lost = 0;
    iw_status status = iw_keeping_tidy(data, id, err);
    if (status != IW_OK)
        return status;
    if (iw_keeping_look(data, id, packed, sizeof packed) != IW_KEPT_PACKED)
        return iw_fail(err, IW_NOT_FOUND, "run %s has no packed journal", id);
    iw_folder_path(data, id, asides[IW_KEPT_PLAIN], aside, sizeof aside);
    status = iw_packlog_unpack(packed, aside, watch, lost, err);
    if (status == IW_OK)
        status = replace(data, id, IW_KEPT_PLAIN, err);
    if (status != IW_OK)
        (void)unlink(aside);
    return status;
}
