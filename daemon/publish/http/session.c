/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHORTEST = 16, FILE_MOST = 4096 };

static const double UNUSED_S = 12 * 3600;

static const char *const names[] = {"none", "reader", "operator"};

const char *
iw_may_name(iw_may role)
{
    return names[role];
}

/* IW_TOKEN characters of 256 random bits. */
static bool
random_text(char text[IW_TOKEN + 1])
{
    unsigned char bytes[IW_TOKEN / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

/* In a time that depends on neither, both being IW_TOKEN long at most. */
static bool
is_same(const char *secret, const char *given)
{
    char a[IW_TOKEN + 1] = {0}, b[IW_TOKEN + 1] = {0};
    unsigned char differs = (unsigned char)(strlen(given) > IW_TOKEN || !*secret);
    (void)snprintf(a, sizeof a, "%s", secret);
    (void)snprintf(b, sizeof b, "%s", given);
    for (size_t i = 0; i < sizeof a; i++)
        differs |= (unsigned char)(a[i] ^ b[i]);
    return differs == 0;
}

/* ---- the file ---- */

static iw_status
make_file(iw_sessions *self, const char *path, iw_error *err)
{
    char text[4 * IW_TOKEN];
    if (!random_text(self->tokens[IW_MAY_READ]) || !random_text(self->tokens[IW_MAY_OPERATE]))
        return iw_fail(err, IW_IO, "no random numbers for tokens");
    int size = snprintf(text, sizeof text, "reader %s\noperator %s\n", self->tokens[IW_MAY_READ],
                        self->tokens[IW_MAY_OPERATE]);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return iw_fail_errno(err, "%s", path);
    iw_status status = write(file, text, (size_t)size) == (ssize_t)size && fsync(file) == 0
                           ? IW_OK
                           : iw_fail_errno(err, "%s", path);
    (void)close(file);
    if (status != IW_OK)
        (void)unlink(path); /* half of it would be refused from now on */
    return status;
}

static iw_status
take_line(iw_sessions *self, const char *line, iw_error *err)
{
    char word[16], token[IW_TOKEN + 2], more[2];
    int n = sscanf(line, "%15s %65s %1s", word, token, more);
    if (n <= 0 || word[0] == '#')
        return IW_OK;
    for (int role = IW_MAY_READ; role <= IW_MAY_OPERATE; role++)
        if (n == 2 && strcmp(word, names[role]) == 0) {
            if (strlen(token) < SHORTEST || strlen(token) > IW_TOKEN)
                return iw_fail(err, IW_INVALID, "a token has %d to %d characters, not %zu",
                               SHORTEST, IW_TOKEN, strlen(token));
            (void)snprintf(self->tokens[role], sizeof self->tokens[role], "%s", token);
            return IW_OK;
        }
    return iw_fail(err, IW_INVALID, "\"reader TOKEN\" or \"operator TOKEN\" is wanted");
}

static iw_status
read_file(iw_sessions *self, FILE *file, const char *path, iw_error *err)
{
    struct stat about;
    char line[256];
    int number = 0;
    if (fstat(fileno(file), &about) != 0)
        return iw_fail_errno(err, "%s", path);
    if (!S_ISREG(about.st_mode) || about.st_size > FILE_MOST)
        return iw_fail(err, IW_REFUSED, "%s is no file of tokens", path);
    if (about.st_mode & 077)
        return iw_fail(err, IW_REFUSED, "%s is open to others: chmod 600 it", path);
    while (fgets(line, sizeof line, file)) {
        number++;
        if (take_line(self, line, err) != IW_OK)
            return iw_prefix(err, "%s:%d", path, number);
    }
    return IW_OK;
}

iw_status
iw_sessions_load(iw_sessions *self, const char *path, iw_error *err)
{
    memset(self, 0, sizeof *self);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (fd < 0 && errno == ENOENT)
        return make_file(self, path, err);
    if (!file) {
        iw_fail_errno(err, "%s", path);
        if (fd >= 0)
            (void)close(fd);
        return IW_IO;
    }
    iw_status status = read_file(self, file, path, err);
    (void)fclose(file);
    return status;
}

iw_may
iw_sessions_token(const iw_sessions *self, const char *token)
{
    iw_may found = IW_MAY_NOTHING;
    for (int role = IW_MAY_READ; role <= IW_MAY_OPERATE; role++)
        if (is_same(self->tokens[role], token))
            found = (iw_may)role;
    return found;
}

/* ---- sessions ---- */

const char *
iw_sessions_open(iw_sessions *self, iw_may role, double now_s)
{
    size_t oldest = 0;
    for (size_t i = 0; i < IW_SESSIONS; i++) {
        if (!self->sessions[i].id[0]) {
            oldest = i;
            break;
        }
        if (self->sessions[i].used_s < self->sessions[oldest].used_s)
            oldest = i;
    }
    if (!random_text(self->sessions[oldest].id)) {
        self->sessions[oldest].id[0] = '\0';
        return NULL;
    }
    self->sessions[oldest].role = role;
    self->sessions[oldest].used_s = now_s;
    return self->sessions[oldest].id;
}

iw_may
iw_sessions_role(iw_sessions *self, const char *id, double now_s)
{
    iw_may role = IW_MAY_NOTHING;
    for (size_t i = 0; i < IW_SESSIONS; i++) {
        if (self->sessions[i].id[0] && now_s - self->sessions[i].used_s > UNUSED_S)
            self->sessions[i].id[0] = '\0';
        if (is_same(self->sessions[i].id, id)) {
            self->sessions[i].used_s = now_s;
            role = self->sessions[i].role;
        }
    }
    return role;
}

void
iw_sessions_close(iw_sessions *self, const char *id)
{
    for (size_t i = 0; i < IW_SESSIONS; i++)
        if (is_same(self->sessions[i].id, id))
            self->sessions[i].id[0] = '\0';
}
