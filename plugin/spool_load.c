/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding what earlier handles of the run left in the spool folder. */
#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
same_atoms(const iw_run_info *a, const iw_run_info *b)
{
    if (a->n_atoms != b->n_atoms)
        return false;
    for (size_t i = 0; i < a->n_atoms; i++)
        if (strcmp(a->species[a->kind[i]], b->species[b->kind[i]]) != 0)
            return false;
    return true;
}

static iw_status
check_hello(const iw_framelog_record *record, const char *path, const iw_run_info *run,
            iw_error *err)
{
    iw_run_info theirs;
    iw_message message;
    iw_run_info_init(&theirs);
    iw_message_init(&message, IW_MSG_HELLO);
    message.run = &theirs;
    iw_status status = iw_wire_decode(record->data, record->size, &message, err);
    if (status == IW_OK && !same_atoms(&theirs, run))
        status = iw_fail(err, IW_INVALID,
                         "%s holds frames of %zu other atoms: give this run another id or remove "
                         "the file",
                         path, theirs.n_atoms);
    iw_run_info_fini(&theirs);
    return status;
}

static void
take_bye(iw_spool *self, const iw_framelog_record *record)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_BYE);
    if (iw_wire_decode(record->data, record->size, &message, NULL) != IW_OK)
        return;
    self->has_bye = true;
    memcpy(self->bye, message.text, sizeof self->bye);
}

/* What follows the name of a spool file: nothing (0), or a dot and a number.  False: neither. */
static bool
take_ordinal(const char *tail, unsigned *ordinal)
{
    *ordinal = 0;
    if (*tail == '\0')
        return true;
    char *end = NULL;
    unsigned long number =
        *tail == '.' && tail[1] >= '1' && tail[1] <= '9' ? strtoul(tail + 1, &end, 10) : 0;
    if (number == 0 || number > 1000000 || *end != '\0')
        return false;
    *ordinal = (unsigned)number;
    return true;
}

/* Walks one file and fills in what it holds. */
static iw_status
scan_file(iw_spool *self, iw_spool_file *file, const iw_run_info *run, iw_error *err)
{
    iw_framelog_record record;
    iw_framelog_reader *reader = iw_framelog_reader_open(file->path, err);
    if (!reader)
        return err->code;
    iw_status status = IW_OK;
    while (status == IW_OK) {
        status = iw_framelog_next(reader, &record, err);
        if (status == IW_CORRUPT) {
            status = IW_OK;
            continue;
        }
        if (status != IW_OK)
            break;
        if (record.kind == IW_MSG_HELLO) {
            status = check_hello(&record, file->path, run, err);
        } else if (record.kind == IW_MSG_WELCOME && record.seq > 0) {
            self->numbered = true;
            if (record.seq - 1 > self->shift)
                self->shift = record.seq - 1;
        } else if (record.kind == IW_MSG_BYE) {
            take_bye(self, &record);
        } else if (record.kind == IW_MSG_FRAME) {
            if (file->first == 0)
                file->first = record.seq;
            if (record.seq > file->last)
                file->last = record.seq;
        }
    }
    file->bytes = iw_framelog_file_size(reader);
    iw_framelog_reader_close(&reader);
    return status == IW_END || status == IW_AGAIN ? IW_OK : status;
}

static iw_status
add_file(iw_spool *self, const char *path, const iw_run_info *run, iw_error *err)
{
    /* Opening it for writing cuts a torn tail, and tells whether another process still has it. */
    iw_framelog_writer *writer = iw_framelog_writer_open(path, NULL, err);
    if (!writer)
        return err->code == IW_EXISTS ? IW_OK : err->code;
    (void)iw_framelog_writer_close(&writer, NULL);
    iw_spool_file *files = realloc(self->files, (self->n_files + 1) * sizeof *files);
    if (!files)
        return iw_fail(err, IW_NO_MEMORY, "no memory for one more spool file");
    self->files = files;
    iw_spool_file *file = &files[self->n_files];
    memset(file, 0, sizeof *file);
    file->read_at = 8;
    file->path = strdup(path);
    if (!file->path)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the name of a spool file");
    self->n_files++;
    iw_status status = scan_file(self, file, run, err);
    self->bytes += file->bytes;
    return status;
}

static int
by_first_number(const void *a, const void *b)
{
    /* 0 - 1 is the largest: a file without frames ends the row and keeps what it says longest. */
    uint64_t x = ((const iw_spool_file *)a)->first - 1;
    uint64_t y = ((const iw_spool_file *)b)->first - 1;
    return (x > y) - (x < y);
}

iw_status
iw_spool_load(iw_spool *self, const iw_run_info *run, iw_error *err)
{
    char *slash = strrchr(self->stem, '/');
    const char *name = slash + 1;
    size_t length = strlen(name);
    *slash = '\0';
    DIR *folder = opendir(slash == self->stem ? "/" : self->stem);
    *slash = '/';
    if (!folder)
        return IW_OK; /* nothing there; a push will say what is wrong with it */
    iw_status status = IW_OK;
    const struct dirent *entry;
    while (status == IW_OK && (entry = readdir(folder)) != NULL) {
        unsigned ordinal;
        const char *tail = entry->d_name + length;
        if (strncmp(entry->d_name, name, length) != 0 || !take_ordinal(tail, &ordinal))
            continue;
        size_t size = strlen(self->stem) + strlen(tail) + 1;
        char *path = malloc(size);
        if (!path) {
            status = iw_fail(err, IW_NO_MEMORY, "no memory for the name of a spool file");
            break;
        }
        (void)snprintf(path, size, "%s%s", self->stem, tail);
        if (ordinal >= self->ordinal)
            self->ordinal = ordinal + 1;
        status = add_file(self, path, run, err);
        free(path);
    }
    (void)closedir(folder);
    if (self->n_files > 1)
        qsort(self->files, self->n_files, sizeof *self->files, by_first_number);
    return status;
}
