/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "herald/book.h"

#include <fcntl.h>
#include <math.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 1024, KIND = 40 };

static const char removed[] = "removed"; /* stands for a kind: all before it is void */

struct iw_book {
    char data[PATH];
    void *entries; /* a tree of iw_book_entry */
    int file;
};

static int
compare(const void *left, const void *right)
{
    const iw_book_entry *a = left, *b = right;
    int runs = strcmp(a->run, b->run);
    return runs ? runs : (a->kind > b->kind) - (a->kind < b->kind);
}

iw_book_entry *
iw_book_find(iw_book *self, const char *run, iw_event_kind kind)
{
    iw_book_entry key = {.kind = kind, .told_s = -INFINITY};
    (void)snprintf(key.run, sizeof key.run, "%s", run);
    void *found = tfind(&key, &self->entries, compare);
    if (found)
        return *(iw_book_entry **)found;
    iw_book_entry *entry = malloc(sizeof *entry);
    if (!entry)
        return NULL;
    *entry = key;
    if (tsearch(entry, &self->entries, compare))
        return entry;
    free(entry);
    return NULL;
}

static bool
has_folder(const iw_book *self, const char *run)
{
    char path[PATH + 64];
    (void)snprintf(path, sizeof path, "%s/runs/%s", self->data, run);
    return access(path, F_OK) == 0;
}

static void
forget(iw_book *self, const char *run)
{
    iw_book_entry key = {.told_s = -INFINITY};
    (void)snprintf(key.run, sizeof key.run, "%s", run);
    for (int k = 0; k < IW_EVENT_COUNT; k++) {
        key.kind = (iw_event_kind)k;
        void *found = tfind(&key, &self->entries, compare);
        if (found)
            **(iw_book_entry **)found = key;
    }
}

/* Passes over a line that is torn, or of no kind that is known. */
static iw_status
read_line(iw_book *self, const char *line, iw_error *err)
{
    char run[IW_ID_LENGTH + 1], name[KIND], digits[KIND];
    if (!strchr(line, '\n') || sscanf(line, "%36s %39s %39s", run, name, digits) != 3 ||
        !has_folder(self, run))
        return IW_OK;
    uint64_t number = strtoull(digits, NULL, 10);
    if (strcmp(name, removed) == 0)
        forget(self, run);
    for (int k = 0; k < IW_EVENT_COUNT; k++) {
        if (strcmp(name, iw_event_id((iw_event_kind)k)) != 0)
            continue;
        iw_book_entry *entry = iw_book_find(self, run, (iw_event_kind)k);
        if (!entry)
            return iw_fail(err, IW_NO_MEMORY, "out of memory");
        if (number > entry->number)
            entry->number = number;
    }
    return IW_OK;
}

static iw_status
load(iw_book *self, const char *path, iw_error *err)
{
    char line[PATH];
    iw_status status = IW_OK;
    FILE *file = fopen(path, "re");
    while (file && status == IW_OK && fgets(line, sizeof line, file))
        status = read_line(self, line, err);
    if (file)
        (void)fclose(file);
    return status;
}

static void
print_entry(const void *node, VISIT visit, void *out)
{
    const iw_book_entry *entry = *(iw_book_entry *const *)node;
    if ((visit == postorder || visit == leaf) && entry->number > 0)
        (void)fprintf(out, "%s %s %llu\n", entry->run, iw_event_id(entry->kind),
                      (unsigned long long)entry->number);
}

/* What is worth keeping takes the file's place. */
static iw_status
tidy(iw_book *self, const char *path, iw_error *err)
{
    char aside[PATH + 16];
    (void)snprintf(aside, sizeof aside, "%s/told.new", self->data);
    FILE *file = fopen(aside, "we");
    if (!file)
        return iw_fail_errno(err, "cannot write %s", aside);
    twalk_r(self->entries, print_entry, file);
    bool written = fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0;
    written = fclose(file) == 0 && written;
    if (!written || rename(aside, path) != 0) {
        (void)iw_fail_errno(err, "cannot write %s", path);
        (void)unlink(aside);
        return IW_IO;
    }
    return IW_OK;
}

iw_book *
iw_book_open(const char *data, iw_error *err)
{
    char path[PATH + 8];
    iw_book *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "out of memory");
        return NULL;
    }
    self->file = -1;
    (void)snprintf(self->data, sizeof self->data, "%s", data);
    (void)snprintf(path, sizeof path, "%s/told", data);
    iw_status status = load(self, path, err);
    if (status == IW_OK)
        status = tidy(self, path, err);
    if (status == IW_OK) {
        self->file = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (self->file < 0)
            status = iw_fail_errno(err, "cannot open %s", path);
    }
    if (status != IW_OK)
        iw_book_close(&self);
    return self;
}

void
iw_book_close(iw_book **book)
{
    iw_book *self = *book;
    if (!self)
        return;
    if (self->file >= 0)
        (void)close(self->file);
    tdestroy(self->entries, free);
    free(self);
    *book = NULL;
}

static iw_status
append(iw_book *self, const char *run, const char *kind, uint64_t number, bool durable,
       iw_error *err)
{
    char line[IW_ID_LENGTH + KIND + 32];
    int size = snprintf(line, sizeof line, "%s %s %llu\n", run, kind, (unsigned long long)number);
    if (size < 0 || write(self->file, line, (size_t)size) != size ||
        (durable && fdatasync(self->file) != 0))
        return iw_fail_errno(err, "%s/told", self->data);
    return IW_OK;
}

iw_status
iw_book_forget(iw_book *self, const char *run, iw_error *err)
{
    forget(self, run);
    return append(self, run, removed, 0, true, err);
}

iw_status
iw_book_note(iw_book *self, const char *run, iw_event_kind kind, uint64_t number, bool durable,
             iw_error *err)
{
    return append(self, run, iw_event_id(kind), number, durable, err);
}
