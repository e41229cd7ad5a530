/* SPDX-License-Identifier: BSD-3-Clause */
#include "key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
iw_key_is_valid(const char *text, size_t size)
{
    static const char z85[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              ".-:+=^!/*?&<>()[]{}@%$#";
    if (size != IW_KEY_LENGTH)
        return false;
    for (size_t i = 0; i < size; i++)
        if (text[i] == '\0' || !strchr(z85, text[i]))
            return false;
    return true;
}

void
iw_key_wipe(void *secret, size_t size)
{
    explicit_bzero(secret, size);
}

/* The one key among lines; remarks and empty lines are passed over. */
static iw_status
take_key(const char *path, const char *text, size_t size, char key[IW_KEY_LENGTH + 1],
         iw_error *err)
{
    static const char blanks[] = {' ', '\t', '\r'};
    size_t found = 0;
    for (size_t at = 0; at < size;) {
        const char *line = text + at;
        const char *end = memchr(line, '\n', size - at);
        size_t length = end ? (size_t)(end - line) : size - at;
        at += length + 1;
        while (length > 0 && memchr(blanks, line[length - 1], sizeof blanks))
            length--;
        if (length == 0 || *line == '#')
            continue;
        if (!iw_key_is_valid(line, length) || ++found > 1)
            return iw_fail(err, IW_INVALID,
                           "%s: one line with a key of %d characters is wanted: `ionwatch keygen` "
                           "makes such files",
                           path, IW_KEY_LENGTH);
        memcpy(key, line, IW_KEY_LENGTH);
        key[IW_KEY_LENGTH] = '\0';
    }
    return found == 1 ? IW_OK : iw_fail(err, IW_INVALID, "%s: there is no key in it", path);
}

static iw_status
check_private(int file, const char *path, iw_error *err)
{
    struct stat info;
    if (fstat(file, &info) != 0)
        return iw_fail_errno(err, "%s", path);
    if (!S_ISREG(info.st_mode))
        return iw_fail(err, IW_REFUSED, "%s is no file", path);
    if (info.st_uid != geteuid() && info.st_uid != 0)
        return iw_fail(err, IW_REFUSED, "secret key %s belongs to user %u: make one of your own",
                       path, (unsigned)info.st_uid);
    if ((info.st_mode & 077) != 0)
        return iw_fail(err, IW_REFUSED,
                       "secret key %s can be read by others (mode %04o): run `chmod 600 %s`; if "
                       "they may have done so, make another key",
                       path, (unsigned)info.st_mode & 07777, path);
    return IW_OK;
}

static iw_status
read_key(const char *path, bool secret, char key[IW_KEY_LENGTH + 1], iw_error *err)
{
    char text[IW_KEY_FILE_MAX];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        bool missing = errno == ENOENT;
        (void)iw_fail_errno(err, "cannot read key %s", path);
        if (missing && err)
            err->code = IW_NOT_FOUND;
        return missing ? IW_NOT_FOUND : IW_IO;
    }
    iw_status status = secret ? check_private(file, path, err) : IW_OK;
    ssize_t size = status == IW_OK ? read(file, text, sizeof text) : 0;
    if (size < 0)
        status = iw_fail_errno(err, "cannot read key %s", path);
    else if (status == IW_OK)
        status = take_key(path, text, (size_t)size, key, err);
    (void)close(file);
    iw_key_wipe(text, sizeof text);
    if (status != IW_OK)
        iw_key_wipe(key, IW_KEY_LENGTH + 1);
    return status;
}

iw_status
iw_key_read_secret(const char *path, char secret[IW_KEY_LENGTH + 1], iw_error *err)
{
    return read_key(path, true, secret, err);
}

iw_status
iw_key_read_public(const char *path, char key[IW_KEY_LENGTH + 1], iw_error *err)
{
    return read_key(path, false, key, err);
}

iw_status
iw_key_write(const char *path, const char *remark, const char *key, unsigned mode, bool replace,
             iw_error *err)
{
    char fresh[IW_KEY_FILE_MAX];
    char text[1024];
    if (snprintf(fresh, sizeof fresh, "%s.%ld.new", path, (long)getpid()) >= (int)sizeof fresh)
        return iw_fail(err, IW_INVALID, "the name %.100s... is too long", path);
    (void)unlink(fresh); /* of a process that had our number and died here */
    int file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (file < 0)
        return iw_fail_errno(err, "cannot write %s", fresh);
    iw_status status = IW_OK;
    int size = snprintf(text, sizeof text, "# %s\n%s\n", remark, key);
    bool written = size > 0 && size < (int)sizeof text && fchmod(file, (mode_t)mode) == 0 &&
                   write(file, text, (size_t)size) == size && fsync(file) == 0;
    if (!written)
        status = iw_fail_errno(err, "cannot write %s", fresh);
    (void)close(file);
    iw_key_wipe(text, sizeof text);
    /* link() does not replace, rename() does. */
    if (status == IW_OK && (replace ? rename(fresh, path) : link(fresh, path)) != 0)
        status = errno == EEXIST ? iw_fail(err, IW_EXISTS, "%s is there already", path)
                                 : iw_fail_errno(err, "cannot make %s", path);
    (void)unlink(fresh);
    return status;
}

iw_status
iw_key_default_path(const char *name, char *path, size_t size, iw_error *err)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    int length = 0;
    if (config && *config == '/')
        length = snprintf(path, size, "%s/ionwatch/%s", config, name);
    else if (home && *home)
        length = snprintf(path, size, "%s/.config/ionwatch/%s", home, name);
    else
        return iw_fail(err, IW_INVALID, "neither HOME nor XDG_CONFIG_HOME is set");
    if (length < 0 || (size_t)length >= size)
        return iw_fail(err, IW_INVALID, "the name of the configuration folder is too long");
    return IW_OK;
}
