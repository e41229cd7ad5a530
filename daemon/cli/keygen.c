/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keygen.c - ionwatch keygen: key pairs of clients and daemons. */
#include "cli.h"
#include "curve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH = 4096, NAME = 64 };

typedef struct {
    const iw_settings *settings;
    char folder[PATH], secret[PATH + 16], public[PATH + 16];
    char name[NAME];
} keygen;

/* $XDG_STATE_HOME/ionwatch, as the daemon has it. */
static iw_status
data_folder(char *path, size_t size, iw_error *err)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (state && *state)
        (void)snprintf(path, size, "%s/ionwatch", state);
    else if (home && *home)
        (void)snprintf(path, size, "%s/.local/state/ionwatch", home);
    else
        return iw_fail(err, IW_INVALID, "HOME is not set: name a folder with --out");
    return IW_OK;
}

static iw_status
find_files(keygen *self, iw_error *err)
{
    const iw_settings *settings = self->settings;
    iw_status status = IW_OK;
    if (settings->folder)
        (void)snprintf(self->folder, sizeof self->folder, "%s", settings->folder);
    else if (settings->server)
        status = data_folder(self->folder, sizeof self->folder, err);
    else
        status = iw_key_default_path("", self->folder, sizeof self->folder, err);
    size_t length = strlen(self->folder);
    if (length > 1 && self->folder[length - 1] == '/')
        self->folder[length - 1] = '\0';
    const char *stem = settings->server ? "server" : "key";
    (void)snprintf(self->secret, sizeof self->secret, "%s/%s", self->folder,
                   settings->server ? "server.key" : "key");
    (void)snprintf(self->public, sizeof self->public, "%s/%s.pub", self->folder, stem);
    return status;
}

static iw_status
make_folder(keygen *self, iw_error *err) /* mkdir -p, for this user alone */
{
    for (char *at = self->folder + 1;; at++) {
        if (*at && *at != '/')
            continue;
        char kept = *at;
        *at = '\0';
        if (mkdir(self->folder, 0700) != 0 && errno != EEXIST)
            return iw_fail_errno(err, "cannot make the folder %s", self->folder);
        *at = kept;
        if (!kept)
            return IW_OK;
    }
}

/* What the authorised-keys file takes as a name; the default is made to fit. */
static iw_status
take_name(keygen *self, iw_error *err)
{
    static const char good[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@+-";
    const char *given = self->settings->n_operands ? self->settings->operands[0] : NULL;
    char host[NAME] = "", text[2 * NAME];
    const char *user = getenv("USER");
    (void)gethostname(host, sizeof host - 1);
    if (given)
        (void)snprintf(text, sizeof text, "%.100s", given);
    else
        (void)snprintf(text, sizeof text, "%.20s@%.40s", user && *user ? user : "user",
                       *host ? host : "host");
    for (char *at = text; *at; at++)
        if (!strchr(good, *at)) {
            if (given)
                return iw_fail(err, IW_INVALID, "name \"%s\": letters, digits and ._@+- are wanted",
                               text);
            *at = '-';
        }
    if (!*text || strlen(text) >= NAME)
        return iw_fail(err, IW_INVALID, "the name has %zu characters: 1 to %d are wanted",
                       strlen(text), NAME - 1);
    memcpy(self->name, text, strlen(text) + 1);
    return IW_OK;
}

static iw_status
check_roles(const char *roles, iw_error *err)
{
    for (const char *at = roles;;) {
        size_t size = strcspn(at, ",");
        if (!(size == 6 && strncmp(at, "stream", size) == 0) &&
            !(size == 4 && strncmp(at, "read", size) == 0) &&
            !(size == 7 && strncmp(at, "control", size) == 0))
            return iw_fail(err, IW_INVALID,
                           "roles \"%s\": stream, read and control are known, with commas between",
                           roles);
        if (!at[size])
            return IW_OK;
        at += size + 1;
    }
}

static iw_status
make(keygen *self, iw_curve_pair *pair, iw_error *err)
{
    bool force = self->settings->force;
    iw_status status = make_folder(self, err);
    if (status == IW_OK)
        status = iw_curve_generate(pair, err);
    if (status == IW_OK)
        status = iw_key_write(self->secret, "secret key of ionwatch: nobody else may have it",
                              pair->secret, 0600, force, err);
    if (status == IW_EXISTS)
        status = iw_fail(err, IW_EXISTS,
                         "%s is there already: --show prints its public half, --force replaces it",
                         self->secret);
    if (status == IW_OK)
        status =
            iw_key_write(self->public, "public key of ionwatch", pair->public, 0644, true, err);
    return status;
}

static void
report(const keygen *self, const iw_curve_pair *pair)
{
    const char *roles = self->settings->roles ? self->settings->roles : "stream,read";
    if (!self->settings->print)
        (void)fprintf(stderr, "secret key: %s (keep it)\n", self->secret);
    if (self->settings->server) {
        (void)fprintf(stderr, "for IONWATCH_SERVER_KEY, or server.pub in the configuration folder "
                              "of clients:\n");
        (void)printf("%s\n", pair->public);
    } else {
        (void)fprintf(stderr, "for the authorised_keys file of the daemon:\n");
        (void)printf("%s %s %s\n", pair->public, roles, self->name);
    }
}

iw_exit
iw_command_keygen(const iw_settings *settings)
{
    keygen self = {.settings = settings};
    iw_curve_pair pair = {0};
    iw_error err = {0};
    iw_status status = iw_curve_check(&err);
    if (status == IW_OK)
        status = find_files(&self, &err);
    if (status == IW_OK)
        status = take_name(&self, &err);
    if (status == IW_OK && settings->roles)
        status = check_roles(settings->roles, &err);
    if (status == IW_OK)
        status =
            settings->print ? iw_curve_load(self.secret, &pair, &err) : make(&self, &pair, &err);
    iw_key_wipe(pair.secret, sizeof pair.secret);
    if (status == IW_OK)
        report(&self, &pair);
    else
        iw_complain_error(settings, &err);
    return status ? IW_EXIT_FAILURE : IW_EXIT_OK;
}
