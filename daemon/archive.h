/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_ARCHIVE_H
#define IW_ARCHIVE_H
/*
 * archive.h - the state of an object to bytes and back, for checkpoints.
 *
 * Each object has one function for both directions, iw_X_archive(self, archive): what was saved in
 * some order is loaded in the same order because it is the same code.  Saving changes nothing in
 * the object.  Loading fills one that was just made with the same options, bit for bit; afterwards
 * it goes on as the saved one would have.  When loading fails the object is good for nothing but
 * destroy.
 *
 * The error is sticky: after the first failure every call does nothing (a load gives zeros), so an
 * object may go on and ask once, before it uses a number that it loaded.  Bytes may be hostile: a
 * count is checked against what is left before anything is allocated, and an object checks what
 * it loads wherever its code relies on it (IW_ARCHIVE_CHECK).
 *
 * Numbers are in the byte order of the machine: a checkpoint is for the daemon that wrote it.
 */
#include "buffer.h"

#include <stdbool.h>

typedef struct {
    uint64_t low, high;
} iw_archive_key;

/* Where the bytes go or come from.  Bulk is what never changes again, such as the spectra of closed
 * blocks: a place may keep it once for many checkpoints, by the hash of its bytes.  Without put and
 * get it travels with the rest. */
typedef struct {
    void *self;
    iw_status (*write)(void *self, const void *data, size_t size,
                       iw_error *err);                                     /* NULL: loading */
    iw_status (*read)(void *self, void *data, size_t size, iw_error *err); /* CORRUPT: too short */
    uint64_t (*left)(const void *self); /* bytes that read can give yet, bulk included */
    iw_status (*put)(void *self, iw_archive_key key, const void *data, size_t size, iw_error *err);
    iw_status (*get)(void *self, iw_archive_key key, void *data, size_t size, iw_error *err);
} iw_archive_place;

typedef struct {
    iw_archive_place place;
    iw_error error; /* code IW_OK while all is well */
} iw_archive;

void iw_archive_begin(iw_archive *self, const iw_archive_place *place);
bool iw_archive_loading(const iw_archive *self);
/* The status so far; *err is filled where it is a failure. */
iw_status iw_archive_status(const iw_archive *self, iw_error *err);
bool iw_archive_ok(const iw_archive *self);
/* Ends the archive with a failure, unless it has failed already. */
void iw_archive_fail(iw_archive *self, iw_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A name and a version that a load must find again: between the parts of a state. */
void iw_archive_tag(iw_archive *self, const char *name, unsigned version);

void iw_archive_bytes(iw_archive *self, void *data, size_t size);
void iw_archive_doubles(iw_archive *self, double *values, size_t n);
void iw_archive_double(iw_archive *self, double *value);
void iw_archive_u64(iw_archive *self, uint64_t *value);
void iw_archive_i64(iw_archive *self, int64_t *value);
void iw_archive_size(iw_archive *self, size_t *value);
void iw_archive_u32(iw_archive *self, uint32_t *value);
void iw_archive_bool(iw_archive *self, bool *value);
/* text[room], zero-terminated. */
void iw_archive_text(iw_archive *self, char *text, size_t room);
/* A number from 0 to most; CORRUPT beyond. */
void iw_archive_limited(iw_archive *self, size_t *value, size_t most, const char *what);
/* The number of items of so many bytes that follow; CORRUPT where they are more than what is left,
 * so that an allocation is never larger than the file. */
void iw_archive_count(iw_archive *self, size_t *n, size_t item_bytes, const char *what);
/* A number that both sides must have alike, from options; CORRUPT. */
void iw_archive_same(iw_archive *self, uint64_t value, const char *what);
/* Data that does not change any more; see iw_archive_place.  *key is kept with the data by who has
 * them, so that they are hashed once: {0, 0} until then. */
void iw_archive_bulk(iw_archive *self, void *data, size_t size, iw_archive_key *key);

/* For an enum: loaded as a number from 0 to most. */
#define IW_ARCHIVE_ENUM(self, pointer, most, what)                                                 \
    do {                                                                                           \
        size_t iw_archive_number = (size_t) * (pointer);                                           \
        iw_archive_limited((self), &iw_archive_number, (size_t)(most), (what));                    \
        *(pointer) = (__typeof__(*(pointer)))iw_archive_number;                                    \
    } while (0)

/* Stands in the archive function of a struct: whoever adds a field to it is led here, to archive
 * the field or to rebuild it. */
#define IW_ARCHIVE_KNOWS(type, bytes)                                                              \
    _Static_assert(sizeof(void *) != 8 || sizeof(type) == (bytes),                                 \
                   #type " has changed: its archive function must know")

/* After loading: what must hold, or CORRUPT.  While saving nothing is checked. */
#define IW_ARCHIVE_CHECK(self, condition)                                                          \
    do {                                                                                           \
        if (iw_archive_loading(self) && iw_archive_ok(self) && !(condition))                       \
            iw_archive_fail((self), IW_CORRUPT, "%s: not so: %s", __func__, #condition);           \
    } while (0)

/* To memory, bulk inline: buffer grows; borrowed. */
void iw_archive_to_buffer(iw_archive *self, iw_buffer *buffer);

/* From memory; borrowed for the life of the archive, as is *cursor. */
typedef struct {
    const unsigned char *data;
    size_t size, at;
} iw_archive_cursor;
void iw_archive_from_memory(iw_archive *self, iw_archive_cursor *cursor);

#endif
