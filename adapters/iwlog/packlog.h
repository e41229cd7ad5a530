/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_PACKLOG_H
#define IW_PACKLOG_H
/*
 * packlog.h - a finished frame log, packed without loss.
 *
 * A packed log is a frame log itself: a copy of the first HELLO, so that the run is known without
 * unpacking, and even if the first block is damaged; then records of kind IW_PACKLOG_KIND.  Each of
 * these holds at most 4 MiB of the log's bytes, whatever they are, and its seq is where they
 * belong:
 *
 *   payload = u64 bytes of the whole log, u32 bytes here, u32 arrays, u32 order, zstd frame
 *   content = (u32 place, u32 numbers, u32 lane) for each array, the bytes outside of arrays,
 *             the arrays of lane 0, 1, 2, 3
 *
 * Coordinates hardly pack as they are.  So each number, taken as an integer, is replaced by its
 * difference from what the arrays of that lane before it in the block say: nothing (order 0), the
 * same as in the last one (1), or going on in a straight line from the last two (2).  Of all
 * numbers of a lane first the lowest bytes are stored, then the next, and so on.
 *
 * What comes out is the log byte for byte, damaged records and torn tails included.  A damaged
 * block costs the records in it (not the HELLO): its bytes read as zeros, and the log goes on
 * behind them.  Without any block only the run is known: its frames were not kept.
 */
#include "framelog.h"

#include <stdbool.h>

enum {
    IW_PACKLOG_KIND = 128,
    IW_PACKLOG_BLOCK = 4 << 20, /* most bytes of the log in a record */
    IW_PACKLOG_HEAD = 20,       /* of the payload */
    IW_PACKLOG_MIN_WORDS = 16   /* shorter arrays stay where they are */
};

/* An array of numbers in a block. */
typedef struct {
    uint32_t at;    /* first byte, from the start of the block */
    uint32_t words; /* at least IW_PACKLOG_MIN_WORDS */
    uint32_t lane;  /* 0: f64 positions, 1: f32 positions, 2: f64 velocities, 3: f32 velocities */
} iw_packlog_array;

typedef struct {
    bool (*stop)(void *self); /* asked often; true: give up with CLOSED */
    void *self;
} iw_packlog_watch;

/* Writes what a packed log begins with into the new file to, and makes it durable: for a run whose
 * frames are not kept.  CORRUPT: the log at from has no HELLO to begin with. */
iw_status iw_packlog_begin(const char *from, const char *to, iw_error *err);
/* Packs the log at from into the new file to, and makes it durable.  EXISTS; CLOSED; IO.  When it
 * fails the caller removes the file. */
iw_status iw_packlog_pack(const char *from, const char *to, const iw_packlog_watch *watch,
                          iw_error *err);
/* Reads back what was written, from the disk and not from memory.  CORRUPT, with the place: it is
 * not what the plain log has. */
iw_status iw_packlog_verify(const char *plain, const char *packed, const iw_packlog_watch *watch,
                            iw_error *err);
/* Writes the log into the new file to, and makes it durable.  *lost: bytes of damaged blocks, which
 * are zeros.  EXISTS; CLOSED; IO; CORRUPT (no packed log, or next to nothing is left). */
iw_status iw_packlog_unpack(const char *packed, const char *to, const iw_packlog_watch *watch,
                            uint64_t *lost, iw_error *err);

/* Opens a log that may be packed: the same records at the same offsets. */
iw_framelog_reader *iw_packlog_reader_open(const char *path, iw_error *err);

/* packlog_block.c: one block.  The arrays are in the order of their places and do not overlap. */
typedef struct iw_packlog_coder iw_packlog_coder;
iw_packlog_coder *iw_packlog_coder_new(iw_error *err);
void iw_packlog_coder_destroy(iw_packlog_coder **coder);
/* The payload of a record, valid until the next call. */
iw_status iw_packlog_encode(iw_packlog_coder *self, const unsigned char *bytes, size_t size,
                            uint64_t total, const iw_packlog_array *arrays, size_t n_arrays,
                            const void **payload, size_t *payload_size, iw_error *err);
/* Sizes that a payload announces, checked against each other.  CORRUPT. */
iw_status iw_packlog_head(const void *payload, size_t payload_size, uint64_t *total, uint32_t *size,
                          iw_error *err);
/* Fills bytes[size], size as iw_packlog_head() said.  CORRUPT. */
iw_status iw_packlog_decode(iw_packlog_coder *self, const void *payload, size_t payload_size,
                            unsigned char *bytes, iw_error *err);

#endif
