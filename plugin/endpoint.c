/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Anybody can write to /tmp: only a folder of our own, closed to others, is good enough. */
static iw_status
private_folder(const char *path, iw_error *err)
{
    struct stat info;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return iw_fail_errno(err, "cannot make folder %s", path);
    if (lstat(path, &info) != 0)
        return iw_fail_errno(err, "cannot look at folder %s", path);
    if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid())
        return iw_fail(err, IW_REFUSED,
                       "%s belongs to user %u or is no folder; set IONWATCH_ENDPOINT", path,
                       (unsigned)info.st_uid);
    if ((info.st_mode & 077) != 0 && chmod(path, 0700) != 0)
        return iw_fail_errno(err, "cannot close folder %s to others", path);
    return IW_OK;
}

iw_status
iw_default_endpoint(char *text, size_t size, iw_error *err)
{
    char folder[64];
    struct stat info;
    const char *set = getenv("IONWATCH_ENDPOINT");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int length;
    if (set && *set) {
        length = snprintf(text, size, "%s", set);
    } else if (runtime && *runtime == '/' && stat(runtime, &info) == 0 && S_ISDIR(info.st_mode)) {
        length = snprintf(text, size, "ipc://%s/ionwatch.sock", runtime);
    } else {
        (void)snprintf(folder, sizeof folder, "/tmp/ionwatch-%u", (unsigned)geteuid());
        iw_status status = private_folder(folder, err);
        if (status != IW_OK)
            return status;
        length = snprintf(text, size, "ipc://%s/ionwatch.sock", folder);
    }
    if (length < 0 || (size_t)length >= size)
        return iw_fail(err, IW_INVALID, "the endpoint needs %d bytes, %zu are there", length + 1,
                       size);
    return IW_OK;
}

iw_status
iw_socket_file_check(const char *path, iw_error *err)
{
    struct stat info;
    if (lstat(path, &info) == 0 && !S_ISSOCK(info.st_mode))
        return iw_fail(err, IW_REFUSED, "%s is there and is no socket: it is left as it is", path);
    return IW_OK;
}
