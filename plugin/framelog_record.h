/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_FRAMELOG_RECORD_H
#define IW_FRAMELOG_RECORD_H
/* framelog_record.h - the bytes of a frame log, shared by its writer and its reader. */
#include "framelog.h"

#include <stdbool.h>

enum {
    IW_FRAMELOG_HEADER = 8,
    IW_FRAMELOG_HEAD = 24, /* of a record: size, kind, seq, checksum */
    IW_FRAMELOG_VERSION = 1,
    IW_FRAMELOG_MAX_PAYLOAD = 1 << 30, /* a larger size is damage */
    IW_FRAMELOG_MAX_KIND = 255,        /* and so is a larger kind, or kind 0 */
    IW_FRAMELOG_MARK = 256             /* in the place of the kind: all before it was durable */
};

extern const unsigned char iw_framelog_header[IW_FRAMELOG_HEADER];

typedef struct {
    uint32_t size;
    uint32_t kind;
    bool marked;
    uint64_t seq;
    uint64_t checksum;
} iw_framelog_head;

/* kind with or without the mark. */
void iw_framelog_head_fill(unsigned char to[IW_FRAMELOG_HEAD], uint32_t kind, uint64_t seq,
                           const void *data, size_t size);
iw_framelog_head iw_framelog_head_read(const unsigned char from[IW_FRAMELOG_HEAD]);
/* False when size or kind are impossible. */
bool iw_framelog_head_plausible(const iw_framelog_head *head);
bool iw_framelog_head_matches(const unsigned char from[IW_FRAMELOG_HEAD], const void *data,
                              size_t size);

/* The offset of the first whole record at or after from, or end when there is none.  Reads every
 * byte: for damaged files only. */
iw_status iw_framelog_find(const iw_framelog_bytes *bytes, uint64_t from, uint64_t end,
                           uint64_t *found, iw_error *err);

/* The bytes of an open file; the descriptor is borrowed. */
iw_framelog_bytes iw_framelog_bytes_of(int *fd);

/* Reads exactly size bytes at offset; IO too when the file ends before. */
iw_status iw_framelog_read_at(int fd, void *to, size_t size, uint64_t offset, iw_error *err);

#endif
