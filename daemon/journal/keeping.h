/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_JOURNAL_KEEPING_H
#define IW_JOURNAL_KEEPING_H
/*
 * keeping.h - in which form the journal of a filed run lies in its folder.
 *
 *   journal.iwlog    as it was written
 *   journal.iwpack   packed without loss (adapters/iwlog/packlog.h)
 *   run.iwlog        what the run is (its HELLO): the frames were not kept
 *
 * Where there are several the first one in this list counts; the others are what a crash left.  A
 * new form is written aside, made durable, checked and renamed before the old one is removed, so
 * that at any moment one of them is there and whole.  Calls for one run come one at a time.
 */
#include "adapters/iwlog/packlog.h"

typedef enum { IW_KEPT_PLAIN, IW_KEPT_PACKED, IW_KEPT_RUN, IW_KEPT_NOTHING } iw_kept;

/* In which form it is, and the path of that file ("" for NOTHING). */
iw_kept iw_keeping_look(const char *data, const char *id, char *path, size_t size);

/* Removes what crashes left beside it.  IO. */
iw_status iw_keeping_tidy(const char *data, const char *id, iw_error *err);

/* Plain to packed.  INVALID: there is no summary that fits to it, so that a start would need the
 * journal; CORRUPT: what was packed cannot be read back; IO; CLOSED (watch).  All of these leave
 * it plain. */
iw_status iw_keeping_pack(const char *data, const char *id, const iw_packlog_watch *watch,
                          iw_error *err);
/* Whatever it is to what the run is.  Errors as before. */
iw_status iw_keeping_drop(const char *data, const char *id, iw_error *err);
/* Packed to plain.  *lost: bytes that were damaged.  IO, CORRUPT, CLOSED leave it packed. */
iw_status iw_keeping_unpack(const char *data, const char *id, const iw_packlog_watch *watch,
                            uint64_t *lost, iw_error *err);

#endif
