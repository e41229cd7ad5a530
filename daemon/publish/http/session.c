/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/session.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHORTEST = 16, FILE_MOST = 4096 };

static const int64_t UNUSED_S = 12 * 3600, RENEWED_S = 3600, CLOCKS_DIFFER_S = 300;

static const char *const names[] = {"none", "reader", "operator"};

const char *
iw_may_name(iw_may role)
{
    return names[role];
}

/* That many characters, an even number: each pair 8 random bits. */
static void
random_text(char *text, size_t length)
{
    unsigned char bytes[IW_TOKEN / 2];
    randombytes_buf(bytes, length / 2);
    (void)sodium_bin2hex(text, length + 1, bytes, length / 2);
}

/* In a time that depends on neither, both being IW_TOKEN long at most. */
static bool
is_same(const char *secret, const char *given)
{
    char a[IW_TOKEN + 1] = {0}, b[IW_TOKEN + 1] = {0};
    (void)snprintf(a, sizeof a, "%s", secret);
    (void)snprintf(b, sizeof b, "%s", given);
    bool usable = *secret && strlen(given) <= IW_TOKEN;
    return sodium_memcmp(a, b, sizeof a) == 0 && usable;
}

/* ---- the file ---- */

static iw_status
make_file(iw_sessions *self, const char *path, iw_error *err)
{
    char text[4 * IW_TOKEN];
    random_text(self->tokens[IW_MAY_READ], IW_TOKEN);
    random_text(self->tokens[IW_MAY_OPERATE], IW_TOKEN);
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
    if (sodium_init() < 0)
        return iw_fail(err, IW_IO, "libsodium cannot be used here");
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

/* ---- sessions: "o", 10 digits of when it was made, its name, 64 digits of the seal ---- */

enum { WHEN = 10, NAME_AT = 1 + WHEN, SEAL_AT = NAME_AT + IW_SESSION_NAME, SEAL = 32 };
_Static_assert(SEAL_AT + 2 * SEAL == IW_SESSION, "an id is these four");
_Static_assert(IW_TOKEN <= crypto_generichash_KEYBYTES_MAX &&
                   SHORTEST >= crypto_generichash_KEYBYTES_MIN,
               "a token is a key");

/* Writes the seal behind what it seals. */
static void
seal(const char *token, char id[IW_SESSION + 1])
{
    unsigned char bytes[SEAL];
    (void)crypto_generichash(bytes, sizeof bytes, (const unsigned char *)id, SEAL_AT,
                             (const unsigned char *)token, strlen(token));
    (void)sodium_bin2hex(id + SEAL_AT, 2 * SEAL + 1, bytes, sizeof bytes);
}

static void
make_id(const iw_sessions *self, iw_may role, int64_t now_s, const char *name,
        char id[IW_SESSION + 1])
{
    (void)snprintf(id, SEAL_AT + 1, "%c%010" PRIx64 "%.*s", names[role][0],
                   (uint64_t)now_s & 0xffffffffff, IW_SESSION_NAME, name);
    seal(self->tokens[role], id);
}

void
iw_sessions_open(const iw_sessions *self, iw_may role, int64_t now_s, char id[IW_SESSION + 1])
{
    char name[IW_SESSION_NAME + 1];
    random_text(name, IW_SESSION_NAME);
    make_id(self, role, now_s, name, id);
}

/* Whose id it is, if we made it, whenever that was. */
static iw_may
maker_of(const iw_sessions *self, const char *id)
{
    iw_may found = IW_MAY_NOTHING;
    for (int role = IW_MAY_READ; role <= IW_MAY_OPERATE; role++) {
        char ours[IW_SESSION + 1];
        if (!self->tokens[role][0] || strlen(id) != IW_SESSION || id[0] != names[role][0])
            continue;
        memcpy(ours, id, SEAL_AT);
        seal(self->tokens[role], ours);
        if (sodium_memcmp(ours, id, IW_SESSION) == 0)
            found = (iw_may)role;
    }
    return found;
}

static bool
is_closed(const iw_sessions *self, const char *name)
{
    for (size_t i = 0; i < self->n_closed && i < IW_SESSIONS_CLOSED; i++)
        if (strncmp(self->closed[i], name, IW_SESSION_NAME) == 0)
            return true;
    return false;
}

iw_may
iw_sessions_role(const iw_sessions *self, const char *id, int64_t now_s,
                 char renewed[IW_SESSION + 1])
{
    char digits[WHEN + 1];
    iw_may role = maker_of(self, id);
    renewed[0] = '\0';
    if (role == IW_MAY_NOTHING)
        return role;
    (void)snprintf(digits, sizeof digits, "%.*s", WHEN, id + 1);
    int64_t age_s = now_s - (int64_t)strtoull(digits, NULL, 16);
    if (age_s > UNUSED_S || age_s < -CLOCKS_DIFFER_S || is_closed(self, id + NAME_AT))
        return IW_MAY_NOTHING;
    if (age_s > RENEWED_S)
        make_id(self, role, now_s, id + NAME_AT, renewed);
    return role;
}

void
iw_sessions_close(iw_sessions *self, const char *id)
{
    if (maker_of(self, id) == IW_MAY_NOTHING || is_closed(self, id + NAME_AT))
        return;
    (void)snprintf(self->closed[self->n_closed++ % IW_SESSIONS_CLOSED], IW_SESSION_NAME + 1, "%s",
                   id + NAME_AT);
}
