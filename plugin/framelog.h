/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_FRAMELOG_H
#define IW_FRAMELOG_H
/*
 * framelog.h - the one container for frames on disk: the client's spool, file:// endpoints, and the
 * daemon's journal.  An append-only file of checksummed records, each holding one wire message.
 *
 *   file   = header record*
 *   header = "IWLOG\0" u16 version                                  (8 bytes, little-endian)
 *   record = u32 payload size, u32 kind (iw_msg_type; + 256: the mark), u64 seq, u64 xxh3 of the 16
 * bytes before it and the payload, payload
 *
 * The first record that is written after a sync carries the mark: all before it was durable.  So
 * damage before the last mark is damage to durable bytes, and costs only the record that it hit:
 * those behind it are found by their checksums.  Damage behind the last mark is the tail that a
 * power cut left, whose sectors reach the disk in any order: nobody was promised what is behind it,
 * and a writer cuts the log there, so that no record goes missing between two others.
 */
#include "wire.h"

typedef struct iw_framelog_writer iw_framelog_writer;
typedef struct iw_framelog_reader iw_framelog_reader;

/* A place behind a record, and what tells this log from any other: a log that has both checksums
 * where they belong has been read up to here. */
typedef struct {
    uint64_t end;            /* offset behind the record */
    uint64_t record;         /* offset of the record */
    uint64_t checksum;       /* of the record */
    uint64_t first_checksum; /* of the first record of the log */
} iw_framelog_place;

typedef struct {
    uint32_t kind; /* iw_msg_type */
    uint64_t seq;
    const void *data; /* valid until the next call on the reader */
    size_t size;
    uint64_t offset; /* of the record in the file */
} iw_framelog_record;

/* Opens or creates (mode 0600) for appending.  An existing file is checked from its start, a torn
 * tail is cut off and its size given in *cut_bytes (may be NULL), and the rest is made durable: a
 * killed writer may have left it in memory.  IO, CORRUPT (not an IWLOG), EXISTS (another writer has
 * it open). */
iw_framelog_writer *iw_framelog_writer_open(const char *path, uint64_t *cut_bytes, iw_error *err);
/* The same, where the file is known to hold whole records up to offset known: those are not read
 * again.  A file that is shorter is checked from its start. */
iw_framelog_writer *iw_framelog_writer_open_from(const char *path, uint64_t known,
                                                 uint64_t *cut_bytes, iw_error *err);
/* Buffers one record of kind 1 to 255 and at most 1 GiB.  IO: the disk is full, say; the record is
 * not taken, the file ends with a whole record, and what was buffered is kept and tried again. */
iw_status iw_framelog_append(iw_framelog_writer *self, uint32_t kind, uint64_t seq,
                             const void *data, size_t size, iw_error *err);
iw_status iw_framelog_flush(iw_framelog_writer *self, iw_error *err); /* write(2), no sync */
iw_status iw_framelog_sync(iw_framelog_writer *self, iw_error *err);  /* flush and fdatasync */
uint64_t iw_framelog_size(const iw_framelog_writer *self);            /* bytes, buffered included */
/* The record at that offset, if it is buffered: valid until the next call.  The next one begins at
 * record->offset + 24 + record->size.  AGAIN: it is in the file; END: nothing is there yet. */
iw_status iw_framelog_peek(const iw_framelog_writer *self, uint64_t offset,
                           iw_framelog_record *record);
/* Drops what was appended beyond size, durably; what is before size was durable.  After a sync that
 * failed the disk may lack any of it, and a second sync would not tell. */
iw_status iw_framelog_cut(iw_framelog_writer *self, uint64_t size, iw_error *err);
/* Flushes and closes; sets *self to NULL. */
iw_status iw_framelog_writer_close(iw_framelog_writer **self, iw_error *err);

/* Where the bytes of a log come from that is no plain file of its own. */
typedef struct {
    void *self;
    /* Exactly size bytes, or IO. */
    iw_status (*read)(void *self, void *to, size_t size, uint64_t offset, iw_error *err);
    uint64_t (*size)(const void *self);
    void (*close)(void *self); /* may be NULL */
} iw_framelog_bytes;

/* NOT_FOUND; AGAIN (shorter than its header, so far); CORRUPT; UNSUPPORTED (version); IO. */
iw_framelog_reader *iw_framelog_reader_open(const char *path, iw_error *err);
/* The same for other bytes, which are closed with the reader, or at once when it cannot be. */
iw_framelog_reader *iw_framelog_reader_open_bytes(const iw_framelog_bytes *bytes, const char *name,
                                                  iw_error *err);
/* OK; END at a clean end; AGAIN when the last record is not all there (yet); CORRUPT when a
 * checksum does not match, with the offset in the text: the next call goes on with the next whole
 * record. */
iw_status iw_framelog_next(iw_framelog_reader *self, iw_framelog_record *record, iw_error *err);
void iw_framelog_rewind(iw_framelog_reader *self);
uint64_t iw_framelog_tell(const iw_framelog_reader *self);
iw_status iw_framelog_seek(iw_framelog_reader *self, uint64_t offset, iw_error *err);
/* The place behind the record that next gave last.  INVALID when it gave none. */
iw_status iw_framelog_stand(const iw_framelog_reader *self, iw_framelog_place *place,
                            iw_error *err);
/* Goes on behind a place.  CORRUPT: this is not the log, or it ends before. */
iw_status iw_framelog_resume(iw_framelog_reader *self, const iw_framelog_place *place,
                             iw_error *err);
uint64_t iw_framelog_file_size(const iw_framelog_reader *self);
void iw_framelog_reader_close(iw_framelog_reader **self);

#endif
