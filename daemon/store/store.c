/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store.c - which database a URI means, opening and closing it. */
#include "store.h"

#include "store_internal.h"

#include <stdlib.h>
#include <string.h>

static const iw_store_backend *const backends[] = {&iw_store_sqlite, &iw_store_postgres, NULL};

/* The known kinds, for a refusal. */
static void
list_forms(char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; backends[i] && used < size; i++)
        used +=
            (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", backends[i]->form);
}

/* "host=head dbname=ions password=...": as a path it would be a file of that name, and told. */
static bool
is_of_libpq(const char *uri)
{
    static const char *const keys[] = {"host", "hostaddr", "port",   "dbname",
                                       "user", "password", "service"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        size_t length = strlen(keys[i]);
        if (strncmp(uri, keys[i], length) == 0 && uri[length] == '=')
            return true;
    }
    return false;
}

/* A plain path is SQLite's. */
static const iw_store_backend *
find_backend(const char *uri, iw_error *err)
{
    char forms[128], label[256];
    size_t length = strcspn(uri, ":/");
    if (uri[length] != ':' && is_of_libpq(uri)) {
        (void)iw_fail(err, IW_INVALID,
                      "\"%.*s=...\" is how libpq names a database; here it is a URI: "
                      "postgresql://user@host/name",
                      (int)strcspn(uri, "="), uri);
        return NULL;
    }
    if (uri[length] != ':')
        return &iw_store_sqlite;
    for (size_t i = 0; backends[i]; i++) {
        for (const char *const *scheme = backends[i]->schemes; *scheme; scheme++) {
            if (strlen(*scheme) == length && strncmp(uri, *scheme, length) == 0)
                return backends[i];
        }
    }
    list_forms(forms, sizeof forms);
    iw_store_label(uri, label, sizeof label);
    (void)iw_fail(err, IW_UNSUPPORTED, "%s: unknown kind of database \"%.*s\"; known: %s", label,
                  (int)length, uri, forms);
    return NULL;
}

/* Adds path and parameters, without passwords among these. */
static void
copy_parameters(const char *text, char *label, size_t size)
{
    size_t used = strlen(label);
    while (*text && used + 1 < size) {
        bool begins = text[-1] == '?' || text[-1] == '&';
        if (begins &&
            (strncmp(text, "password=", 9) == 0 || strncmp(text, "sslpassword=", 12) == 0)) {
            text += strcspn(text, "&");
            text += *text == '&';
            continue;
        }
        label[used++] = *text++;
        label[used] = '\0';
    }
}

void
iw_store_label(const char *uri, char *label, size_t size)
{
    const char *authority = strstr(uri, "://");
    if (!authority || strncmp(uri, "sqlite:", 7) == 0) {
        (void)snprintf(label, size, "%s", uri);
        return;
    }
    authority += 3;
    size_t length = strcspn(authority, "/?");
    /* A password may hold anything but "/" and "?": the last "@" ends it. */
    size_t user = length;
    while (user > 0 && authority[user - 1] != '@')
        user--;
    size_t name = user ? strcspn(authority, ":@") : 0;
    (void)snprintf(label, size, "%.*s%.*s%s%.*s", (int)(authority - uri), uri, (int)name, authority,
                   user ? "@" : "", (int)(length - user), authority + user);
    if (authority[length])
        copy_parameters(authority + length, label, size);
}

iw_store *
iw_store_open(const char *uri, const iw_store_options *options, iw_error *err)
{
    const iw_store_backend *backend = find_backend(uri, err);
    if (!backend)
        return NULL;
    iw_store *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for a database");
        return NULL;
    }
    self->backend = backend;
    if (options)
        self->options = *options;
    iw_store_label(uri, self->label, sizeof self->label);
    if (backend->open(&self->state, uri, self->label, &self->options, err) != IW_OK ||
        iw_schema_ready(self, err) != IW_OK)
        iw_store_close(&self);
    return self;
}

void
iw_store_close(iw_store **self)
{
    if (!self || !*self)
        return;
    (*self)->backend->close((*self)->state);
    free((*self)->find_run);
    free((*self)->insert_run);
    for (size_t i = 0; i < IW_STORE_TABLES; i++)
        free((*self)->copy_insertions[i]);
    for (size_t i = 0; i < sizeof(*self)->listings / sizeof *(*self)->listings; i++)
        free((*self)->listings[i]);
    free(*self);
    *self = NULL;
}

iw_status
iw_store_refresh(iw_store *self, iw_error *err)
{
    bool anew = false;
    iw_status status = self->backend->refresh(self->state, &anew, err);
    self->unready = self->unready || anew; /* until it was looked at with success */
    if (status == IW_OK && self->unready)
        status = iw_schema_ready(self, err);
    if (status == IW_OK)
        self->unready = false;
    return status;
}

bool
iw_store_may_pass(iw_status status)
{
    switch (status) {
    case IW_AGAIN:
    case IW_FULL:
    case IW_CLOSED:
    case IW_TIMEOUT:
    case IW_REFUSED:
    case IW_IO:
    case IW_CORRUPT:
    case IW_NO_MEMORY:
        return true;
    default:
        return false;
    }
}
